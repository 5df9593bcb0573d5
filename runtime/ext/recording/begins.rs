//! How things are when a recording begins: written by who has stopped the world.
#![forbid(unsafe_code)]

use crate::core::base::m_id::MId;
use crate::core::g::goroutine::GRef;
use crate::core::m::machine::M;
use crate::core::p::processor::P;
use crate::ext::recording::emit::{by_this_thread, write_p_starts, writer_of};
use crate::ext::recording::record::{Kind, Was};
use crate::ext::recording::recorder::OUTSIDE;

pub(crate) fn p_is_idle(p: &P) {
    by_this_thread(Kind::PWas, 0, u64::from(p.id), u64::from(p.moves.get()));
}

/// This M holds it.
pub(crate) fn p_is_held(m: &'static M, p: &P) {
    p_is_idle(p);
    write_p_starts(m, p);
}

/// `on_m`: where it runs without a P.
pub(crate) fn g_is(g: GRef, was: Was, on_m: Option<MId>) {
    let on_m = u64::from(on_m.map_or(OUTSIDE, writer_of));
    let word = u64::from(g.moves.get()) | on_m << 32;
    by_this_thread(Kind::GWas, was as u8, g.id(), word);
}

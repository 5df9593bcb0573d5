//! What the extras do right before a goroutine runs, and right after it has left the M: most times
//! nothing but a look at the goroutine's word `stay`.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::core::g::context::Switch;
use crate::core::g::goroutine::GRef;
use crate::core::m::machine::M;
use crate::ext::latency;
use crate::ext::pins::{ABOUT_ITS_WAY_BACK, LOOKED_AT, RECORDED, TIMED};
use crate::ext::preempt::handoff;
use crate::ext::recording::emit;
use crate::ext::thread_locals::tls_guard;
use crate::ext::trace::where_left::where_left;

/// `g` is this M's.
#[inline]
pub(crate) fn runs(m: &'static M, g: GRef, inherit: bool) {
    if g.stay.get() & (ABOUT_ITS_WAY_BACK | LOOKED_AT) != 0 {
        runs_noted(m, g, inherit);
    }
}

#[cold]
#[inline(never)]
fn runs_noted(m: &'static M, g: GRef, inherit: bool) {
    if g.stay.get() & RECORDED != 0 {
        emit::runs(m, g, inherit);
    }
    if g.stay.get() & TIMED != 0 {
        latency::runs(g);
    }
    if g.stay.get() & ABOUT_ITS_WAY_BACK != 0 {
        tls_guard::arrives(m, g);
    }
}

/// The goroutine's frames are about to be on this thread.
#[inline]
pub(crate) fn before_switch(m: &'static M, g: GRef) {
    g.last_m.store(m.incarnation(), Relaxed);
    m.affinity.left_last.set(Some(g));
}

/// Returns `true` if it has left the M; `false` if it had lost its P, and continues at once, with
/// another.
#[inline]
pub(crate) fn after_switch(m: &'static M, g: GRef, switch: Switch) -> bool {
    if switch == Switch::Done {
        if g.stay.get() & RECORDED != 0 {
            emit::left(m, g, switch, 0);
        }
        return true;
    }
    if switch == Switch::LostP {
        tls_guard::overstayed(g);
    }
    if tls_guard::is_noted(m, g) {
        leaves_noted(m, g, switch);
    }
    switch != Switch::LostP || !goes_on(m, g)
}

#[cold]
#[inline(never)]
fn leaves_noted(m: &'static M, g: GRef, switch: Switch) {
    if g.stay.get() & RECORDED != 0 {
        emit::left(m, g, switch, where_left(g));
    }
    if g.stay.get() & TIMED != 0
        && matches!(
            switch,
            Switch::Yield | Switch::YieldLocal | Switch::Preempted
        )
    {
        latency::becomes_runnable(g);
    }
    if g.stay.get() & !LOOKED_AT != 0 || tls_guard::is_noted_of_thread(m) {
        tls_guard::leaves(m, g);
    }
}

/// It came out of the kernel without its P, and there is one for it.
#[cold]
fn goes_on(m: &'static M, g: GRef) -> bool {
    let found = handoff::find_p_for(m, g);
    if found && g.stay.get() & ABOUT_ITS_WAY_BACK != 0 {
        tls_guard::arrives(m, g);
    }
    found
}

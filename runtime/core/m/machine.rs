//! The M: the data of an OS thread that runs goroutines.
//!
//! Ms are made once and never freed. No two share a cache line. Go: runtime2.go m.
#![forbid(unsafe_code)]

use std::ops::Deref;

use crate::core::base::fastrand::Choice;
use crate::core::base::m_id::MId;
use crate::core::base::owner_cell::{OwnerCell, OwnerRef};
use crate::core::g::goroutine::{G, GRef};
use crate::core::hooks::{self, MExt};
use crate::core::p::processor::P;
use crate::core::sys::note::Note;

// repr(C): what its own thread writes at each pick is not on the line that a waker writes.
#[repr(C, align(128))]
#[derive(Debug)]
pub(crate) struct M {
    /// Its number, and its name in dumps.
    pub(crate) id: MId,
    /// The goroutine on this M.
    curg: OwnerRef<G>,
    /// The P this M holds.
    p: OwnerRef<P>,
    /// The P it is given when it is woken.
    pub(crate) next_p: OwnerRef<P>,
    /// Next in the list of idle Ms; under the scheduler's lock.
    pub(crate) idle_link: OwnerRef<M>,
    choice: Choice,
    /// What the extras keep here.
    ext: MExt,
    /// How it sleeps when it has nothing to do.
    pub(crate) note: Note,
    /// Looking for work; counted in the idle word.
    pub(crate) spinning: OwnerCell<bool>,
}

impl Deref for M {
    type Target = MExt;

    #[inline]
    fn deref(&self) -> &MExt {
        &self.ext
    }
}

impl M {
    pub(crate) fn new(id: MId, seed: u64) -> M {
        M {
            id,
            curg: OwnerRef::none(),
            p: OwnerRef::none(),
            next_p: OwnerRef::none(),
            idle_link: OwnerRef::none(),
            choice: Choice::new(seed),
            ext: MExt::new(),
            note: Note::new(),
            spinning: OwnerCell::zero(),
        }
    }

    #[inline]
    pub(crate) fn curg(&self) -> Option<GRef> {
        self.curg.get()
    }

    pub(crate) fn set_curg(&self, g: Option<GRef>) {
        self.curg.set(g);
    }

    #[inline]
    pub(crate) fn p(&self) -> Option<&'static P> {
        self.p.get()
    }

    pub(crate) fn set_p(&self, p: Option<&'static P>) {
        self.p.set(p);
    }

    /// It looks for work from now on, or does not any more. By its own thread.
    pub(crate) fn spins(&'static self, now: bool) {
        self.spinning.set(now);
        hooks::spins(self, now);
    }

    pub(crate) fn choice(&self) -> &Choice {
        &self.choice
    }
}

#[cfg(all(test, not(loom), feature = "ext"))]
mod lines {
    use super::*;
    use crate::core::base::alone::assert_lines;

    #[test]
    fn the_lines_are_those_of_the_page() {
        assert_lines!(M: curg, p, next_p, idle_link, ext, note, spinning);
    }
}

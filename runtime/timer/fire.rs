//! What is due, as data: the scheduler's loop acts on it, nothing here points upwards.
//!
//! Go: there the heap's owner calls `t.f` itself (time.go unlockAndRun).
#![forbid(unsafe_code)]

use crate::sys::clock::Nanos;

/// A timer object's own action. Called by the loop, inside the runtime, on an M's stack: no
/// allocation, no blocking, no user code.
pub(crate) trait Expire: Sync {
    /// `data` is what the hand left when it armed the timer, `when` is the time it was due.
    fn expired(&'static self, data: u64, when: Nanos);
}

/// One expired timer.
pub(crate) enum Fire<W: 'static> {
    /// A deadline of `who`: win its round with `data`, and if won, ready it.
    Wake { who: &'static W, data: u64 },
    /// A timer object's action.
    Call {
        on: &'static dyn Expire,
        data: u64,
        when: Nanos,
    },
}

impl<W> Clone for Fire<W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W> Copy for Fire<W> {}

impl<W> std::fmt::Debug for Fire<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Fire::Wake { who, data } => write!(f, "Wake({who:p}, {data:#x})"),
            Fire::Call { data, when, .. } => write!(f, "Call({data:#x}, {when})"),
        }
    }
}

/// How many are handed back at a time.
pub(crate) const BATCH: usize = 16;

/// A batch, in the order of their times; it lives on the loop's stack.
#[derive(Debug)]
pub(crate) struct Fires<W: 'static> {
    batch: [Option<Fire<W>>; BATCH],
    len: usize,
}

impl<W> Fires<W> {
    pub(crate) fn new() -> Fires<W> {
        Fires {
            batch: [None; BATCH],
            len: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len == BATCH
    }

    /// Not when full.
    pub(crate) fn push(&mut self, fire: Fire<W>) {
        self.batch[self.len] = Some(fire);
        self.len += 1;
    }

    /// Takes all of them out.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Fire<W>> + '_ {
        let len = std::mem::take(&mut self.len);
        self.batch[..len].iter_mut().filter_map(Option::take)
    }
}

//! The due timers, as data. The scheduler's loop acts on them, so this layer calls no higher one.
//!
//! Go: there the heap's owner calls `t.f` itself (time.go unlockAndRun).
#![forbid(unsafe_code)]

/// One expired timer: whose it is, and the word that was left with it.
pub(crate) struct Expired<W: 'static> {
    pub(crate) who: &'static W,
    pub(crate) data: u64,
}

impl<W> Clone for Expired<W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W> Copy for Expired<W> {}

impl<W> std::fmt::Debug for Expired<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Expired({:p}, {:#x})", self.who, self.data)
    }
}

/// How many are handed back at a time.
pub(crate) const BATCH: usize = 16;

/// A batch, in the order of their times; it lives on the loop's stack.
#[derive(Debug)]
pub(crate) struct ExpiredTimers<W: 'static> {
    batch: [Option<Expired<W>>; BATCH],
    len: usize,
}

impl<W> ExpiredTimers<W> {
    pub(crate) fn new() -> ExpiredTimers<W> {
        ExpiredTimers {
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
    pub(crate) fn push(&mut self, fire: Expired<W>) {
        self.batch[self.len] = Some(fire);
        self.len += 1;
    }

    /// Takes all of them out.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Expired<W>> + '_ {
        let len = std::mem::take(&mut self.len);
        self.batch[..len].iter_mut().filter_map(Option::take)
    }
}

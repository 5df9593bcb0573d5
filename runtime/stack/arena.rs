//! Where new slots come from: one arena for each class, opened when first asked.
//!
//! Slots are made in order, bottom up, and never unmade: what is not in use is in the depot.
//! Holding the lock while the kernel works is right here: everybody else who wants a new
//! slot of this class would wait for the kernel's own lock on our address space.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::stack::class::Class;
use crate::stack::error::StackError;
use crate::stack::region::{self, Region};
use crate::stack::slot::SlotRef;
use crate::sys::lock::RawLock;

struct Arena {
    /// Held to make slots: of this class, in any region.
    lock: RawLock,
    /// The region that slots are made from now, as its place in `region::all()` plus one.
    current: AtomicUsize,
    /// Slots made, in all regions.
    made: AtomicUsize,
}

static ARENAS: [Arena; Class::COUNT] = [const { Arena::closed() }; Class::COUNT];

/// New slots of `class` into the front of `out`, at least one, at most a batch. The answer
/// is how many. Allocates nothing; takes a few system calls.
///
/// # Errors
/// What the kernel refuses, see [`StackError`]. Slots that exist are not affected.
pub(crate) fn fresh(class: Class, out: &mut [Option<SlotRef>]) -> Result<usize, StackError> {
    if out.is_empty() {
        return Ok(0);
    }
    let arena = &ARENAS[class.number()];
    arena.lock.lock();
    let answer = arena.make(class, out);
    arena.lock.unlock();
    answer
}

/// Slots of `class` ever made.
pub(crate) fn made(class: Class) -> usize {
    ARENAS[class.number()].made.load(Relaxed)
}

impl Arena {
    const fn closed() -> Arena {
        Arena {
            lock: RawLock::new(),
            current: AtomicUsize::new(0),
            made: AtomicUsize::new(0),
        }
    }

    fn make(&self, class: Class, out: &mut [Option<SlotRef>]) -> Result<usize, StackError> {
        let made = self.made.load(Relaxed);
        if self.region().is_none_or(Region::is_full) {
            let place = Region::open(class, made)?;
            self.current.store(place + 1, Relaxed);
        }
        let count = match self.region() {
            Some(region) => region.make(out)?,
            None => 0,
        };
        self.made.store(made + count, Relaxed);
        Ok(count)
    }

    fn region(&self) -> Option<&'static Region> {
        region::all().get(self.current.load(Relaxed).checked_sub(1)?)
    }
}

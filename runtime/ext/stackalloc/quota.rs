//! Stacks promised to goroutines that have not run yet, where the number of stacks is limited.
//!
//! On a kernel without cheap guards each stack takes two mappings, so their number is limited
//! ([`guard`]). A goroutine gets its stack at its first run, which is too late for an error. So
//! on such a kernel each spawn first takes a promise, and fails when the quota is used up. On
//! other kernels this costs one load.
//!
//! A goroutine that a timer starts has no caller that could handle an error. It always gets its
//! promise, from a reserve that other spawns cannot use ([`KEPT_BACK`]).
//!
//! Go: none.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::core::base::owner_cell::OwnerCell;
use crate::ext::stackalloc::arena;
use crate::ext::stackalloc::class::Class;
use crate::ext::stackalloc::error::StackError;
use crate::ext::stackalloc::guard;
use crate::ext::stackalloc::region::BATCH;

/// A class, and whether a stack of it was promised: what a goroutine keeps until its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StackSpec(u8);

const COUNTED: u8 = 0x80;

impl StackSpec {
    pub(crate) fn new(class: Class, counted: bool) -> StackSpec {
        StackSpec(class.number() as u8 | if counted { COUNTED } else { 0 })
    }

    pub(crate) fn from_u8(word: u8) -> StackSpec {
        StackSpec(word)
    }

    pub(crate) fn as_u8(self) -> u8 {
        self.0
    }

    #[inline]
    pub(crate) fn class(self) -> Class {
        Class::from_number(usize::from(self.0 & !COUNTED))
    }

    /// The stack is free again.
    #[inline]
    pub(crate) fn give_back(self) {
        give_back(self.class(), self.0 & COUNTED != 0);
    }
}

/// Stacks that only goroutines of timers may have beyond the limit of all others.
const KEPT_BACK: usize = 1024;

/// Stacks that goroutines were promised.
struct Quota {
    /// Of each class.
    promised: [AtomicUsize; Class::COUNT],
    /// Free stacks that other Ps may keep in their caches, where a goroutine that needs one
    /// cannot take it.
    kept: OwnerCell<usize>,
}

static QUOTA: Quota = Quota {
    promised: [const { AtomicUsize::new(0) }; Class::COUNT],
    kept: OwnerCell::zero(),
};

/// How many stacks of the default class may be in caches.
pub(crate) fn set_kept(stacks: usize) {
    QUOTA.kept.set(stacks);
}

/// Promises a stack of `class`. `Ok(true)`: it was counted, and is to be given back.
///
/// # Errors
/// [`StackError::TooManyMappings`].
#[inline]
pub(crate) fn take(class: Class) -> Result<bool, StackError> {
    match guard::scarcity() {
        None => Ok(false),
        Some(error) => take_scarce(class, error).map(|()| true),
    }
}

#[cold]
fn take_scarce(class: Class, error: StackError) -> Result<(), StackError> {
    let StackError::TooManyMappings { stacks, .. } = error else {
        return Err(error);
    };
    QUOTA.promised[class.number()].fetch_add(1, Relaxed);
    if needed(class) <= arena::made(class) {
        return Ok(()); // those that there are will do
    }
    let needed: usize = Class::all().map(needed).sum();
    if needed > stacks.saturating_sub(KEPT_BACK.min(stacks / 8)) {
        give_back(class, true);
        return Err(error);
    }
    Ok(())
}

/// As [`take`], for a caller that cannot handle an error. It makes no system call.
pub(crate) fn take_in_any_case(class: Class) -> bool {
    let scarce = guard::are_scarce();
    if scarce {
        QUOTA.promised[class.number()].fetch_add(1, Relaxed);
    }
    scarce
}

/// Stacks of `class` that exist or will have to: made a batch at a time, and some of the free
/// ones in caches that the one who needs a stack cannot look into.
fn needed(class: Class) -> usize {
    let promised = QUOTA.promised[class.number()].load(Relaxed);
    let made = arena::made(class);
    if promised == 0 {
        return made;
    }
    made.max((promised + QUOTA.kept.peek()).next_multiple_of(BATCH) + BATCH)
}

/// The stack is free again; `promised` is the value that [`take`] returned.
#[inline]
pub(crate) fn give_back(class: Class, promised: bool) {
    if promised {
        QUOTA.promised[class.number()].fetch_sub(1, Relaxed);
    }
}

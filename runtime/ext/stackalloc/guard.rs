//! Guards below the stacks, made in the best way that this kernel supports.
//!
//! Each refill tries the steps of the ladder from the top. A step that the kernel does not
//! support costs one failed system call for 32 slots, so nothing is remembered. If memory was locked
//! in between (`mlockall` makes the first two steps fail), the third step is used. An emulator may
//! say that it has done what it does not know (QEMU's user mode ignores advice), so the first guard of the
//! process is tried. See README.md#guard-ladder.
#![allow(unsafe_code, reason = "takes access to memory away")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use crate::ext::linux::memory::{self as mem, Advice, Errno, Span};
use crate::ext::linux::valgrind;
use crate::ext::stackalloc::error::StackError;

/// A way to guard; the next one is tried when the kernel does not know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// `MADV_GUARD_INSTALL` for all spans in one `process_madvise`.
    Batch,
    /// `MADV_GUARD_INSTALL`, a call each.
    Single,
    /// `mprotect(PROT_NONE)`: two VMAs for each stack, so there is a quota.
    Mprotect,
}

impl Step {
    /// By the name that `GOSCHED=stackguard=NAME` has for it.
    pub(crate) fn from_name(name: &str) -> Option<Step> {
        match name {
            "batch" => Some(Step::Batch),
            "single" => Some(Step::Single),
            "mprotect" => Some(Step::Mprotect),
            _ => None,
        }
    }
}

/// Mappings left to all other code: malloc fails when there are none.
const SPARE_MAPPINGS: usize = 8192;

/// How guards are made here.
struct Guards {
    first_step: AtomicUsize,
    splits: AtomicUsize,
    /// A guard that was advised has been seen to fault.
    tried: AtomicBool,
}

static GUARDS: Guards = Guards {
    first_step: AtomicUsize::new(Step::Batch as usize),
    splits: AtomicUsize::new(0),
    tried: AtomicBool::new(false),
};

/// Leaves out the steps above `step`: for tests, and where advice is not followed.
pub(crate) fn start_at(step: Step) {
    GUARDS.first_step.store(step as usize, Relaxed);
}

/// Makes any access to the spans a fault.
///
/// # Errors
/// [`StackError::Guard`], [`StackError::TooManyMappings`]. Some of the spans may be guarded
/// then; the call can be repeated with the same spans.
///
/// # Safety
/// The caller owns the spans, and nothing in them is in use.
pub(crate) unsafe fn install(spans: &[Span]) -> Result<(), StackError> {
    let first = GUARDS.first_step.load(Relaxed);
    type Advise = unsafe fn(&[Span], Advice) -> Result<(), Errno>;
    let ways: [(Step, Advise); 2] = [
        (Step::Batch, mem::advise_batch),
        (Step::Single, mem::advise_each),
    ];
    for (_, advise) in ways.into_iter().filter(|way| first <= way.0 as usize) {
        // SAFETY: the caller's promise.
        match unsafe { advise(spans, Advice::Guard) } {
            Err(errno) if unknown(errno) => (),
            // SAFETY: the caller's promise.
            Ok(()) if unsafe { !guards(spans) } => (),
            done => return done.map_err(|errno| StackError::Guard { errno }),
        }
    }
    // SAFETY: the caller's promise.
    unsafe { split(spans) }
}

/// The advice was taken. Was it followed? The first time, a look; if not, no advice is given again.
///
/// # Safety
/// As [`install`].
unsafe fn guards(spans: &[Span]) -> bool {
    let Some(first) = spans.iter().find(|span| span.len > 0) else {
        return true;
    };
    if !GUARDS.tried.load(Relaxed) {
        // SAFETY: the caller's promise.
        if !valgrind::without_complaints(|| unsafe { mem::faults(first.addr) }) {
            start_at(Step::Mprotect);
            return false;
        }
        GUARDS.tried.store(true, Relaxed);
    }
    true
}

/// The kernel says that it does not support this, and not that there is no memory.
fn unknown(errno: Errno) -> bool {
    errno != libc::ENOMEM && errno != libc::EAGAIN
}

/// Where guards cost mappings, the error that is to come when there are no more.
#[inline]
pub(crate) fn scarcity() -> Option<StackError> {
    are_scarce().then(too_many)
}

/// Do guards cost mappings?
#[inline]
pub(crate) fn are_scarce() -> bool {
    GUARDS.splits.load(Relaxed) > 0
        || GUARDS.first_step.load(Relaxed) == Step::Mprotect as usize
}

#[cold]
fn too_many() -> StackError {
    let max_map_count = mem::max_map_count();
    StackError::TooManyMappings {
        stacks: budget(max_map_count),
        max_map_count,
    }
}

/// How many stacks `mprotect` can guard before the process runs out of mappings.
fn budget(max_map_count: usize) -> usize {
    max_map_count.saturating_sub(SPARE_MAPPINGS) / 2
}

/// # Safety
/// As [`install`].
unsafe fn split(spans: &[Span]) -> Result<(), StackError> {
    let stacks = budget(mem::max_map_count());
    let before = GUARDS.splits.fetch_add(spans.len(), Relaxed);
    let result = if before + spans.len() > stacks {
        Err(too_many())
    } else {
        spans.iter().try_for_each(|&span| {
            // SAFETY: the caller's promise.
            unsafe { mem::forbid(span) }.map_err(|errno| match errno {
                libc::ENOMEM => too_many(),
                errno => StackError::Guard { errno },
            })
        })
    };
    if result.is_err() {
        // The same spans come again, if any.
        GUARDS.splits.fetch_sub(spans.len(), Relaxed);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_leaves_room_for_malloc() {
        assert_eq!(budget(65_530), 28_669);
        assert_eq!(budget(1000), 0);
    }
}

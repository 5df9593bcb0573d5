//! Requests to valgrind: instructions that it recognises, and that do nothing elsewhere.
//!
//! They tell valgrind where a stack begins, and that the guard's scan may read words that were
//! never written.
//!
//! memcheck must not take a switch to another stack for a call, or a return, with a huge frame.
//! It decides by the distance: no frame has [`FAR`] bytes. An M's stack is that far from all
//! others. Of two stacks of one goroutine, the second begins that far down (`core/g/context.rs`
//! `call_on`). Registering the stacks with valgrind is not enough: memcheck remembers only one
//! current stack for all threads, and forgets to make room for a large frame after another thread
//! has run.
//!
//! valgrind.h, memcheck.h; valgrind's `--max-stackframe`.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;

use crate::ext::linux::arch::valgrind_request;
use crate::ext::linux::memory::Span;

const CHANGE_ERR_DISABLEMENT: usize = 0x1801;
const MEMCHECK: usize = (b'M' as usize) << 24 | (b'C' as usize) << 16;
const MAKE_MEM_UNDEFINED: usize = MEMCHECK + 1;
const MAKE_MEM_DEFINED: usize = MEMCHECK + 2;

/// Zero without valgrind.
#[inline]
fn request(code: usize, first: usize, second: usize) -> usize {
    valgrind_request(&[code, first, second, 0, 0, 0])
}

/// More than memcheck takes for the size of one frame.
pub(crate) const FAR: usize = 2 << 20;

/// Not asked yet, or no, or yes.
static MEMCHECK_RUNS: AtomicU8 = AtomicU8::new(UNKNOWN);
const UNKNOWN: u8 = 0;
const NO: u8 = 1;
const YES: u8 = 2;

/// Does the process run under memcheck, the tool of valgrind that reports such reads?
#[inline]
pub(crate) fn is_memcheck() -> bool {
    match MEMCHECK_RUNS.load(Relaxed) {
        UNKNOWN => ask(),
        answer => answer == YES,
    }
}

#[cold]
fn ask() -> bool {
    let place = 0_u8;
    // Only memcheck answers anything but 0.
    let yes = request(MAKE_MEM_DEFINED, (&raw const place).addr(), 1) != 0;
    MEMCHECK_RUNS.store(if yes { YES } else { NO }, Relaxed);
    yes
}

/// The next user begins at the upper end of this stack, and not where the last user left it.
#[inline]
pub(crate) fn begin_stack(free: Span) {
    request(MAKE_MEM_UNDEFINED, free.addr, free.len);
}

/// Calls `f`, which may read memory that was never written, and treats its result as defined.
#[inline(always)]
pub(crate) fn without_complaints(f: impl FnOnce() -> bool) -> bool {
    request(CHANGE_ERR_DISABLEMENT, 1, 0);
    let mut answer = f();
    request(
        MAKE_MEM_DEFINED,
        (&raw mut answer).addr(),
        size_of::<bool>(),
    );
    request(CHANGE_ERR_DISABLEMENT, usize::MAX, 0);
    answer
}

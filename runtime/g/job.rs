//! A spawned closure, stored inside its G so that a spawn needs no allocation.
//!
//! Invariant: a cell is full from `put` to `take_and_run`, and only the G's owner touches it.
#![allow(unsafe_code, reason = "type-erased closure in a fixed buffer")]

use std::cell::UnsafeCell;
use std::mem::{MaybeUninit, align_of, size_of};

const WORDS: usize = 10;
type Buffer = MaybeUninit<[usize; WORDS]>;

/// The closure's place and the function that runs it from there.
pub(crate) struct JobCell {
    run: UnsafeCell<Option<unsafe fn(*mut Buffer)>>,
    buffer: UnsafeCell<Buffer>,
}

// SAFETY: `put` demands F: Send; the status word hands the cell from spawner to runner.
unsafe impl Sync for JobCell {}
// SAFETY: as above.
unsafe impl Send for JobCell {}

/// Reads `F` out of the buffer and calls it.
///
/// # Safety
/// The buffer holds an `F` that nobody reads again.
unsafe fn run_inline<F: FnOnce()>(buffer: *mut Buffer) {
    // SAFETY: promised by the caller.
    let f = unsafe { buffer.cast::<F>().read() };
    f();
}

impl JobCell {
    pub(crate) const fn empty() -> JobCell {
        JobCell {
            run: UnsafeCell::new(None),
            buffer: UnsafeCell::new(Buffer::uninit()),
        }
    }

    /// True if `F` fits without a box.
    pub(crate) const fn fits<F>() -> bool {
        size_of::<F>() <= size_of::<Buffer>() && align_of::<F>() <= align_of::<Buffer>()
    }

    /// Stores `f`, which must fit.
    ///
    /// # Safety
    /// The caller owns the G (it is DEAD, taken from a free list) and the cell is empty; `f`
    /// stays valid until it has run, whatever its lifetime says.
    pub(crate) unsafe fn put<F: FnOnce() + Send>(&self, f: F) {
        assert!(Self::fits::<F>(), "the closure does not fit"); // decided when compiled
        // SAFETY: the owner is alone; size and alignment are checked above.
        unsafe { self.buffer.get().cast::<F>().write(f) };
        // SAFETY: the owner is alone.
        unsafe { *self.run.get() = Some(run_inline::<F>) };
    }

    /// Runs the closure on the calling stack.
    ///
    /// # Safety
    /// The caller is the goroutine that the cell was filled for, just started.
    pub(crate) unsafe fn take_and_run(&self) {
        // SAFETY: the goroutine owns its G.
        let run = unsafe { (*self.run.get()).take() };
        if let Some(run) = run {
            // SAFETY: `run` was stored together with its closure, and is taken only once.
            unsafe { run(self.buffer.get()) };
        }
    }
}

impl std::fmt::Debug for JobCell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JobCell")
    }
}

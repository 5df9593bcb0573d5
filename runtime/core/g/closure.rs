//! A spawned closure, stored inside its G so that a spawn needs no allocation.
//!
//! Invariant: a cell is full from `put` to `take_and_run` or `take_and_drop`, and only the G's
//! owner touches it.
#![allow(unsafe_code, reason = "type-erased closure in a fixed buffer")]

use std::cell::UnsafeCell;
use std::mem::{MaybeUninit, align_of, size_of};

const WORDS: usize = 10;
type Buffer = MaybeUninit<[usize; WORDS]>;

/// Reads the closure out of the buffer, and calls or drops it.
type Run = unsafe fn(*mut Buffer, Call);

/// The closure's place and the function that runs it from there.
pub(crate) struct ClosureCell {
    run: UnsafeCell<Option<Run>>,
    buffer: UnsafeCell<Buffer>,
}

// SAFETY: `put` demands F: Send; the status word hands the cell from spawner to runner.
unsafe impl Sync for ClosureCell {}
// SAFETY: as above.
unsafe impl Send for ClosureCell {}

/// What to do with a closure that is taken out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Run,
    Drop,
}

/// Reads `F` out of the buffer and calls it, or drops it.
///
/// # Safety
/// The buffer holds an `F`, which is not read again.
unsafe fn run_inline<F: FnOnce()>(buffer: *mut Buffer, call: Call) {
    // SAFETY: promised by the caller.
    let f = unsafe { buffer.cast::<F>().read() };
    if call == Call::Run {
        f();
    }
}

impl ClosureCell {
    pub(crate) const fn empty() -> ClosureCell {
        ClosureCell {
            run: UnsafeCell::new(None),
            buffer: UnsafeCell::new(Buffer::uninit()),
        }
    }

    /// Returns `true` if `F` fits without a box.
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
        unsafe { self.take(Call::Run) };
    }

    /// Drops the closure, if there is one. Call it outside of the runtime, since it runs user
    /// code.
    ///
    /// # Safety
    /// The caller owns the G, which is dead and out of every list.
    pub(crate) unsafe fn take_and_drop(&self) {
        // SAFETY: the caller's promise.
        unsafe { self.take(Call::Drop) };
    }

    /// # Safety
    /// The caller owns the G.
    unsafe fn take(&self, call: Call) {
        // SAFETY: the caller's promise.
        let run = unsafe { (*self.run.get()).take() };
        if let Some(run) = run {
            // SAFETY: `run` was stored together with its closure, and is taken only once.
            unsafe { run(self.buffer.get(), call) };
        }
    }
}

impl std::fmt::Debug for ClosureCell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClosureCell")
    }
}

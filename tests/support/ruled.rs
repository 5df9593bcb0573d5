//! A global allocator that knows the rule of `docs/preemption.md`: inside of the runtime nobody
//! allocates or frees. Who does it anyway ends the process, with words and a backtrace.
//!
//! It can also be what makes the rule necessary: an allocator with one lock for everybody.

use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::io::Write;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};

pub(crate) struct Ruled;

/// Off: breaking the rule goes unnoticed.
pub(crate) static CHECKS: AtomicBool = AtomicBool::new(true);
/// On: whoever allocates holds a lock meanwhile, and takes his time.
pub(crate) static LOCKS: AtomicBool = AtomicBool::new(false);
static LOCK: Mutex<()> = Mutex::new(());

fn check(verb: &str) {
    if gosched::__in_runtime() && CHECKS.swap(false, Relaxed) {
        let mut err = std::io::stderr();
        let _ = writeln!(err, "rule D: {verb} inside of the runtime");
        if !LOCKS.load(Relaxed) {
            let _ = writeln!(err, "{}", Backtrace::force_capture());
        }
        std::process::abort();
    }
}

/// Whoever waits for the lock sleeps in the kernel, as in malloc.
fn locked<R>(work: impl FnOnce() -> R) -> R {
    if !LOCKS.load(Relaxed) {
        return work();
    }
    let held = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    take_time();
    let result = work();
    drop(held);
    take_time(); // free as long as it was taken, or nobody else would get it
    result
}

fn take_time() {
    for _ in 0..20_000 {
        std::hint::spin_loop();
    }
}

// SAFETY: the system's allocator, with a look before each call.
unsafe impl GlobalAlloc for Ruled {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check("malloc");
        // SAFETY: the caller's promise.
        locked(|| unsafe { System.alloc(layout) })
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        check("free");
        // SAFETY: the caller's promise.
        locked(|| unsafe { System.dealloc(at, layout) });
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        check("calloc");
        // SAFETY: the caller's promise.
        locked(|| unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        check("realloc");
        // SAFETY: the caller's promise.
        locked(|| unsafe { System.realloc(at, layout, size) })
    }
}

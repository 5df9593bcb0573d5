//! The `go` statement: a goroutine that nobody waits for.
//!
//! Go: proc.go newproc.
#![allow(
    unsafe_code,
    reason = "hands the closure to the scheduler, whose contract it keeps"
)]

use std::mem::forget;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};

use crate::api::thread::goexit::is_goexit;
use crate::api::thread::panic::{Root, over, uncaught};
use crate::core::sched::spawn::spawn;
use crate::ext::life::Birth;

/// Starts a goroutine that runs `f`, and returns at once.
///
/// An uncaught panic in it ends the process with Go's words and status 2 (see
/// [`Builder::uncaught_panic`](crate::Builder::uncaught_panic) for the other way).
///
/// There are other ways to start one. [Which one when?](crate::thread#which-way-to-start-a-goroutine)
///
/// # Panics
/// If the runtime has not been started, or there can be no stack for it, see
/// [`StackError`](crate::StackError).
///
/// # Examples
/// ```
/// use gosched::sync::WaitGroup;
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let wg = std::sync::Arc::new(WaitGroup::new());
///     wg.add(1);
///     let done = wg.clone();
///     gosched::go(move || done.done());
///     wg.wait();
/// }) };
/// ```
///
/// Go: the `go` statement
#[track_caller]
pub fn go<F>(f: F)
where
    F: FnOnce() + Send + 'static,
{
    go_at(Location::caller(), f);
}

/// As [`go`], for the caller at `at`.
#[track_caller]
pub(crate) fn go_at<F>(at: &'static Location<'static>, f: F)
where
    F: FnOnce() + Send + 'static,
{
    let birth = Birth {
        at,
        ..Birth::plain()
    };
    // SAFETY: F is 'static; the body catches its own panics.
    let spawned = unsafe { spawn(birth, move || run_detached(f)) };
    if let Err(e) = spawned {
        panic!("failed to spawn a goroutine: {e}");
    }
}

/// Runs the body of a goroutine that nobody waits for.
pub(crate) fn run_detached(f: impl FnOnce()) {
    let body = || {
        let root = Root;
        f();
        forget(root);
    };
    match catch_unwind(AssertUnwindSafe(body)) {
        Err(payload) if is_goexit(&*payload) => over(),
        Err(payload) => uncaught(payload),
        Ok(()) => (),
    }
}

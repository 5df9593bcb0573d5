//! `run` and `go`, of the core alone.
#![allow(
    unsafe_code,
    reason = "the one unsafe door of the crate; its contract is the caller's"
)]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::channel;

use crate::core::hooks::{Birth, Settings};
use crate::core::p::processor::MAX_PS;
use crate::core::sched::schedt::SCHED;
use crate::core::sched::spawn::spawn;
use crate::core::sched::start;
use crate::core::sys::fatal::fatal;

/// Runs `f` as the main goroutine, and waits for its end. `GOMAXPROCS` says how many Ps there are; if
/// it says nothing, as many as CPUs can be used.
///
/// # Panics
/// With the panic of `f`.
///
/// # Safety
/// No goroutine keeps a value that is tied to its OS thread (a reference to a thread-local, a guard of
/// std's) while it waits or yields: it may go on on another thread.
#[track_caller]
pub unsafe fn run<F, R>(f: F) -> R
where
    F: FnOnce() -> R + Send,
    R: Send,
{
    let Ok(()) = start::start(&Settings { procs: procs() }, || ());
    let (result, end) = channel();
    let body = move || {
        SCHED.mains.fetch_add(1, Relaxed);
        let ended = catch_unwind(AssertUnwindSafe(f));
        SCHED.mains.fetch_sub(1, Relaxed);
        let _ = result.send(ended); // the receiver waits for it
    };
    // SAFETY: this frame waits for the end of `body`, so what F borrows outlives it; the body catches
    // its own panics.
    let Ok(_) = unsafe { spawn(Birth::default(), body) };
    match end.recv() {
        Ok(Ok(value)) => value,
        Ok(Err(payload)) => resume_unwind(payload),
        Err(_) => fatal!("a main goroutine ended without a word"),
    }
}

fn procs() -> u32 {
    let said = std::env::var("GOMAXPROCS").ok();
    let said = said
        .and_then(|n| n.parse::<usize>().ok())
        .filter(|&n| n > 0);
    let cpus = || std::thread::available_parallelism().map_or(1, usize::from);
    said.unwrap_or_else(cpus).min(MAX_PS) as u32
}

/// Starts a goroutine. A panic of its ends the process, as in Go.
///
/// # Panics
/// Before the first [`run`].
#[track_caller]
pub fn go<F>(f: F)
where
    F: FnOnce() + Send + 'static,
{
    let body = || {
        if catch_unwind(AssertUnwindSafe(f)).is_err() {
            fatal!("a goroutine has panicked");
        }
    };
    // SAFETY: F is 'static; the body catches its own panics.
    let Ok(_) = unsafe { spawn(Birth::default(), body) };
}

//! The trace of a program that dies: of a panic, a deadlock, an overflow, a fatal error, SIGQUIT.
//!
//! Who dies may be in a signal handler, on a few pages of stack, with malloc's lock held. So a thread
//! that was made before writes the trace, and who dies waits for that, but not for ever: the thread may
//! need a lock whose owner is stopped.
#![forbid(unsafe_code)]

use std::fmt::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicI32};

use crate::core::sys::clock::{Nanos, nanotime};
use crate::core::sys::fatal::{RawStderr, set_last_act};
use crate::core::sys::note::Note;
use crate::ext::diagnostics::exit_watcher;
use crate::ext::linux::helper;
use crate::ext::linux::tasks::gettid;
use crate::ext::threads::runtime_threads;
use crate::ext::timers::last_awake::check_if_last;

/// For millions of events, in a debug build.
const PATIENCE: Nanos = 20_000_000_000;
/// Beside the thread-locals.
const STACK: usize = 512 << 10;

struct Death {
    asked: Note,
    done: Note,
    /// The thread is there; its number.
    up: AtomicBool,
    writer: AtomicI32,
    write: OnceLock<fn()>,
}

static DEATH: Death = Death {
    asked: Note::new(),
    done: Note::new(),
    up: AtomicBool::new(false),
    writer: AtomicI32::new(0),
    write: OnceLock::new(),
};

/// From now on `write` is called when the process dies.
pub(crate) fn prepare(write: fn()) {
    DEATH.write.get_or_init(|| write);
    if helper::start(c"gosched-trace", STACK, wait).is_ok() {
        set_last_act(act);
    }
}

fn wait(_: &'static ()) {
    runtime_threads::set_trace_writer();
    exit_watcher::is_ours();
    DEATH.writer.store(gettid(), Relaxed);
    DEATH.up.store(true, Release); // pairs(trace-death): act's Acquire
    check_if_last(); // until now it counted as a thread that could wake a goroutine
    DEATH.asked.sleep();
    write();
    DEATH.done.wake();
}

fn write() {
    if let Some(write) = DEATH.write.get() {
        write();
    }
}

/// By who dies.
fn act() {
    // Acquire pairs(trace-death): wait's Release.
    if !DEATH.up.load(Acquire) {
        return;
    }
    if DEATH.writer.load(Relaxed) == gettid() {
        return write(); // it found the deadlock: it must not wait for itself
    }
    DEATH.asked.wake();
    if !DEATH.done.sleep_until(Some(nanotime() + PATIENCE)) {
        let _ = writeln!(
            RawStderr,
            "gosched: no trace was written: it took more than {} s",
            PATIENCE / 1_000_000_000
        );
    }
}

//! The trace of a program that dies: of a panic, a deadlock, an overflow, a fatal error, SIGQUIT.
//!
//! Who dies may be in a signal handler, on a few pages of stack, with malloc's lock held. So a thread
//! that was made before writes the trace, and who dies waits for that, but not for ever: the thread may
//! need a lock whose owner is stopped.
#![forbid(unsafe_code)]

use std::fmt::Write as _;
use std::sync::OnceLock;

use crate::core::sys::clock::{Nanos, nanotime};
use crate::core::sys::fatal::{RawStderr, set_last_act};
use crate::core::sys::note::Note;
use crate::ext::linux::helper;
use crate::ext::threads::runtime_threads;

/// For millions of events, in a debug build.
const PATIENCE: Nanos = 20_000_000_000;
/// Beside the thread-locals.
const STACK: usize = 512 << 10;

struct Death {
    /// The thread is known as one of the runtime's.
    known: Note,
    asked: Note,
    done: Note,
    write: OnceLock<fn()>,
}

static DEATH: Death = Death {
    known: Note::new(),
    asked: Note::new(),
    done: Note::new(),
    write: OnceLock::new(),
};

/// From now on `write` is called when the process dies. Before there is a goroutine, so the new thread
/// never counts as one that could wake one: it need not look for a deadlock, and so cannot report one
/// and wait for itself.
pub(crate) fn prepare(write: fn()) {
    DEATH.write.get_or_init(|| write);
    if helper::start(c"gosched-trace", STACK, wait).is_ok() {
        DEATH.known.sleep();
        set_last_act(act);
    }
}

fn wait(_: &'static ()) {
    runtime_threads::set_trace_writer();
    DEATH.known.wake();
    DEATH.asked.sleep();
    if let Some(write) = DEATH.write.get() {
        write();
    }
    DEATH.done.wake();
}

/// By who dies.
fn act() {
    DEATH.asked.wake();
    if !DEATH.done.sleep_until(Some(nanotime() + PATIENCE)) {
        let _ = writeln!(
            RawStderr,
            "gosched: no trace was written: it took more than {} s",
            PATIENCE / 1_000_000_000
        );
    }
}

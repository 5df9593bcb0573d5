//! The process does not exit while another thread prints why it ends.
//!
//! When main returns, and when the process exits in an orderly way (`exit`, the end of its own
//! main), the exiting thread waits. It waits for a report that has begun
//! (`core/sys/fatal.rs let_others_die`), and for a panic in progress that may become a report. A
//! panic is in progress while its hook prints, or while it unwinds and was not caught. A hook
//! gets ten seconds. A panic that unwinds gets two, as its destructors may wait forever. A panic
//! that user code has caught gets none: its goroutine is asked, on its own thread
//! (`ext/diagnostics/panics.rs`).
//!
//! If the program later sets a panic hook that does not call ours, that hook is not noticed. Then
//! the exiting thread waits only for the report, from when the panic has reached its goroutine's
//! root.
//!
//! Go: proc.go main, its looks at runningPanicDefers and panicking.
#![allow(unsafe_code, reason = "atexit(3)")]

use std::sync::Once;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use crate::api::thread::panic::{goes_on, this_goroutine};
use crate::core::g::goroutine::GRef;
use crate::core::sys::clock::{Nanos, nanotime};
use crate::ext::allgs;
use crate::ext::diagnostics::panics::{self, Phase};
use crate::ext::linux::dying::let_others_die;
use crate::ext::linux::tasks::nanosleep;
use crate::ext::pins::PANICKING;
use crate::ext::preempt::preempt_signal;
use crate::ext::stopped::State;
use crate::ext::threads::allm;
use crate::ext::trace::file;

const MS: Nanos = 1_000_000;
/// For what a hook has to tell: a backtrace of a large program takes a second on a busy machine.
const TELLING: Nanos = 10_000 * MS;
/// For the destructors between the panic and the goroutine's root.
const UNWINDING: Nanos = 2_000 * MS;
/// Those that unwind are first left in peace for so long, and asked now and then afterwards.
const ASK_AFTER: Nanos = MS;
const PAUSE: Nanos = MS / 20;
const LONGEST_PAUSE: Nanos = 10 * MS;

/// The process that we wait in at its exit: a child of it that was forked has none of its
/// goroutines.
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// Sees to it that the process's exit waits as well. At each `run`; the first counts.
pub(crate) fn wait_at_exit() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        PROCESS.store(std::process::id(), Relaxed);
        // SAFETY: a function that may run at any time. Without room for it the exit does not
        // wait, and `run` still does.
        unsafe { libc::atexit(exits) };
    });
}

extern "C" fn exits() {
    if PROCESS.load(Relaxed) == std::process::id() {
        wait();
        file::write_at_exit();
    }
}

/// Called by a thread that is about to end the process in an orderly way.
pub(crate) fn wait() {
    let_others_die();
    if panics::any() {
        wait_for_panics();
    }
}

#[cold]
fn wait_for_panics() {
    let me = this_goroutine(); // a hook may call `exit`
    let begin = nanotime();
    let (mut told, mut pause) = (begin, PAUSE);
    loop {
        let now = nanotime();
        let mut wait = false;
        allgs::for_each(|g| {
            if me.is_some_and(|me| me.same(g)) {
                return;
            }
            match g.panics.seen().phase() {
                Phase::None => (),
                Phase::Tells => {
                    told = now;
                    wait |= now - begin < TELLING;
                }
                Phase::Unwinds if goes_on() => (),
                Phase::Unwinds => {
                    wait |= now - told < UNWINDING && still_unwinds(g, now - begin > ASK_AFTER);
                }
            }
        });
        let_others_die();
        if !wait {
            return;
        }
        nanosleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Returns `false` if its panic was caught. `ask`: it may be disturbed for that.
///
/// What is read here may be some moments old; if a panic is taken for caught by that, main goes
/// before it as if it had returned a little earlier.
fn still_unwinds(g: GRef, ask: bool) -> bool {
    let seen = g.panics.seen();
    let m = allm::m_of(g.last_m.load(Relaxed));
    match m.filter(|m| m.curg().is_some_and(|on| on.same(g))) {
        Some(m) => {
            if ask {
                preempt_signal::preempt(m, None); // its handler looks
            }
            true
        }
        // Off its stack. A goroutine that leaves in the middle of a panic is marked, and locked to
        // its thread; unless it was locked before, then we cannot know.
        None => {
            let marked = g.stay.peek() & PANICKING != 0;
            let unwinds =
                g.status.state() != State::Dead && (marked || g.locked_count.peek() != 0);
            if !unwinds {
                g.panics.was_caught(seen);
            }
            unwinds
        }
    }
}

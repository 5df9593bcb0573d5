//! All goroutines are asleep: the report, and when there is none.
//!
//! The check runs when the last M goes idle. It reports only if a thread waits inside of `run`
//! for its main goroutine, nothing is in flight, and no thread of the process that is not the
//! runtime's could still wake somebody: every such thread must itself be waiting, without a
//! time-out, on one of our primitives. Threads are counted by the kernel (`/proc/self/task`),
//! so one that the runtime has never heard of prevents the report.
//!
//! Go: proc.go checkdead.
#![forbid(unsafe_code)]

use std::fmt::{self, Write as _};
use std::sync::atomic::Ordering::Relaxed;

use crate::g::all;
use crate::g::goroutine::{G, GRef};
use crate::g::status::State;
use crate::sched::dump::{Caller, describe, dump_all, is_user};
use crate::sched::state::SCHED;
use crate::sched::threads;
use crate::sys::fatal::{BufferedStderr, RawStderr, exit_now};
use crate::sys::thread::live_tids;

/// The last M has gone idle (or a plain thread has parked): is anybody left who could act?
#[cold]
pub(crate) fn check() {
    if SCHED.mains.load(Relaxed) == 0 || !all_idle() {
        return;
    }
    let Some(tids) = live_tids() else { return };
    if tids.into_iter().any(could_act) || !all_idle() {
        return;
    }
    report();
}

/// No M runs or is about to.
fn all_idle() -> bool {
    SCHED.lock.lock();
    let idle = SCHED.all_ms_idle() && SCHED.global.is_empty() && !SCHED.stopping.load(Relaxed);
    SCHED.lock.unlock();
    idle
}

/// True unless `tid` is the runtime's, or waits for a goroutine without a time-out.
fn could_act(tid: i32) -> bool {
    if threads::is_runtime_thread(tid) {
        return false;
    }
    let mut waits = false;
    all::for_each(|g| {
        waits |= g.is_thread()
            && g.last_m.load(Relaxed) == tid as u32
            && g.status.state() == State::Waiting
            && !g.has_deadline();
    });
    !waits
}

/// Go's words, every goroutine, status 2.
fn report() -> ! {
    let mut goroutines = 0;
    all::for_each(|g| goroutines += u32::from(is_user(g)));
    let words = if goroutines == 0 {
        "no goroutines (main called runtime.Goexit) - deadlock!"
    } else {
        "all goroutines are asleep - deadlock!"
    };
    let _ = writeln!(RawStderr, "fatal error: {words}");
    dump_all(&mut BufferedStderr::new(), Caller::Ordinary);
    exit_now(2)
}

/// The calling goroutine's paragraph.
pub(crate) fn describe_running(g: GRef, out: &mut dyn fmt::Write) {
    let _ = describe(g, out, Caller::Ordinary);
}

/// For the overflow report, in a signal handler: the goroutine that owns a stack, found by its
/// tag.
pub(crate) fn describe_owner(tag: usize, out: &mut dyn fmt::Write) {
    all::for_each(|g| {
        if std::ptr::from_ref::<G>(g).addr() == tag {
            let _ = if g.is_thread() {
                writeln!(out, "on a plain thread")
            } else {
                describe(g, out, Caller::Urgent)
            };
        }
    });
}

//! All goroutines are asleep: when this is certain, and the report.
//!
//! The check runs when the last M goes idle, when a foreign thread parks, and when one ends. It
//! reports only if all of this is true: a thread waits inside `run` for its main goroutine; no M
//! is awake; and no other thread of the process could still wake a goroutine, because each waits,
//! without a deadline, on one of our primitives. The kernel counts the threads, so a thread that
//! the runtime does not know prevents the report; then the exit watcher waits for the end of such
//! threads. `core/sched/README.md#deadlock` has the proof.
//!
//! Go: proc.go checkdead.
#![forbid(unsafe_code)]

use std::fmt::{self, Write as _};
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::fence;

use crate::core::g::goroutine::{G, GRef};
use crate::core::sched::schedt::SCHED;
use crate::core::sys::fatal::{RawStderr, begin_death, die};
use crate::ext::allgs;
use crate::ext::diagnostics::dump::{Caller, describe, is_user};
use crate::ext::diagnostics::exit_watcher::{Found, ended_but_counted, watch};
use crate::ext::diagnostics::last_look::tell_all;
use crate::ext::linux::stderr::BufferedStderr;
use crate::ext::linux::tasks::count_threads;
use crate::ext::plain_threads::foreign_parked;
use crate::ext::threads::runtime_threads;

/// The last M has gone idle, or a foreign thread has parked or ended: could any thread still act?
#[cold]
pub(crate) fn check() {
    match examine() {
        Found::Prevented => watch(examine),
        Found::NoDeadlock | Found::Deadlock => (),
    }
}

/// The check; the watcher's as well. A deadlock is reported here.
fn examine() -> Found {
    let found = look();
    if found == Found::Deadlock {
        if SCHED.starved.peek() {
            runtime_threads::wake_spawner(); // it tries to get a stack, and has other words: starved.rs
        } else {
            report();
        }
    }
    found
}

/// A main goroutine is waited for, and neither the runtime nor a foreign thread will ever do
/// anything again by itself.
pub(crate) fn nobody_can_act() -> bool {
    look() == Found::Deadlock
}

fn look() -> Found {
    fence(SeqCst); // pairs(deadlock): of two that go to sleep at once, one sees the other
    if SCHED.mains.load(Relaxed) == 0 {
        return Found::NoDeadlock;
    }
    let Some(stamp) = SCHED.all_asleep() else {
        return Found::NoDeadlock;
    };
    let plain = foreign_parked::now();
    let known = runtime_threads::thread_count() + plain.count() + ended_but_counted();
    match count_threads() {
        Some(all) if all > known => Found::Prevented,
        Some(all)
            if all == known
                && foreign_parked::now() == plain
                && SCHED.all_asleep() == Some(stamp) =>
        {
            Found::Deadlock
        }
        _ => Found::NoDeadlock,
    }
}

/// Go's words, every goroutine, status 2.
fn report() -> ! {
    begin_death();
    let mut goroutines = 0;
    allgs::for_each(|g| goroutines += u32::from(is_user(g)));
    let words = if goroutines == 0 {
        "no goroutines (main called runtime.Goexit) - deadlock!"
    } else {
        "all goroutines are asleep - deadlock!"
    };
    let _ = writeln!(RawStderr, "fatal error: {words}");
    tell_all(0, &mut BufferedStderr::new(), Caller::Ordinary);
    die()
}

/// The calling goroutine's paragraph.
pub(crate) fn describe_running(g: GRef, out: &mut dyn fmt::Write) {
    let _ = describe(g, out, Caller::Ordinary, None);
}

/// For the overflow report, in a signal handler: the goroutine that owns a stack, found by its
/// tag.
pub(crate) fn describe_owner(tag: usize, out: &mut dyn fmt::Write) {
    allgs::for_each(|g| {
        if std::ptr::from_ref::<G>(g).addr() == tag {
            let _ = if g.is_thread() {
                writeln!(out, "on a plain thread")
            } else {
                describe(g, out, Caller::Urgent, None)
            };
        }
    });
}

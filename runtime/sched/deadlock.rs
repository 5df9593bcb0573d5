//! All goroutines are asleep: the report, and when there is none.
//!
//! The check runs when the last M goes idle, when a plain thread parks, and when one ends. It
//! reports only if a thread waits inside of `run` for its main goroutine, nothing is in flight,
//! and no thread of the process that is not the runtime's could still wake somebody: every such
//! thread must itself be waiting, without a deadline, on one of our primitives. Threads are
//! counted by the kernel, so one that the runtime has never heard of prevents the report; then
//! the watcher waits for the end of such threads. `README.md#deadlock` has the proof.
//!
//! Go: proc.go checkdead; traceback.go goroutineheader.
#![forbid(unsafe_code)]

use std::fmt::{self, Write as _};
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::fence;

use crate::g::all;
use crate::g::goroutine::{G, GRef, Kind};
use crate::g::status::State;
use crate::m::asleep;
use crate::sched::state::SCHED;
use crate::sched::threads;
use crate::sched::watch::watch;
use crate::sys::fatal::{RawStderr, begin_death, exit_now};
use crate::sys::thread::count_threads;

/// The last M has gone idle, a plain thread has parked or ended: is anybody left who could act?
#[cold]
pub(crate) fn check() {
    fence(SeqCst); // pairs(deadlock): of two that go to sleep at once, one sees the other
    if SCHED.mains.load(Relaxed) == 0 {
        return;
    }
    let Some(stamp) = SCHED.all_asleep() else {
        return;
    };
    let plain = asleep::now();
    let known = threads::thread_count() + plain.count();
    let Some(all) = count_threads() else { return };
    if all > known {
        watch(all, check);
    } else if all == known && asleep::now() == plain && SCHED.all_asleep() == Some(stamp) {
        report();
    }
}

/// Go's words, every goroutine, status 2.
fn report() -> ! {
    begin_death();
    let mut goroutines = 0;
    all::for_each(|g| goroutines += u32::from(is_user(g)));
    let words = if goroutines == 0 {
        "no goroutines (main called runtime.Goexit) - deadlock!"
    } else {
        "all goroutines are asleep - deadlock!"
    };
    let _ = writeln!(RawStderr, "fatal error: {words}");
    dump_all(&mut RawStderr);
    exit_now(2)
}

fn is_user(g: GRef) -> bool {
    g.kind() == Kind::Goroutine && g.status.state() != State::Dead && g.id() != 0
}

/// Every goroutine, one paragraph each.
pub(crate) fn dump_all(out: &mut dyn fmt::Write) {
    all::for_each(|g| {
        if is_user(g) {
            let _ = writeln!(out);
            let _ = describe(g, out);
        }
    });
}

/// `goroutine 7 [chan receive]:` and what is known of its origin.
fn describe(g: &G, out: &mut dyn fmt::Write) -> fmt::Result {
    let state = match g.status.state() {
        State::Runnable => "runnable",
        State::Running => "running",
        State::Preempted => "preempted",
        State::Dead => "dead",
        State::Waiting => g.reason().as_str(),
    };
    writeln!(out, "goroutine {} [{state}]:", g.id())?;
    crate::sched::names::with_name(g, |name| match name {
        Some(name) => writeln!(out, "\tname: {name}"),
        None => Ok(()),
    })?;
    if let Some(at) = g.spawned_at.load(Relaxed) {
        match g.parent.load(Relaxed) {
            0 => writeln!(out, "\tcreated at {at}")?,
            parent => writeln!(out, "\tcreated by goroutine {parent} at {at}")?,
        }
    }
    Ok(())
}

/// The calling goroutine's paragraph.
pub(crate) fn describe_running(g: GRef, out: &mut dyn fmt::Write) {
    let _ = describe(g, out);
}

/// For the overflow report: the goroutine that owns a stack, found by its tag.
pub(crate) fn describe_owner(tag: usize, out: &mut dyn fmt::Write) {
    all::for_each(|g| {
        if std::ptr::from_ref::<G>(g).addr() == tag {
            let _ = describe(g, out);
        }
    });
}

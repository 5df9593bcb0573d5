//! A pending timer is a reason to wait: no deadlock report before it; and after it, if it has
//! not helped. Each case at 1, 2 and 4 Ps in a process of its own.
//!
//! Without libtest: its threads could always act, so there would never be a report.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use gosched::channel::{Receiver, bounded};
use gosched::os::unix::net::UnixStream;
use gosched::thread::{park, sleep, spawn};
use gosched::time::{Timer, after, after_func};
use support::child::{self, Ended};

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);
const DEADLOCK: &str = "fatal error: all goroutines are asleep - deadlock!";

enum Want {
    EndsWell,
    Deadlocks,
    /// Still there after so long.
    Stays(Duration),
}
use Want::{Deadlocks, EndsWell, Stays};

type Case = (&'static str, Want, fn());

const CASES: [Case; 14] = [
    (
        "a_sleeper_may_still_help",
        EndsWell,
        a_sleeper_may_still_help,
    ),
    (
        "a_pending_function_may_still_help",
        EndsWell,
        a_pending_function_may_still_help,
    ),
    (
        "a_timer_channel_helps_who_waits_for_it",
        EndsWell,
        a_timer_channel_helps,
    ),
    (
        "a_far_timer_keeps_the_report_away",
        Stays(Duration::from_millis(300)),
        a_far_timer,
    ),
    (
        "the_last_timer_has_fired_and_has_not_helped",
        Deadlocks,
        the_last_timer_has_fired,
    ),
    (
        "the_last_sleeper_has_gone",
        Deadlocks,
        the_last_sleeper_has_gone,
    ),
    (
        "a_stopped_timer_does_not_help",
        Deadlocks,
        a_stopped_timer_does_not_help,
    ),
    (
        "a_timer_stopped_while_somebody_sleeps_for_it",
        Deadlocks,
        stopped_behind_the_back,
    ),
    (
        "a_locked_goroutine_is_the_last",
        Deadlocks,
        a_locked_goroutine_is_the_last,
    ),
    (
        "the_end_of_a_locked_thread_is_noticed",
        Deadlocks,
        a_locked_thread_ends,
    ),
    (
        "stopped_by_a_plain_thread_that_parks",
        Deadlocks,
        stopped_by_a_thread_that_parks,
    ),
    (
        "stopped_by_a_plain_thread_that_ends",
        Deadlocks,
        stopped_by_a_thread_that_ends,
    ),
    (
        "who_waits_for_a_socket_may_still_help",
        Stays(Duration::from_millis(300)),
        waits_for_a_socket,
    ),
    (
        "nobody_waits_for_a_socket_any_more",
        Deadlocks,
        has_waited_for_a_socket,
    ),
];

fn main() {
    let wanted = std::env::args().nth(1).filter(|arg| !arg.starts_with('-'));
    if let Some(procs) = child::role() {
        let (_, _, body) = CASES
            .iter()
            .find(|case| Some(case.0) == wanted.as_deref())
            .unwrap();
        let builder = gosched::Builder::new().procs(procs.parse().unwrap());
        // SAFETY: nothing in the bodies is tied to an OS thread.
        unsafe { builder.run(body) };
        return;
    }
    for (name, want, _) in &CASES {
        if wanted.as_deref().is_none_or(|part| name.contains(part)) {
            for procs in ["1", "2", "4"] {
                judge(
                    want,
                    &child::run(&mut child::again(name, procs), limit(want)),
                );
            }
            println!("test {name} ... ok");
        }
    }
}

fn limit(want: &Want) -> Duration {
    match want {
        Stays(dur) => *dur,
        _ => Duration::from_secs(20),
    }
}

fn judge(want: &Want, ended: &Ended) {
    match want {
        EndsWell => assert_eq!(ended.status, Some(0), "{ended}"),
        Stays(_) => assert!(ended.timed_out, "{ended}"),
        Deadlocks => {
            assert_eq!(ended.status, Some(2), "{ended}");
            assert!(ended.stderr.starts_with(DEADLOCK), "{ended}");
        }
    }
}

fn never_sent() -> Receiver<()> {
    let (s, r) = bounded(0);
    std::mem::forget(s);
    r
}

fn a_sleeper_may_still_help() {
    let (s, r) = bounded(0);
    spawn(move || {
        sleep(20 * MS);
        s.send(()).unwrap();
    });
    r.recv().unwrap();
}

fn a_pending_function_may_still_help() {
    let (s, r) = bounded(1);
    after_func(20 * MS, move || s.send(()).unwrap());
    r.recv().unwrap();
}

fn a_timer_channel_helps() {
    after(20 * MS).recv().unwrap();
}

fn a_far_timer() {
    after_func(HOUR, || ());
    park();
}

fn the_last_timer_has_fired() {
    after_func(10 * MS, || ());
    never_sent().recv().unwrap();
}

fn the_last_sleeper_has_gone() {
    spawn(|| sleep(10 * MS));
    park();
}

fn a_stopped_timer_does_not_help() {
    let timer = Timer::new(HOUR);
    assert!(timer.stop());
    timer.c().recv().unwrap();
}

/// The M that sleeps for it must find out that there is nothing to sleep for.
fn stopped_behind_the_back() {
    let func = after_func(HOUR, || ());
    let chan = Arc::new(Timer::new(HOUR));
    let waits = Arc::clone(&chan);
    spawn(move || waits.c().recv().unwrap());
    sleep(10 * MS);
    assert!(func.stop() && chan.stop());
    park();
}

fn a_locked_goroutine_is_the_last() {
    gosched::lock_os_thread();
    let func = after_func(HOUR, || ());
    sleep(10 * MS);
    assert!(func.stop());
    never_sent().recv().unwrap();
}

/// Its M is the last one but the sleeper.
fn a_locked_thread_ends() {
    let func = after_func(HOUR, || ());
    spawn(move || {
        gosched::lock_os_thread();
        sleep(10 * MS);
        assert!(func.stop());
    });
    park();
}

fn waits_for_a_socket() {
    let (near, _far) = UnixStream::pair().unwrap();
    (&near).read(&mut [0]).unwrap();
}

/// Two at once: one of them may sleep in the poll when the other gives up.
fn has_waited_for_a_socket() {
    let (mut near, mut far) = UnixStream::pair().unwrap();
    far.set_read_timeout(Some(10 * MS)).unwrap();
    let waiter = spawn(move || {
        near.read_exact(&mut [0]).unwrap();
        near.write_all(&[1]).unwrap();
        near
    });
    assert!(far.read(&mut [0]).is_err());
    far.write_all(&[2]).unwrap();
    let _near = waiter.join().unwrap();
    never_sent().recv().unwrap();
}

/// An M sleeps for the timer, and nobody else of the runtime is awake, when a thread stops it.
fn stop_from_outside(then: impl FnOnce() + Send + 'static) {
    let func = after_func(HOUR, || ());
    std::thread::spawn(move || {
        let all_idle = || {
            let now = gosched::metrics();
            now.threads == now.threads_idle
        };
        while !all_idle() {
            std::thread::yield_now();
        }
        assert!(func.stop());
        then();
    });
    park();
}

fn stopped_by_a_thread_that_parks() {
    stop_from_outside(park);
}

fn stopped_by_a_thread_that_ends() {
    stop_from_outside(|| ());
}

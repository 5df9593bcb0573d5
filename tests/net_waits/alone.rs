//! A poll brings one goroutine and the M that asked runs it, waking no other: nobody is left without an M
//! for that. `runtime/ext/net/README.md#alone`

use std::io::{Read, Write};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::{Duration, Instant};

use gosched::os::unix::net::UnixStream;
use gosched::thread::{scope, sleep};

use crate::support::{check_at, child};
use crate::{LIMIT, MS, pair};

/// In a process of its own, without preemption: who is never run is never heard of.
#[track_caller]
fn without_preemption(name: &str, procs: &str, body: impl FnOnce() + Send) {
    if child::in_a_child(name, procs, "asyncpreemptoff=1", LIMIT) {
        // SAFETY: nothing in the body is tied to an OS thread.
        unsafe { gosched::run(body) };
    }
}

/// By a plain thread: all goroutines wait, and an M sleeps for them.
fn until_all_wait() {
    let all_wait = || {
        let now = gosched::metrics();
        now.idle_procs == now.gomaxprocs && now.threads_spinning == 0
    };
    while !all_wait() {
        std::thread::sleep(MS / 10);
    }
}

/// Nothing more can be written at the near end until the far one is closed.
fn full_pair() -> (UnixStream, UnixStream) {
    let (mut near, far) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    while near.write(&[7; 4096]).is_ok() {}
    near.set_nonblocking(false).unwrap();
    (near, far)
}

/// One event wakes two, who compute until both run: the M that has asked does not keep the second for
/// itself. `runtime/ext/net/README.md#alone`.
#[test]
fn two_that_one_event_wakes_run_at_the_same_time() {
    without_preemption(
        "alone::two_that_one_event_wakes_run_at_the_same_time",
        "2",
        || {
            for round in 0..10 {
                let (near, far) = full_pair();
                let (mut told, mut tells) = pair();
                let met = AtomicUsize::new(0);
                let meet = || {
                    met.fetch_add(1, Relaxed);
                    while met.load(Relaxed) < 2 {
                        std::hint::spin_loop();
                    }
                };
                scope(|s| {
                    s.spawn(|| {
                        let _ = (&near).read(&mut [0; 8]);
                        meet();
                    });
                    s.spawn(|| {
                        (&near).write_all(&[9; 4096]).unwrap_err();
                        meet();
                    });
                    // The event finds an M asleep in the poll, or comes from an M that will look.
                    let (theirs, ours) = match round % 2 {
                        0 => (Some(far), None),
                        _ => (None, Some(far)),
                    };
                    let outside = std::thread::spawn(move || {
                        until_all_wait();
                        drop(theirs);
                        tells.write_all(b"now").unwrap();
                    });
                    told.read_exact(&mut [0; 3]).unwrap();
                    drop(ours);
                    drop(outside);
                });
            }
        },
    );
}

/// A timer is due while an M runs what a poll has brought, and nobody sleeps for timers.
#[test]
fn one_that_computes_until_a_timer_has_fired() {
    without_preemption(
        "alone::one_that_computes_until_a_timer_has_fired",
        "2",
        || {
            for _ in 0..3 {
                let (mut near, mut far) = pair();
                let fired = AtomicBool::new(false);
                scope(|s| {
                    s.spawn(|| {
                        near.read_exact(&mut [0; 1]).unwrap();
                        while !fired.load(Relaxed) {
                            std::hint::spin_loop();
                        }
                    });
                    s.spawn(|| {
                        sleep(60 * MS);
                        fired.store(true, Relaxed);
                    });
                    std::thread::spawn(move || {
                        until_all_wait();
                        far.write_all(&[1]).unwrap();
                    });
                });
            }
        },
    );
}

/// The M that has asked finds no idle P: whoever gives up the next one runs the goroutine.
#[test]
fn one_for_whom_no_p_is_idle() {
    without_preemption("alone::one_for_whom_no_p_is_idle", "1", || {
        for _ in 0..5 {
            let (mut near, mut far) = pair();
            let (send, receive) = gosched::channel::bounded(1);
            scope(|s| {
                s.spawn(|| near.read_exact(&mut [0; 1]).unwrap());
                std::thread::spawn(move || {
                    until_all_wait();
                    send.send(()).unwrap(); // another M takes the P
                });
                receive.recv().unwrap();
                far.write_all(&[1]).unwrap();
                let end = Instant::now() + 200 * MS;
                while gosched::metrics().global_queue == 0 && Instant::now() < end {
                    std::hint::spin_loop();
                }
            });
        }
    });
}

/// How often threads of the runtime have gone to sleep.
fn sleeps() -> u64 {
    let of = |task: std::io::Result<std::fs::DirEntry>| {
        let status = std::fs::read_to_string(task.ok()?.path().join("status")).ok()?;
        let line = status.strip_prefix("Name:\tgosched-m")?;
        let count = line.split_once("\nvoluntary_ctxt_switches:\t")?.1;
        count.lines().next()?.parse::<u64>().ok()
    };
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks.filter_map(of).sum()
}

/// Timers that were stopped are thrown out when they would be due: an M gets up for each, and that is all.
#[test]
fn stopped_timers_cost_a_look_each() {
    const STOPPED: usize = 5;
    const HOUR: Duration = Duration::from_secs(3600);
    check_at(&[1, 2, 4], LIMIT, || {
        let begin = Instant::now();
        loop {
            let (send, receive) = gosched::channel::bounded::<()>(0);
            let looks = scope(|s| {
                // Many that are pending, so that the few that are stopped stay in the heaps until they are due.
                for _ in 0..5 * STOPPED {
                    let receive = receive.clone();
                    s.spawn(move || receive.recv_timeout(HOUR));
                }
                let mut ends = vec![];
                for _ in 0..STOPPED {
                    let (mut near, far) = pair();
                    let (told, is_told) = gosched::channel::bounded(1);
                    s.spawn(move || {
                        near.set_read_timeout(Some(30 * MS)).unwrap();
                        near.read_exact(&mut [0]).unwrap();
                        near.set_read_timeout(None).unwrap();
                        told.send(()).unwrap();
                        let _ = near.read(&mut [0]);
                    });
                    ends.push((far, is_told));
                }
                sleep(2 * MS); // all wait, with time limits
                for (far, is_told) in &ends {
                    (&mut &*far).write_all(&[1]).unwrap();
                    is_told.recv().unwrap();
                }
                let outside = std::thread::Builder::new().name("outside".into());
                let outside = outside.spawn(|| {
                    until_all_wait();
                    let before = sleeps();
                    std::thread::sleep(60 * MS);
                    until_all_wait();
                    sleeps() - before
                });
                let (tells, told) = gosched::channel::bounded(1);
                std::thread::spawn(move || tells.send(outside.unwrap().join().unwrap()));
                let looks = told.recv().unwrap();
                drop((ends, send));
                looks
            });
            // The machine may do other things meanwhile: sysmon wakes an M then.
            if looks <= 4 * STOPPED as u64 {
                return;
            }
            assert!(
                begin.elapsed() < LIMIT / 2,
                "{looks} looks, {STOPPED} timers"
            );
        }
    });
}

/// A message from outside costs one sleep of one M, whoever else might run.
#[test]
fn a_message_wakes_one_m() {
    const TURNS: u64 = 50;
    check_at(&[2, 4], LIMIT, || {
        let (mut near, mut far) = pair();
        let outside = std::thread::Builder::new().name("outside".into()); // it would have the M's name
        let outside = outside.spawn(move || {
            // The machine may do other things meanwhile: then another M is woken for a while.
            let end = Instant::now() + LIMIT / 2;
            let mut least = u64::MAX;
            while least > TURNS * 3 / 2 {
                assert!(Instant::now() < end, "{least} sleeps, {TURNS} messages");
                let before = sleeps();
                for _ in 0..TURNS {
                    until_all_wait();
                    near.write_all(b"question").unwrap();
                    near.read_exact(&mut [0; 8]).unwrap();
                }
                until_all_wait();
                least = least.min(sleeps() - before);
            }
        });
        let outside = outside.unwrap();
        let mut bytes = [0; 8];
        while far.read_exact(&mut bytes).is_ok() {
            far.write_all(&bytes).unwrap();
        }
        gosched::blocking(|| outside.join()).unwrap();
    });
}

//! Goroutines and their threads: `lock_os_thread`. Go's own tests, and what a locked goroutine
//! meets besides: preemption, a P that is taken away, a stopped world.
#![allow(
    unsafe_code,
    reason = "gosched::run is the unsafe door; tgkill, unshare"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use gosched::channel::bounded;
use gosched::thread::{sleep, spawn, yield_now};
use gosched::{lock_os_thread, unlock_os_thread};
use support::{check, check_at, wait_for, yield_until};

const MS: Duration = Duration::from_millis(1);

fn tid() -> i32 {
    // SAFETY: no preconditions.
    unsafe { libc::gettid() }
}

fn is_alive(tid: i32) -> bool {
    // SAFETY: no preconditions.
    let pid = unsafe { libc::getpid() };
    // SAFETY: signal 0 asks only.
    unsafe { libc::syscall(libc::SYS_tgkill, pid, tid, 0) == 0 }
}

/// A poller that yields lets the sender get on.
fn poll(locked: bool) {
    check(move || {
        let (send, receive) = bounded(0);
        let (ack, acked) = bounded(1);
        let poller = spawn(move || {
            if locked {
                lock_os_thread();
            }
            loop {
                if receive.try_recv().is_ok() {
                    return ack.send(()).unwrap();
                }
                yield_now();
            }
        });
        sleep(MS);
        send.send(()).unwrap();
        acked.recv().unwrap();
        poller.join().unwrap();
    });
}

/// Go: TestYieldProgress.
#[test]
fn a_poller_lets_the_sender_proceed() {
    poll(false);
}

/// Go: TestYieldLockedProgress.
#[test]
fn a_locked_poller_lets_the_sender_proceed() {
    poll(true);
}

/// Go: TestYieldLocked.
#[test]
fn a_locked_goroutine_yields_sleeps_and_ends_locked() {
    check(|| {
        let locked = spawn(|| {
            lock_os_thread();
            let here = tid();
            for _ in 0..10 {
                yield_now();
                sleep(MS);
                assert_eq!(tid(), here);
            }
        });
        locked.join().unwrap();
    });
}

/// Go: TestBlockLocked.
#[test]
fn a_locked_goroutine_blocks_on_a_channel() {
    check(|| {
        let (send, receive) = bounded(0);
        let sender = spawn(move || {
            lock_os_thread();
            (0..10).for_each(|i| send.send(i).unwrap());
            unlock_os_thread();
        });
        assert!(receive.iter().eq(0..10));
        sender.join().unwrap();
    });
}

/// Go: TestLockOSThreadNesting. The count is not to be seen; that the thread ends with its
/// goroutine is, and happens only to a locked one.
#[test]
fn locks_nest() {
    check(|| {
        let ended_with = |unlocks: u32| {
            let handle = spawn(move || {
                lock_os_thread();
                lock_os_thread();
                (0..unlocks).for_each(|_| unlock_os_thread());
                let here = tid();
                if unlocks < 2 {
                    (0..10).for_each(|_| yield_now());
                    assert_eq!(tid(), here, "still locked");
                }
                here
            });
            handle.join().unwrap()
        };
        let thread = ended_with(1);
        yield_until("the locked thread ends", || !is_alive(thread));
        let thread = ended_with(2);
        (0..100).for_each(|_| yield_now());
        assert!(is_alive(thread), "unlocked as often as locked");
        let thread = ended_with(3);
        assert!(is_alive(thread), "unlocked too often does nothing");
    });
}

/// Go: TestLockOSThreadExit. Nobody else ever runs on that thread, and it ends.
#[test]
fn a_goroutine_that_ends_locked_takes_its_thread_along() {
    check(|| {
        for _ in 0..20 {
            let (tell, told) = bounded(0);
            let (go_on, wait) = bounded::<()>(0);
            let locked = spawn(move || {
                lock_os_thread();
                tell.send(tid()).unwrap();
                wait.recv().unwrap();
            });
            let thread = told.recv().unwrap();
            let others: Vec<_> = (0..10)
                .map(|_| {
                    spawn(move || {
                        for _ in 0..10 {
                            assert_ne!(tid(), thread, "somebody else's thread");
                            yield_now();
                        }
                    })
                })
                .collect();
            others.into_iter().for_each(|h| h.join().unwrap());
            go_on.send(()).unwrap();
            locked.join().unwrap();
            yield_until("the locked thread ends", || !is_alive(thread));
        }
    });
}

/// A panic ends it just the same.
#[test]
fn a_goroutine_that_panics_locked_takes_its_thread_along() {
    check(|| {
        let locked = spawn(|| {
            lock_os_thread();
            std::panic::resume_unwind(Box::new(tid()));
        });
        let thread = *locked.join().unwrap_err().downcast::<i32>().unwrap();
        yield_until("the locked thread ends", || !is_alive(thread));
    });
}

/// Go: TestLockOSThreadAvoidsStatePropagation. A new thread inherits from the one that makes
/// it: it must not be one that a goroutine has changed for itself.
#[test]
fn new_threads_know_nothing_of_a_locked_one() {
    check_at(&[1], support::LIMIT, || {
        let before = std::env::current_dir().unwrap();
        assert_ne!(before.to_str(), Some("/proc"));
        let (tell, told) = bounded(0);
        let (go_on, wait) = bounded::<()>(0);
        let locked = spawn(move || {
            lock_os_thread();
            // SAFETY: from here on this thread has a working directory of its own.
            if unsafe { libc::unshare(libc::CLONE_FS) } == 0 {
                std::env::set_current_dir("/proc").unwrap();
                assert_eq!(std::env::current_dir().unwrap().to_str(), Some("/proc"));
            }
            tell.send(()).unwrap();
            // While it is locked, it computes and blocks, so that new threads are wanted.
            std::thread::sleep(20 * MS);
            wait.recv().unwrap();
        });
        told.recv().unwrap();
        let all: Vec<_> = (0..20)
            .map(|_| {
                let before = before.clone();
                spawn(move || {
                    std::thread::sleep(10 * MS);
                    assert_eq!(std::env::current_dir().unwrap(), before);
                })
            })
            .collect();
        all.into_iter().for_each(|h| h.join().unwrap());
        go_on.send(()).unwrap();
        locked.join().unwrap();
    });
}

/// Go: TestMexitSTW.
#[test]
fn threads_end_while_the_world_is_stopped() {
    check_at(&[4], support::LIMIT, || {
        let before = gosched::gomaxprocs(0);
        for round in 0..100 {
            let locked = spawn(|| {
                lock_os_thread();
                yield_now();
            });
            if round % 2 == 0 {
                gosched::gomaxprocs(3 + (round / 2) % 3);
            }
            locked.join().unwrap();
        }
        gosched::gomaxprocs(before);
    });
}

/// Preempted, its P taken while it is in the kernel, the world stopped under it: it is still
/// where it was.
#[test]
fn a_locked_goroutine_stays_through_everything() {
    check_at(&[1, 2], 3 * support::LIMIT, || {
        let stop = Arc::new(AtomicBool::new(false));
        let all: Vec<_> = (0..4)
            .map(|i| {
                let (stop, count) = (Arc::clone(&stop), AtomicU64::new(0));
                spawn(move || {
                    if i % 2 == 0 {
                        lock_os_thread();
                    }
                    let here = tid();
                    while !stop.load(Relaxed) {
                        let n = count.fetch_add(1, Relaxed);
                        if n % 1_000_000 == 0 {
                            std::thread::sleep(MS);
                            yield_now();
                        }
                        if i % 2 == 0 {
                            assert!(n % 1024 != 0 || tid() == here);
                        }
                    }
                })
            })
            .collect();
        let before = gosched::gomaxprocs(0);
        for round in 0..20 {
            sleep(10 * MS);
            gosched::gomaxprocs(1 + round % 3);
        }
        gosched::gomaxprocs(before);
        stop.store(true, Relaxed);
        all.into_iter().for_each(|h| h.join().unwrap());
    });
}

/// Every goroutine locked, at more of them than Ps, all waking each other.
#[test]
fn a_ring_of_locked_goroutines() {
    check(|| {
        let n = 8;
        let (first, mut receive) = bounded(1);
        let mut all = Vec::new();
        for _ in 1..n {
            let (next, after) = bounded(1);
            let before = std::mem::replace(&mut receive, after);
            all.push(spawn(move || {
                lock_os_thread();
                for x in before.iter() {
                    next.send(x + 1).unwrap();
                }
            }));
        }
        for round in 0..50 {
            first.send(round).unwrap();
            assert_eq!(receive.recv().unwrap(), round + n - 1);
        }
        drop(first);
        all.into_iter().for_each(|h| h.join().unwrap());
    });
}

/// On a plain thread both do nothing.
#[test]
fn plain_threads_are_locked_anyway() {
    check(|| ());
    lock_os_thread();
    unlock_os_thread();
    unlock_os_thread();
    wait_for("nothing", || true);
}

//! Two reasons to need one thread: each pair of them, on one thread, where one waits for the other.
//!
//! One goroutine (the *guest*) waits with the address of a thread-local on its stack, so it goes on
//! on that thread only. Another (the *host*) comes upon that thread and has a reason of its own to
//! stay: it is locked to it, stopped on it by preemption, in the middle of a panic, in the kernel.
//! The table of the pairs is in `runtime/core/sched/README.md#two-reasons`.
#![allow(
    unsafe_code,
    reason = "gosched::run is the unsafe door; qsort calls back; gettid"
)]

mod support;

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicI32};
use std::time::Duration;

use gosched::channel::{Receiver, Sender, bounded};
use gosched::thread::{sleep, spawn, yield_now};
use gosched::{lock_os_thread, unlock_os_thread};
use support::{check, child, yield_until};

const MS: Duration = Duration::from_millis(1);

thread_local!(static CELL: Cell<u64> = const { Cell::new(0) });

#[inline(never)]
fn tid() -> i32 {
    // SAFETY: no preconditions.
    unsafe { libc::gettid() }
}

/// Runs `f` with the address of a thread-local on the stack, and says so on which thread.
#[inline(never)]
fn tied(f: impl FnOnce(i32)) {
    CELL.with(|c| {
        let held = black_box(c);
        let here = tid();
        f(here);
        assert_eq!(tid(), here, "tied to its thread");
        black_box(&held);
    });
}

/// The host's side of a meeting.
struct Host {
    wake: Sender<()>,
    over: Receiver<()>,
}

impl Host {
    /// The guest is runnable from here on, and needs the thread of the caller.
    fn wake_guest(&self) {
        self.wake.send(()).unwrap();
    }

    fn wait_for_guest(&self) {
        self.over.recv().unwrap();
    }
}

/// `guest` runs as soon as the host has woken it, tied to the thread that `host` is on.
fn meet<G, H>(mut guest: G, mut host: H)
where
    G: FnOnce() + Send + 'static,
    H: FnOnce(&Host, i32) + Send + 'static,
{
    for _ in 0..2000 {
        (guest, host) = match try_to_meet(guest, host) {
            Some(both) => both,
            None => return,
        };
    }
    panic!("they never met");
}

/// Both again, if they did not come to be on one thread.
fn try_to_meet<G, H>(guest: G, host: H) -> Option<(G, H)>
where
    G: FnOnce() + Send + 'static,
    H: FnOnce(&Host, i32) + Send + 'static,
{
    let (wake, woken) = bounded(0);
    let (tell, over) = bounded(1);
    let (place, off) = (
        Arc::new(AtomicI32::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let (seen, call_off) = (Arc::clone(&place), Arc::clone(&off));
    // It has been running before there is anybody to be met: one that has not would be kept away
    // from a thread that somebody needs.
    let host = spawn(move || {
        yield_until("a guest", || seen.load(Relaxed) != 0);
        for _ in 0..100 {
            let here = tid();
            if seen.load(Relaxed) == here {
                host(&Host { wake, over }, here);
                return None;
            }
            yield_now();
        }
        call_off.store(true, Relaxed);
        wake.send(()).unwrap();
        Some(host)
    });
    yield_now();
    let guest = spawn(move || {
        let mut guest = Some(guest);
        tied(|here| {
            place.store(here, Relaxed);
            woken.recv().unwrap();
            if !off.load(Relaxed)
                && let Some(guest) = guest.take()
            {
                guest();
            }
        });
        // Nobody asks if it was called off.
        let _ = tell.send(());
        guest
    });
    let host = host.join().unwrap();
    guest.join().unwrap().zip(host)
}

#[test]
fn locked_and_tied() {
    check(|| {
        for _ in 0..20 {
            meet(
                || (),
                |guest, _| {
                    lock_os_thread();
                    guest.wake_guest();
                    guest.wait_for_guest();
                    unlock_os_thread();
                },
            );
        }
    });
}

/// The guest suspends again and again while the host waits: both have their turns.
#[test]
fn locked_and_tied_for_long() {
    check(|| {
        meet(
            || {
                for _ in 0..50 {
                    yield_now();
                    sleep(MS / 20);
                }
            },
            |guest, _| {
                lock_os_thread();
                let here = tid();
                guest.wake_guest();
                for _ in 0..50 {
                    yield_now();
                    assert_eq!(tid(), here);
                }
                guest.wait_for_guest();
                unlock_os_thread();
            },
        );
    });
}

/// The guest locks itself to the thread that the host is locked to. Each waits for the other.
#[test]
fn locked_and_locked() {
    check(|| {
        let (to_guest, from_host) = bounded(0);
        let (to_host, from_guest) = bounded(0);
        meet(
            move || {
                lock_os_thread();
                for i in 0..20 {
                    assert_eq!(from_host.recv(), Ok(i));
                    to_host.send(i).unwrap();
                }
                unlock_os_thread();
            },
            move |guest, _| {
                lock_os_thread();
                guest.wake_guest();
                for i in 0..20 {
                    to_guest.send(i).unwrap();
                    assert_eq!(from_guest.recv(), Ok(i));
                }
                guest.wait_for_guest();
                unlock_os_thread();
            },
        );
    });
}

/// Both end locked, one after the other; the thread ends after the second.
#[test]
fn locked_and_locked_to_the_end() {
    check(|| {
        let thread = Arc::new(AtomicI32::new(0));
        for guest_first in [true, false] {
            let on = Arc::clone(&thread);
            let (leave, left) = bounded::<()>(1);
            meet(
                move || {
                    lock_os_thread();
                    if !guest_first {
                        left.recv().unwrap();
                    }
                },
                move |guest, _| {
                    lock_os_thread();
                    on.store(tid(), Relaxed);
                    guest.wake_guest();
                    if guest_first {
                        guest.wait_for_guest();
                    }
                    let _ = leave.send(()); // it may have left
                },
            );
            let task = format!("/proc/self/task/{}", thread.load(Relaxed));
            yield_until("the thread ends", || !std::path::Path::new(&task).exists());
        }
    });
}

/// While the host is stopped in the signal handler nobody else can run on its thread. It goes on
/// when it has been stopped, and the guest when it suspends.
#[test]
fn preempted_and_tied() {
    check(|| {
        let turns = Arc::new(AtomicI32::new(0));
        let count = Arc::clone(&turns);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let other = spawn(move || {
            while !stopped.load(Relaxed) {
                count.fetch_add(1, Relaxed);
                yield_now();
            }
        });
        meet(
            || (),
            move |guest, _| {
                guest.wake_guest();
                // At one P somebody else runs only if this one is stopped.
                let before = turns.load(Relaxed);
                while turns.load(Relaxed) < before + 2 {
                    std::hint::spin_loop();
                }
                guest.wait_for_guest();
            },
        );
        stop.store(true, Relaxed);
        other.join().unwrap();
    });
}

/// As above, and the host is locked, too.
#[test]
fn preempted_locked_and_tied() {
    check(|| {
        meet(
            || (),
            |guest, _| {
                lock_os_thread();
                let here = tid();
                guest.wake_guest();
                let end = std::time::Instant::now() + 25 * MS;
                while std::time::Instant::now() < end {
                    std::hint::spin_loop();
                }
                guest.wait_for_guest();
                assert_eq!(tid(), here);
                unlock_os_thread();
            },
        );
    });
}

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// A panic whose destructors run `f`.
fn panicking(f: impl FnMut()) {
    let caught = catch_unwind(AssertUnwindSafe(|| {
        let _guard = OnDrop(f);
        resume_unwind(Box::new(7_u32));
    }));
    assert_eq!(*caught.unwrap_err().downcast::<u32>().unwrap(), 7);
}

/// The host waits for the guest in a destructor, in the middle of a panic.
#[test]
fn panicking_and_tied() {
    check(|| {
        meet(
            || (),
            |guest, _| {
                panicking(|| {
                    let here = tid();
                    guest.wake_guest();
                    guest.wait_for_guest();
                    assert_eq!(tid(), here);
                    assert!(std::thread::panicking());
                });
                assert!(!std::thread::panicking());
            },
        );
    });
}

/// Both panic, and wait for each other meanwhile.
#[test]
fn panicking_and_panicking() {
    check(|| {
        let (to_guest, from_host) = bounded(0);
        let (to_host, from_guest) = bounded(0);
        meet(
            move || {
                panicking(|| {
                    from_host.recv().unwrap();
                    to_host.send(()).unwrap();
                });
            },
            move |guest, _| {
                panicking(|| {
                    guest.wake_guest();
                    to_guest.send(()).unwrap();
                    from_guest.recv().unwrap();
                });
                guest.wait_for_guest();
                assert!(!std::thread::panicking());
            },
        );
    });
}

/// A locked goroutine that panics, and one that locks itself in the middle of its panic.
#[test]
fn panicking_and_locked() {
    check(|| {
        meet(
            || (),
            |guest, _| {
                lock_os_thread();
                let here = tid();
                panicking(|| {
                    guest.wake_guest();
                    guest.wait_for_guest();
                    unlock_os_thread();
                    lock_os_thread();
                    sleep(MS);
                    assert_eq!(tid(), here);
                });
                yield_now();
                assert_eq!(tid(), here, "still locked");
                unlock_os_thread();
            },
        );
        let ended = spawn(|| {
            panicking(|| {
                lock_os_thread();
                sleep(MS);
            });
            tid()
        });
        let task = format!("/proc/self/task/{}", ended.join().unwrap());
        yield_until("the thread ends", || !std::path::Path::new(&task).exists());
    });
}

/// In the kernel, said so or not: the guest goes on when the host is back.
#[test]
fn blocked_and_tied() {
    check(|| {
        for said in [true, false] {
            meet(
                || (),
                move |guest, _| {
                    guest.wake_guest();
                    let nap = || std::thread::sleep(20 * MS);
                    if said {
                        gosched::blocking(nap);
                    } else {
                        nap();
                    }
                    guest.wait_for_guest();
                },
            );
        }
    });
}

/// And locked as well.
#[test]
fn blocked_locked_and_tied() {
    check(|| {
        meet(
            || (),
            |guest, _| {
                lock_os_thread();
                let here = tid();
                guest.wake_guest();
                gosched::blocking(|| std::thread::sleep(20 * MS));
                guest.wait_for_guest();
                assert_eq!(tid(), here);
                unlock_os_thread();
            },
        );
    });
}

thread_local!(static IN_CALLBACK: Cell<Option<fn()>> = const { Cell::new(None) });

extern "C" fn compare(_: *const c_void, _: *const c_void) -> c_int {
    if let Some(f) = IN_CALLBACK.take() {
        f();
    }
    0
}

/// Calls `f` from C, once.
#[inline(never)]
fn from_c(f: fn()) {
    IN_CALLBACK.set(Some(f));
    let mut numbers = [2_i32, 1];
    // SAFETY: two elements of four bytes; `compare` reads none.
    unsafe { libc::qsort(numbers.as_mut_ptr().cast(), 2, 4, Some(compare)) };
}

/// The guest is in a function that C has called, and suspends there while the host is locked.
#[test]
fn in_a_callback_and_locked() {
    check(|| {
        meet(
            || {
                from_c(|| {
                    for _ in 0..10 {
                        yield_now();
                    }
                });
            },
            |guest, _| {
                lock_os_thread();
                guest.wake_guest();
                guest.wait_for_guest();
                unlock_os_thread();
            },
        );
    });
}

/// Three on one thread: one locked, two tied, each waiting for the next.
#[test]
fn locked_and_tied_and_tied() {
    check(|| {
        meet(
            || {
                let (wake, woken) = bounded::<()>(0);
                let third = spawn(move || tied(|_| woken.recv().unwrap()));
                yield_now();
                wake.send(()).unwrap();
                third.join().unwrap();
            },
            |guest, _| {
                guest.wake_guest();
                lock_os_thread();
                guest.wait_for_guest();
                unlock_os_thread();
            },
        );
    });
}

/// What cannot be helped: the host is in the kernel until the guest has run. A dump says so.
#[test]
fn a_dump_names_the_one_in_the_kernel() {
    let name = "a_dump_names_the_one_in_the_kernel";
    if child::role().is_none() {
        let ended = child::run(&mut child::again(name, "run"), 3 * support::LIMIT);
        assert_eq!(ended.status, Some(0), "{ended}");
        let said = |line: &str| {
            line.contains("waits for its thread") && line.ends_with("is in the kernel")
        };
        assert!(ended.stderr.lines().any(said), "{ended}");
        return;
    }
    // SAFETY: the references that are held are not used.
    unsafe {
        gosched::Builder::new().procs(2).run(|| {
            meet(
                || (),
                |guest, _| {
                    guest.wake_guest();
                    let over = AtomicBool::new(false);
                    std::thread::scope(|s| {
                        s.spawn(|| {
                            for _ in 0..10 {
                                std::thread::sleep(20 * MS);
                                gosched::dump();
                            }
                            over.store(true, Relaxed);
                        });
                        // The end of the scope waits in the kernel.
                    });
                    assert!(over.load(Relaxed));
                    guest.wait_for_guest();
                },
            );
        });
    }
}

/// Many, each on a thread of its own, all runnable at once: the P goes from thread to thread, and on each of
/// them its own goroutine must get on, also when it is the global queue's turn to be looked at first.
#[test]
fn many_that_need_a_thread_each() {
    check(|| {
        for guests in [12, 16, 24, 32_u64] {
            let guest = |i: u64| {
                move || {
                    tied(|_| {
                        std::thread::sleep(3 * MS); // the others find other threads
                        let nap = |k: u64| {
                            sleep(Duration::from_micros(100 + (37 * i + 61 * k) % 900))
                        };
                        (0..60).for_each(nap);
                    });
                }
            };
            let all: Vec<_> = (0..guests).map(|i| spawn(guest(i))).collect();
            all.into_iter().for_each(|h| h.join().unwrap());
        }
    });
}

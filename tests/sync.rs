//! The locks under goroutines, at 1, 2 and 4 Ps: Go's own scenarios (their names beside each),
//! and mixtures of goroutines with plain threads.

#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use gosched::sync::{Arc, Barrier, Condvar, Mutex, Once, RwLock, Semaphore, WaitGroup};
use gosched::thread::{scope, spawn, yield_now};
use support::in_order::{in_order, until_waiting};
use support::{LIMIT, check, check_outside, child, yield_until};

/// Goroutines on one side, plain threads on the other, all of them in `body`.
fn both(goroutines: usize, threads: usize, body: impl Fn() + Sync) {
    std::thread::scope(|s| {
        for _ in 0..threads {
            s.spawn(&body);
        }
        let goroutines = || {
            scope(|s| {
                for _ in 0..goroutines {
                    s.spawn(&body);
                }
            });
        };
        // SAFETY: no test body keeps anything of its thread across a suspension.
        unsafe { gosched::run(goroutines) };
    });
}

fn hammer(m: &Mutex<usize>, inside: &AtomicUsize, rounds: usize) {
    for i in 0..rounds {
        let guard = if i % 3 == 0 {
            m.try_lock().ok()
        } else {
            m.lock().ok()
        };
        let Some(mut guard) = guard else { continue };
        assert_eq!(inside.fetch_add(1, Relaxed), 0, "two hold it");
        *guard += 1;
        if i % 7 == 0 {
            yield_now();
        }
        inside.fetch_sub(1, Relaxed);
    }
}

/// Go: TestMutex.
#[test]
fn a_mutex_is_held_by_one() {
    check(|| {
        let (m, inside) = (Mutex::new(0), AtomicUsize::new(0));
        scope(|s| {
            for _ in 0..10 {
                s.spawn(|| hammer(&m, &inside, 1000));
            }
        });
        assert!(m.try_lock().is_ok());
        assert!(*m.lock().unwrap() >= 10 * 666);
    });
}

#[test]
fn a_mutex_serves_goroutines_and_threads_together() {
    check_outside(|| {
        let (m, inside) = (Mutex::new(0), AtomicUsize::new(0));
        both(6, 3, || hammer(&m, &inside, 1000));
        assert!(m.try_lock().is_ok());
    });
}

/// Go: TestMutexFairness.
#[test]
fn a_holder_that_comes_back_at_once_starves_nobody() {
    check(|| {
        let (m, stop) = (Arc::new(Mutex::new(())), Arc::new(AtomicBool::new(false)));
        let hog = {
            let (m, stop) = (m.clone(), stop.clone());
            spawn(move || {
                while !stop.load(Relaxed) {
                    let _held = m.lock().unwrap();
                    let t = Instant::now();
                    while t.elapsed() < Duration::from_micros(100) {
                        yield_now();
                    }
                }
            })
        };
        for _ in 0..10 {
            yield_now();
            drop(m.lock().unwrap());
        }
        stop.store(true, Relaxed);
        hog.join().unwrap();
    });
}

/// Many goroutines on few locks, so that locks change hands asleep and awake, in both modes.
#[test]
fn a_million_hand_overs() {
    check(|| {
        let locks: Vec<Mutex<u64>> = (0..3).map(|_| Mutex::new(0)).collect();
        scope(|s| {
            for t in 0..50 {
                let locks = &locks;
                s.spawn(move || {
                    for i in 0..6_000 {
                        let mut n = locks[(t + i) % 3].lock().unwrap();
                        *n += 1;
                        if i % 64 == 0 {
                            yield_now(); // while holding it
                        }
                    }
                });
            }
        });
        let total: u64 = locks.iter().map(|m| *m.lock().unwrap()).sum();
        assert_eq!(total, 50 * 6_000);
    });
}

/// Go: TestWaitGroup.
#[test]
fn a_wait_group_releases_nobody_early() {
    check(|| {
        let (first, second) = (WaitGroup::new(), WaitGroup::new());
        let passed = AtomicUsize::new(0);
        for _ in 0..8 {
            first.add(16);
            second.add(16);
            passed.store(0, Relaxed);
            scope(|s| {
                for _ in 0..16 {
                    s.spawn(|| {
                        first.done();
                        second.wait();
                        passed.fetch_add(1, Relaxed);
                    });
                }
                first.wait();
                for _ in 0..16 {
                    assert_eq!(passed.load(Relaxed), 0);
                    second.done();
                }
            });
            assert_eq!(passed.load(Relaxed), 16);
        }
    });
}

/// Go: TestWaitGroupRace.
#[test]
fn a_wait_returns_after_both_are_done() {
    check(|| {
        for _ in 0..1000 {
            let (wg, n) = (Arc::new(WaitGroup::new()), Arc::new(AtomicUsize::new(0)));
            for _ in 0..2 {
                wg.add(1);
                let (wg, n) = (wg.clone(), n.clone());
                gosched::go(move || {
                    n.fetch_add(1, Relaxed);
                    wg.done();
                });
            }
            wg.wait();
            assert_eq!(n.load(Relaxed), 2);
        }
    });
}

/// Go: TestWaitGroupGo; a goroutine that ends by `goexit` is done too.
#[test]
fn a_wait_group_starts_goroutines_itself() {
    check(|| {
        let (wg, n) = (Arc::new(WaitGroup::new()), Arc::new(AtomicUsize::new(0)));
        for i in 0..100 {
            let (inner, n) = (wg.clone(), n.clone());
            wg.go(move || {
                n.fetch_add(1, Relaxed);
                if i % 2 == 0 {
                    gosched::goexit();
                }
                let n = n.clone();
                inner.go(move || _ = n.fetch_add(1, Relaxed));
            });
        }
        wg.wait();
        assert_eq!(n.load(Relaxed), 150);
    });
}

/// Go: TestCondSignal.
#[test]
fn a_signal_wakes_one() {
    check(|| {
        let (m, c) = (Mutex::new(()), Condvar::new());
        let (asleep, awake) = (AtomicUsize::new(0), AtomicUsize::new(0));
        scope(|s| {
            for _ in 0..3 {
                s.spawn(|| {
                    let guard = m.lock().unwrap();
                    asleep.fetch_add(1, Relaxed);
                    drop(c.wait(guard).unwrap());
                    awake.fetch_add(1, Relaxed);
                });
            }
            yield_until("all asleep", || asleep.load(Relaxed) == 3);
            for n in 1..=3 {
                drop(m.lock().unwrap());
                c.notify_one();
                yield_until("one awake", || awake.load(Relaxed) == n);
                (0..20).for_each(|_| yield_now());
                assert_eq!(awake.load(Relaxed), n, "one signal woke two");
            }
        });
        c.notify_one(); // nobody waits
    });
}

/// Go: TestCondSignalGenerations.
#[test]
fn signals_go_in_the_order_of_arrival() {
    check(|| {
        let (m, c) = (Mutex::new(0), Condvar::new());
        let woken = Mutex::new(vec![]);
        scope(|s| {
            for i in 0..100 {
                let (m, c, woken) = (&m, &c, &woken);
                s.spawn(move || {
                    let mut guard = m.lock().unwrap();
                    *guard += 1;
                    drop(c.wait(guard).unwrap());
                    woken.lock().unwrap().push(i);
                });
                yield_until("it waits", || *m.lock().unwrap() == i + 1);
            }
            for n in 1..=100 {
                c.notify_one();
                yield_until("it woke", || woken.lock().unwrap().len() == n);
            }
        });
        assert!(woken.into_inner().unwrap().is_sorted());
    });
}

/// Go: TestCondBroadcast.
#[test]
fn a_broadcast_wakes_everybody_once() {
    const N: usize = 200;
    check(|| {
        let (m, c) = (Mutex::new((0, false)), Condvar::new()); // asleep; over
        let awake = AtomicUsize::new(0);
        scope(|s| {
            for _ in 0..N {
                s.spawn(|| {
                    let mut state = m.lock().unwrap();
                    while !state.1 {
                        state.0 += 1;
                        state = c.wait(state).unwrap();
                        awake.fetch_add(1, Relaxed);
                    }
                });
            }
            for round in 0..20 {
                yield_until("all asleep", || m.lock().unwrap().0 == N);
                assert_eq!(awake.swap(0, Relaxed), if round == 0 { 0 } else { N });
                let mut state = m.lock().unwrap();
                *state = (0, round == 19);
                c.notify_all();
            }
        });
        assert_eq!(awake.load(Relaxed), N);
    });
}

/// Go: TestRace (cond): 1, 2, 3, each step by another goroutine.
#[test]
fn a_relay_through_one_condition() {
    check(|| {
        let (m, c) = (Mutex::new(0), Condvar::new());
        scope(|s| {
            s.spawn(|| {
                let mut x = m.lock().unwrap();
                *x = 1;
                x = c.wait(x).unwrap();
                assert_eq!(*x, 2);
                *x = 3;
                c.notify_one();
            });
            s.spawn(|| {
                yield_until("1", || *m.lock().unwrap() == 1);
                *m.lock().unwrap() = 2;
                c.notify_one();
            });
            s.spawn(|| {
                yield_until("2 or 3", || *m.lock().unwrap() >= 2);
                let mut x = m.lock().unwrap();
                if *x == 2 {
                    x = c.wait(x).unwrap();
                }
                assert_eq!(*x, 3);
            });
        });
    });
}

/// Go: TestCondSignalStealing.
#[test]
fn a_broadcast_beside_a_newcomer_reaches_the_one_that_was_there() {
    check(|| {
        for _ in 0..300 {
            let (m, c) = (Mutex::new(false), Condvar::new());
            let (there, woke) = (AtomicBool::new(false), AtomicBool::new(false));
            scope(|s| {
                s.spawn(|| {
                    let guard = m.lock().unwrap();
                    there.store(true, Relaxed);
                    drop(c.wait(guard).unwrap());
                    woke.store(true, Relaxed);
                });
                yield_until("it holds the lock", || there.load(Relaxed));
                drop(m.lock().unwrap()); // and now it waits
                s.spawn(|| c.notify_all());
                s.spawn(|| {
                    let done = c.wait_while(m.lock().unwrap(), |done| !*done);
                    drop(done.unwrap());
                });
                yield_until("the first one woke", || woke.load(Relaxed));
                *m.lock().unwrap() = true; // for the newcomer, if the broadcast missed it
                c.notify_all();
            });
        }
    });
}

#[test]
fn waits_that_time_out_lose_no_signal() {
    const TOKENS: u32 = 300;
    check_outside(|| {
        let (m, c) = (Mutex::new(0u32), Condvar::new());
        let (taken, turn) = (AtomicUsize::new(0), AtomicUsize::new(0));
        both(4, 2, || {
            let me = turn.fetch_add(1, Relaxed);
            if me == 0 {
                for _ in 0..TOKENS {
                    *m.lock().unwrap() += 1;
                    c.notify_one();
                    yield_now();
                }
                return;
            }
            while taken.load(Relaxed) < TOKENS as usize {
                let wait = Duration::from_micros(50 * me as u64);
                let guard = m.lock().unwrap();
                let (mut tokens, why) = c.wait_timeout_while(guard, wait, |n| *n == 0).unwrap();
                assert_eq!(why.timed_out(), *tokens == 0);
                if !why.timed_out() {
                    *tokens -= 1;
                    taken.fetch_add(1, Relaxed);
                }
            }
        });
        assert_eq!(*m.lock().unwrap(), 0);
    });
}

#[test]
fn a_time_out_is_never_early_and_a_signal_never_waits_for_it() {
    check(|| {
        let (m, c) = (Mutex::new(false), Condvar::new());
        for wait in [0, 50, 5_000].map(Duration::from_micros) {
            let began = Instant::now();
            let (_guard, why) = c.wait_timeout(m.lock().unwrap(), wait).unwrap();
            assert!(why.timed_out() && began.elapsed() >= wait);
        }
        scope(|s| {
            let waits = s.spawn(|| {
                let guard = m.lock().unwrap();
                let (done, why) = c
                    .wait_timeout_while(guard, Duration::MAX, |done| !*done)
                    .unwrap();
                *done && !why.timed_out()
            });
            yield_now();
            *m.lock().unwrap() = true;
            c.notify_one();
            assert!(waits.join().unwrap());
        });
    });
}

/// A writer counts for 10,000. Go: TestRWMutex's reader and writer.
fn read_and_write(l: &RwLock<usize>, inside: &AtomicUsize, rounds: usize) {
    for i in 0..rounds {
        if i % 5 == 0 {
            let mut n = l.write().unwrap();
            assert_eq!(
                inside.fetch_add(10_000, Relaxed),
                0,
                "a writer is not alone"
            );
            *n += 1;
            if i % 3 == 0 {
                yield_now();
            }
            inside.fetch_sub(10_000, Relaxed);
        } else {
            let n = l.read().unwrap();
            assert!(
                inside.fetch_add(1, Relaxed) < 10_000,
                "a reader beside a writer"
            );
            let before = *n;
            if i % 7 == 0 {
                yield_now();
            }
            assert_eq!(*n, before);
            inside.fetch_sub(1, Relaxed);
        }
    }
}

/// Go: TestRWMutex.
#[test]
fn a_writer_is_alone() {
    check(|| {
        let (l, inside) = (RwLock::new(0), AtomicUsize::new(0));
        scope(|s| {
            for _ in 0..10 {
                s.spawn(|| read_and_write(&l, &inside, 500));
            }
        });
        assert_eq!(*l.write().unwrap(), 10 * 100);
    });
}

#[test]
fn a_read_write_lock_serves_goroutines_and_threads_together() {
    check_outside(|| {
        let (l, inside) = (RwLock::new(0), AtomicUsize::new(0));
        both(5, 3, || read_and_write(&l, &inside, 500));
        assert_eq!(*l.write().unwrap(), 8 * 100);
    });
}

/// Go: TestParallelReaders.
#[test]
fn readers_hold_it_at_the_same_time() {
    check(|| {
        let (l, meet) = (RwLock::new(()), Barrier::new(4));
        scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    let _guard = l.read().unwrap();
                    meet.wait(); // nobody comes past here unless all hold it
                });
            }
        });
    });
}

#[test]
fn a_waiting_writer_comes_before_new_readers() {
    check(|| {
        let (l, order) = (RwLock::new(()), Mutex::new(vec![]));
        let first = l.read().unwrap();
        scope(|s| {
            s.spawn(|| {
                let _guard = l.write().unwrap();
                order.lock().unwrap().push("writer");
            });
            yield_until("the writer waits", || l.try_read().is_err());
            s.spawn(|| {
                let _guard = l.read().unwrap();
                order.lock().unwrap().push("reader");
            });
            (0..50).for_each(|_| yield_now());
            assert!(order.lock().unwrap().is_empty());
            drop(first);
        });
        assert_eq!(order.into_inner().unwrap(), ["writer", "reader"]);
    });
}

/// Go: TestOnce, TestOncePanic.
#[test]
fn once_runs_once_and_all_see_it() {
    check_outside(|| {
        let (once, runs) = (Once::new(), AtomicUsize::new(0));
        both(8, 2, || {
            once.call_once(|| {
                (0..10).for_each(|_| yield_now());
                runs.fetch_add(1, Relaxed);
            });
            assert_eq!(runs.load(Relaxed), 1);
        });
        once.wait();
    });
    check(|| {
        let once = Once::new();
        scope(|s| {
            let panics = s.spawn(|| {
                catch_unwind(AssertUnwindSafe(|| {
                    once.call_once(|| {
                        (0..10).for_each(|_| yield_now());
                        panic!("on purpose");
                    });
                }))
            });
            let waits = s.spawn(|| once.wait_force());
            assert!(panics.join().unwrap().is_err());
            assert!(!waits.is_finished());
            let late = catch_unwind(AssertUnwindSafe(|| once.call_once(|| ())));
            assert!(late.is_err(), "poisoned");
            once.call_once_force(|state| assert!(state.is_poisoned()));
            waits.join().unwrap();
        });
    });
}

#[test]
fn a_barrier_has_one_leader_a_round() {
    check_outside(|| {
        let (meet, leaders, round) =
            (Barrier::new(10), AtomicUsize::new(0), AtomicUsize::new(0));
        both(7, 3, || {
            for n in 0..50 {
                assert!(round.load(Relaxed) >= n, "somebody is a round behind");
                if meet.wait().is_leader() {
                    leaders.fetch_add(1, Relaxed);
                    round.fetch_add(1, Relaxed);
                }
                meet.wait();
            }
        });
        assert_eq!(leaders.into_inner(), 50);
    });
}

#[test]
fn a_semaphore_is_never_overdrawn() {
    check_outside(|| {
        let (sem, used, turn) = (Semaphore::new(10), AtomicUsize::new(0), AtomicUsize::new(0));
        both(8, 3, || {
            let me = turn.fetch_add(1, Relaxed);
            for i in 0..300 {
                let n = 1 + (i * 7 + me) % 10;
                sem.acquire(n);
                assert!(used.fetch_add(n, Relaxed) + n <= 10);
                if i % 4 == 0 {
                    yield_now();
                }
                used.fetch_sub(n, Relaxed);
                sem.release(n);
            }
        });
        assert!(sem.try_acquire(10));
    });
}

/// What a goroutine holds when it panics is poisoned; what it does not hold is not.
#[test]
fn a_panic_poisons_what_is_held() {
    check(|| {
        let (held, other) = (Arc::new(Mutex::new(1)), Arc::new(Mutex::new(2)));
        let lock = Arc::new(RwLock::new(3));
        let (h, o, l) = (held.clone(), other.clone(), lock.clone());
        let panics = spawn(move || {
            drop(o.lock().unwrap());
            let _write = l.write().unwrap();
            let _guard = h.lock().unwrap();
            yield_now();
            panic!("on purpose");
        });
        assert!(panics.join().is_err());
        assert!(held.is_poisoned() && lock.is_poisoned() && !other.is_poisoned());
        assert_eq!(*held.lock().unwrap_err().into_inner(), 1);
        assert_eq!(*lock.read().unwrap_err().into_inner(), 3);
    });
}

/// go-spec 1.16: what Go prints at GOMAXPROCS=1. Each wake-up displaces the one before from
/// `runnext`.
#[test]
fn the_order_after_a_broadcast_is_gos() {
    in_order(&[5, 0, 1, 2, 3, 4], || {
        let (m, c, order) = (Mutex::new(0), Condvar::new(), Mutex::new(vec![]));
        scope(|s| {
            for i in 0..6 {
                let (m, c, order) = (&m, &c, &order);
                s.spawn(move || {
                    let mut asleep = m.lock().unwrap();
                    *asleep += 1;
                    drop(c.wait(asleep).unwrap());
                    order.lock().unwrap().push(i);
                });
                yield_until("it waits", || *m.lock().unwrap() == i + 1);
            }
            c.notify_all();
        });
        order.into_inner().unwrap()
    });
}

/// go-spec 2.3: a waiter that lost once after more than a millisecond makes the mutex starve;
/// then an unlock hands it over and the waiter runs at once, in the unlocker's slice.
#[test]
fn a_starving_mutex_is_handed_over_at_once() {
    in_order(&["before", "waiter", "after"], || {
        let (m, order) = (Mutex::new(()), Mutex::new(vec![]));
        let first = m.lock().unwrap();
        scope(|s| {
            s.spawn(|| {
                let _guard = m.lock().unwrap();
                order.lock().unwrap().push("waiter");
            });
            until_waiting(1, "sync.Mutex.Lock");
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(3) {
                std::hint::spin_loop();
            }
            drop(first); // wakes it, but
            let again = m.lock().unwrap(); // we are quicker
            yield_now(); // it finds that out, and has been patient for too long
            assert!(m.try_lock().is_err());
            order.lock().unwrap().push("before");
            drop(again);
            order.lock().unwrap().push("after");
        });
        order.into_inner().unwrap()
    });
}

/// Go: TestIssue76126. The process ends before `wait` returns.
#[test]
fn a_panic_in_a_counted_goroutine_ends_the_process() {
    if child::role().is_some() {
        // SAFETY: nothing in there is tied to a thread.
        unsafe {
            gosched::run(|| {
                let wg = Arc::new(WaitGroup::new());
                wg.go(|| panic!("test"));
                wg.wait();
                println!("wait returned");
            });
        }
        return;
    }
    let name = "a_panic_in_a_counted_goroutine_ends_the_process";
    let ended = child::run(&mut child::again(name, "panic"), LIMIT);
    assert_eq!(ended.status, Some(2), "{ended}");
    assert!(ended.stderr.contains("panic: test"), "{ended}");
    assert!(!ended.stdout.contains("wait returned"), "{ended}");
}

#[test]
fn a_wait_group_counts_goroutines_that_borrow() {
    check(|| {
        let (first, second) = (WaitGroup::new(), WaitGroup::new());
        let (ran, go_on) = (AtomicUsize::new(0), WaitGroup::new());
        go_on.add(1);
        scope(|s| {
            (0..10).for_each(|_| first.go_scoped(s, || _ = ran.fetch_add(1, Relaxed)));
            second.go_scoped(s, || {
                go_on.wait();
                ran.fetch_add(1, Relaxed);
            });
            first.wait();
            assert_eq!(ran.load(Relaxed), 10);
            go_on.done();
        });
        assert_eq!(ran.load(Relaxed), 11);
        // A panic is an end; the scope passes it on.
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            scope(|s| {
                first.go_scoped(s, || std::panic::resume_unwind(Box::new(())));
                first.wait();
                ran.fetch_add(1, Relaxed);
            });
        }));
        assert!(panicked.is_err());
        assert_eq!(ran.load(Relaxed), 12);
    });
}

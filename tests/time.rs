//! Sleeps and deadlines of goroutines. Never early is all that is said about time.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use gosched::thread::{park_timeout, sleep, sleep_until, spawn, yield_now};
use support::check;
use support::in_order::in_order;

const MS: Duration = Duration::from_millis(1);

/// Go: TestSleep.
#[test]
fn sleep_is_never_early() {
    check(|| {
        for us in [1, 50, 500, 5000] {
            let dur = Duration::from_micros(us);
            let start = Instant::now();
            sleep(dur);
            assert!(start.elapsed() >= dur);
            let deadline = Instant::now() + dur;
            sleep_until(deadline);
            assert!(Instant::now() >= deadline);
        }
        sleep_until(Instant::now() - MS);
    });
}

/// Go: TestAfterQueuing.
#[test]
fn sleepers_wake_in_the_order_of_their_deadlines() {
    const SLOTS: [u32; 13] = [5, 3, 6, 6, 6, 1, 1, 2, 7, 9, 4, 8, 0];
    // On a machine that stands still for a slot's time two wake at once: try longer slots.
    let attempt = |unit: Duration| {
        let order = std::sync::Arc::new(Mutex::new(Vec::new()));
        let start = Instant::now() + 5 * MS;
        let all = SLOTS.map(|slot| {
            let order = std::sync::Arc::clone(&order);
            spawn(move || {
                sleep_until(start + unit * slot);
                order.lock().unwrap().push(slot);
            })
        });
        all.into_iter().for_each(|h| h.join().unwrap());
        order.lock().unwrap().is_sorted()
    };
    check(|| assert!([10, 40, 160, 640].into_iter().any(|ms| attempt(ms * MS))));
}

/// Go: TestSleepZeroDeadlock, and that nobody else runs meanwhile.
#[test]
fn a_zero_sleep_does_not_yield() {
    in_order(&[0], || {
        let ran = std::sync::Arc::new(AtomicU64::new(0));
        let counter = std::sync::Arc::clone(&ran);
        let other = spawn(move || counter.fetch_add(1, Relaxed));
        (0..1000).for_each(|_| sleep(Duration::ZERO));
        let meanwhile = ran.load(Relaxed);
        other.join().unwrap();
        vec![meanwhile]
    });
}

/// Go: TestOverflowSleep; here the far sleeper is woken by nobody, so it is parked with a limit.
#[test]
fn a_far_deadline_does_not_come() {
    check(|| {
        let far = spawn(|| park_timeout(Duration::MAX));
        let near = spawn(|| sleep(MS));
        near.join().unwrap();
        far.thread().unpark();
        far.join().unwrap();
    });
}

#[test]
fn many_short_sleeps_all_end() {
    check(|| {
        let all: Vec<_> = (0..200u64)
            .map(|i| {
                spawn(move || {
                    for j in 0..50 {
                        sleep(Duration::from_micros(1 + (i * 7 + j * 13) % 300));
                    }
                })
            })
            .collect();
        all.into_iter().for_each(|h| h.join().unwrap());
    });
}

/// The deadline and the unpark race, over and over: each park ends, and no later one is ended
/// by an earlier one's deadline.
#[test]
fn a_stale_deadline_wakes_nobody() {
    check(|| {
        let done = std::sync::Arc::new(AtomicU64::new(0));
        let seen = std::sync::Arc::clone(&done);
        let parker = spawn(move || {
            for i in 0..2_000u64 {
                park_timeout(Duration::from_micros(i % 60));
                let start = Instant::now();
                sleep(Duration::from_micros(20));
                assert!(
                    start.elapsed() >= Duration::from_micros(20),
                    "woken by a stale timer"
                );
            }
            seen.store(1, Relaxed);
        });
        while done.load(Relaxed) == 0 {
            parker.thread().unpark();
            sleep(Duration::from_micros(30));
        }
        parker.join().unwrap();
    });
}

/// Go: TestTimerFairness' kind: goroutines that never block do not hide a timer.
#[test]
fn yielding_goroutines_do_not_hide_a_timer() {
    check(|| {
        let done = std::sync::Arc::new(AtomicU64::new(0));
        let busy: Vec<_> = (0..8)
            .map(|_| {
                let done = std::sync::Arc::clone(&done);
                spawn(move || {
                    while done.load(Relaxed) == 0 {
                        yield_now();
                    }
                })
            })
            .collect();
        sleep(2 * MS);
        done.store(1, Relaxed);
        busy.into_iter().for_each(|h| h.join().unwrap());
    });
}

/// A P whose goroutine never comes up for air: its sleepers are run by others, or it is
/// preempted for them.
#[test]
fn a_hog_does_not_hold_up_the_timers_of_its_p() {
    check(|| {
        let done = std::sync::Arc::new(AtomicU64::new(0));
        let flag = std::sync::Arc::clone(&done);
        let sleeper = spawn(move || {
            sleep(2 * MS);
            flag.store(1, Relaxed);
        });
        yield_now();
        while done.load(Relaxed) == 0 {
            std::hint::spin_loop();
        }
        sleeper.join().unwrap();
    });
}

/// Go: GOMAXPROCS down with live timers.
#[test]
fn timers_survive_their_p() {
    check(|| {
        let before = gosched::gomaxprocs(0);
        for round in 0..10u64 {
            gosched::gomaxprocs(4);
            let all: Vec<_> = (0..40)
                .map(|i| spawn(move || sleep(Duration::from_micros(300 + 50 * (i + round)))))
                .collect();
            sleep(Duration::from_micros(100));
            gosched::gomaxprocs(1);
            all.into_iter().for_each(|h| h.join().unwrap());
        }
        gosched::gomaxprocs(before);
    });
}

/// Plain threads sleep too, inside and outside of the runtime.
#[test]
fn plain_threads_sleep() {
    let start = Instant::now();
    sleep(MS);
    assert!(start.elapsed() >= MS);
    std::thread::spawn(|| sleep_until(Instant::now() + MS))
        .join()
        .unwrap();
}

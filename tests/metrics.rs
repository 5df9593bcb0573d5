//! Metrics by name: each says what is so, also while goroutines run, are stopped, or are in the kernel.
#![allow(unsafe_code, reason = "the door into the runtime")]

mod support;

use std::hint::black_box;
use std::io::Read;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use gosched::channel::bounded;
use gosched::metrics::{self, Histogram, Value};
use gosched::sync::{Arc, Mutex};
use gosched::thread::{spawn, yield_now};
use support::{LIMIT, check, check_at};

fn count(name: &str) -> u64 {
    match metrics::read(name) {
        Some(Value::Count(n)) => n,
        other => panic!("{name}: {other:?}"),
    }
}

fn state(name: &str) -> u64 {
    count(&format!("/sched/goroutines/{name}:goroutines"))
}

fn latencies() -> Histogram {
    match metrics::read("/sched/latencies:seconds") {
        Some(Value::Histogram(histogram)) => histogram,
        other => panic!("{other:?}"),
    }
}

fn slept_for_mutexes() -> f64 {
    match metrics::read("/sync/mutex/wait/total:seconds") {
        Some(Value::Amount(seconds)) => seconds,
        other => panic!("{other:?}"),
    }
}

fn until(what: &str, mut ready: impl FnMut() -> bool) {
    let begin = std::time::Instant::now();
    while !ready() {
        assert!(begin.elapsed().as_secs() < 20, "not within 20 s: {what}");
        yield_now();
    }
}

#[test]
fn goroutines_are_counted_by_state() {
    check_at(&[1], LIMIT, || {
        let waiting = state("waiting");
        let (to, from) = bounded::<()>(0);
        let waits: Vec<_> = (0..3)
            .map(|_| {
                spawn({
                    let from = from.clone();
                    move || from.recv()
                })
            })
            .collect();
        until("three wait", || state("waiting") == waiting + 3);
        assert_eq!((state("running"), state("runnable")), (1, 0));
        let queued: Vec<_> = (0..5).map(|_| spawn(|| ())).collect();
        assert_eq!(state("runnable"), 5);
        assert_eq!(count("/sched/goroutines:goroutines"), 9);
        let (mut end, begin) = std::io::pipe().unwrap();
        let reads = spawn(move || gosched::blocking(|| end.read(&mut [0])).unwrap());
        until("one is in the kernel", || state("not-in-go") == 1);
        drop((begin, to));
        waits.into_iter().for_each(|h| drop(h.join()));
        queued.into_iter().for_each(|h| h.join().unwrap());
        assert_eq!(reads.join().unwrap(), 0);
        assert_eq!(count("/sched/gomaxprocs:threads"), 1);
        assert!(count("/sched/threads/total:threads") >= 1);
        assert!(count("/sched/goroutines-created:goroutines") >= 10);
    });
}

/// A `blocking` inside of another leaves the mark of the outer one: by return and by a panic.
#[test]
fn blocking_calls_nest() {
    check(|| {
        let in_kernel = || state("not-in-go");
        // Whoever has lost its P on a busy machine counts as well, until it has one again.
        let outside = || {
            yield_now();
            in_kernel()
        };
        assert_eq!(outside(), 0);
        gosched::blocking(|| {
            assert_eq!(gosched::blocking(in_kernel), 1);
            assert_eq!(in_kernel(), 1, "after the inner one");
            let inner = || gosched::blocking(|| std::panic::panic_any(()));
            assert!(std::panic::catch_unwind(inner).is_err());
            assert_eq!(in_kernel(), 1, "after one that has panicked");
        });
        assert_eq!(outside(), 0);
    });
}

/// All ways into a run queue: a spawn, a wake-up, a yield; one of eight is timed, and counts as eight.
#[test]
fn waits_in_run_queues_are_timed() {
    check(|| {
        const ROUNDS: u64 = 8_000;
        let (to, from) = bounded::<u64>(0);
        let older = spawn(move || from.iter().sum::<u64>()); // there before the first read
        yield_now();
        let before = latencies();
        (0..ROUNDS).for_each(|n| to.send(n).unwrap());
        drop(to);
        assert_eq!(older.join().unwrap(), ROUNDS * (ROUNDS - 1) / 2);
        let woken = latencies().since(&before).total();
        assert!(woken >= ROUNDS / 2, "{woken} of {ROUNDS} wake-ups");
        let before = latencies();
        (0..ROUNDS).for_each(|_| spawn(|| ()).join().unwrap());
        let spawned = latencies().since(&before).total();
        assert!(spawned >= ROUNDS / 2, "{spawned} of {ROUNDS} spawns");
        let before = latencies();
        let other = spawn(|| (0..ROUNDS).for_each(|_| yield_now()));
        (0..ROUNDS).for_each(|_| yield_now());
        other.join().unwrap();
        let yielded = latencies().since(&before);
        assert!(
            yielded.total() >= ROUNDS / 2,
            "{} of {ROUNDS} yields",
            yielded.total()
        );
        assert!(yielded.quantile(0.5).unwrap() < 1.0, "{yielded:?}");
    });
}

/// Two hogs at one P: who is woken meanwhile waits for a slice, and that is in the histogram.
#[test]
fn a_wait_behind_a_hog_is_long() {
    check_at(&[1], LIMIT, || {
        let before = latencies();
        let stop = Arc::new(AtomicBool::new(false));
        let hogs: Vec<_> = (0..2)
            .map(|_| {
                let stop = Arc::clone(&stop);
                spawn(move || while !black_box(&stop).load(Relaxed) {})
            })
            .collect();
        until("a wait of a millisecond", || {
            // Each of these wakes is behind a hog; one of eight is timed.
            spawn(|| ()).join().unwrap();
            latencies()
                .since(&before)
                .quantile(1.0)
                .is_some_and(|longest| longest > 1e-3)
        });
        stop.store(true, Relaxed);
        hogs.into_iter().for_each(|hog| hog.join().unwrap());
    });
}

#[test]
fn time_asleep_for_a_mutex_adds_up() {
    check(|| {
        let lock = Arc::new(Mutex::new(()));
        let before = slept_for_mutexes();
        let held = lock.lock().unwrap();
        let waiting = state("waiting");
        let waiter = spawn({
            let lock = Arc::clone(&lock);
            move || drop(lock.lock().unwrap())
        });
        until("it waits", || state("waiting") > waiting);
        let begin = std::time::Instant::now();
        until("two milliseconds pass", || begin.elapsed().as_millis() >= 2);
        drop(held);
        waiter.join().unwrap();
        let slept = slept_for_mutexes() - before;
        assert!(slept >= 2e-3, "{slept} s");
    });
}

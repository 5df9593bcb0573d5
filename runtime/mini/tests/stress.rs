//! Counts in are counts out, in a storm of all that mini has. `STRESS_SECS` says how long.
#![allow(unsafe_code, reason = "the door into the runtime")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use gosched_mini::{Mutex, WaitGroup, bounded, go, run_on, spawn, yield_now};

fn seconds() -> f64 {
    let given = std::env::var("STRESS_SECS").ok();
    given.map_or(0.2, |text| text.parse().expect("STRESS_SECS: a number"))
}

#[test]
fn counts_in_are_counts_out() {
    let mut rounds = [0; 4];
    for (procs, count) in [1, 2, 4, 8].into_iter().zip(&mut rounds) {
        let end = Instant::now() + Duration::from_secs_f64(seconds() / 4.0);
        while Instant::now() < end {
            // SAFETY: no goroutine uses a thread-local before a wait and after it.
            unsafe { run_on(procs, storm) };
            *count += 1;
        }
    }
    println!("rounds at 1, 2, 4, 8 Ps: {rounds:?}");
}

const TASKS: u64 = 40;
const EACH: u64 = 50;

/// Goroutines that start others, send, receive, lock, yield and join, all at once.
fn storm() {
    let all = Arc::new(WaitGroup::new());
    let (sent, received, locked) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicU64::new(0)),
        Arc::new(Mutex::new(0_u64)),
    );
    let (to, from) = bounded(3);
    let (back, results) = bounded(0);
    for task in 0..TASKS {
        all.add(2);
        let (to, sent, done) = (to.clone(), Arc::clone(&sent), Arc::clone(&all));
        go(move || {
            for i in 0..EACH {
                let value = task * EACH + i;
                let helper = (i % 10 == 0).then(|| spawn(move || value));
                let value = helper.map_or(value, |helper| helper.join().unwrap());
                to.send(value).unwrap();
                sent.fetch_add(value, Relaxed);
                if i % 7 == 0 {
                    yield_now();
                }
            }
            done.done();
        });
        let (from, received, done) = (from.clone(), Arc::clone(&received), Arc::clone(&all));
        let (locked, back) = (Arc::clone(&locked), back.clone());
        go(move || {
            for value in from.iter() {
                received.fetch_add(value, Relaxed);
                let mut locked = locked.lock();
                *locked += 1;
                if value % 5 == 0 {
                    yield_now(); // with the mutex
                }
                drop(locked);
                if value % 11 == 0 {
                    back.send(value).unwrap();
                }
            }
            done.done();
        });
    }
    drop((to, from, back));
    let echoes: u64 = results.iter().map(|_| 1).sum();
    all.wait();
    let total = TASKS * EACH;
    assert_eq!(sent.load(Relaxed), total * (total - 1) / 2);
    assert_eq!(received.load(Relaxed), sent.load(Relaxed));
    assert_eq!(*locked.lock(), total);
    assert_eq!(echoes, total.div_ceil(11));
}

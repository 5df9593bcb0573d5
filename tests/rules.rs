//! The rule that makes preemption safe, broken on purpose: the check catches it, and without
//! the check the safety valve keeps the program going.
//!
//! One P. A goroutine allocates all the time, from an allocator with one slow lock, so that it
//! is mostly preempted with that lock held. Another one allocates *inside of the runtime*: it
//! waits for the lock, with the only P.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use gosched::thread::spawn;
use support::child::{self, Ended};
use support::ruled::{CHECKS, LOCKS};

const NAME: &str = "broken_on_purpose";
const LONG: Duration = Duration::from_secs(120);
/// How often the rule is broken.
const ROUNDS: i32 = 50;

fn break_the_rule() {
    LOCKS.store(true, Relaxed);
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let honest = spawn(move || {
        while !stopped.load(Relaxed) {
            drop(black_box(Box::new(1)));
        }
    });
    for i in 0..ROUNDS {
        let boxed = gosched::__inside(|| black_box(Box::new(i)));
        assert_eq!(*boxed, i);
        gosched::thread::yield_now();
    }
    stop.store(true, Relaxed);
    honest.join().unwrap();
    LOCKS.store(false, Relaxed);
    println!("got through");
}

fn run_child(role: &str, gosched: &str, limit: Duration) -> Ended {
    child::run(child::again(NAME, role).env("GOSCHED", gosched), limit)
}

#[test]
fn broken_on_purpose() {
    if let Some(role) = child::role() {
        CHECKS.store(role == "checked", Relaxed);
        // SAFETY: nothing in the body is tied to a thread.
        return unsafe { gosched::Builder::new().procs(1).run(break_the_rule) };
    }
    let caught = run_child("checked", "", LONG);
    assert_eq!(caught.signal, Some(libc::SIGABRT), "{caught}");
    assert!(caught.stderr.contains("rule D: malloc inside"), "{caught}");

    let start = Instant::now();
    let saved = run_child("unchecked", "", LONG);
    assert!(saved.stdout.contains("got through"), "{saved}");

    let ample = start.elapsed() * 2 + Duration::from_secs(1);
    let stuck = run_child("unchecked", "valveoff=1", ample);
    assert!(
        stuck.timed_out && !stuck.stdout.contains("got through"),
        "{stuck}"
    );
}

#[test]
fn the_check_does_not_bark_at_honest_code() {
    support::check(|| {
        let all: Vec<_> = (0..100)
            .map(|i| {
                spawn(move || {
                    assert!(!gosched::__in_runtime());
                    vec![i; 100].len()
                })
            })
            .collect();
        let sum: usize = all.into_iter().map(|h| h.join().unwrap()).sum();
        assert_eq!(sum, 100 * 100);
        assert!(gosched::__inside(gosched::__in_runtime));
    });
}

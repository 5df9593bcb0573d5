//! `GOSCHED=steady=1`: at one P nothing that goroutines see depends on the clock. Each case runs
//! in a process of its own, with and without.
#![allow(unsafe_code, reason = "the door into the runtime")]

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use gosched::sync::{Arc, Mutex, WaitGroup};

#[path = "support/child.rs"]
mod child;

const LIMIT: Duration = Duration::from_secs(60);

/// Does the case in a child with this `GOSCHED`; what it answers.
fn ask(test: &str, gosched: &str, case: fn() -> bool) -> bool {
    if child::role().is_some() {
        // SAFETY: the cases keep nothing that is tied to an OS thread.
        let answer = unsafe { gosched::Builder::new().procs(1).run(case) };
        println!("answer: {answer}.");
        std::process::exit(0);
    }
    let mut again = child::again(test, "case");
    let ended = child::run(again.env("GOSCHED", gosched), LIMIT);
    assert_eq!(ended.status, Some(0), "{ended}");
    ended.stdout.contains("answer: true.")
}

fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Does another goroutine run while the caller is at `work`, which suspends nowhere?
fn other_ran(work: impl FnOnce()) -> bool {
    let ran = Arc::new(AtomicBool::new(false));
    let other = Arc::clone(&ran);
    gosched::go(move || other.store(true, SeqCst));
    work();
    ran.load(SeqCst)
}

#[test]
fn a_goroutine_keeps_its_p_while_its_thread_is_blocked() {
    const TEST: &str = "a_goroutine_keeps_its_p_while_its_thread_is_blocked";
    fn blocked() -> bool {
        other_ran(|| (0..20).for_each(|_| std::thread::sleep(Duration::from_millis(10))))
    }
    assert!(!ask(TEST, "steady=1", blocked));
    assert!(ask(TEST, "", blocked), "or the test shows nothing");
}

#[test]
fn there_are_no_time_slices() {
    const TEST: &str = "there_are_no_time_slices";
    fn busy() -> bool {
        other_ran(|| spin(Duration::from_millis(300)))
    }
    assert!(!ask(TEST, "steady=1", busy));
    assert!(ask(TEST, "", busy), "or the test shows nothing");
}

#[test]
fn no_mutex_starves() {
    const TEST: &str = "no_mutex_starves";
    /// The waiter has slept for 5 ms, and when it wakes the mutex is taken again. Then it is
    /// handed over at the next unlock, or, if nobody is impatient, taken a third time.
    fn handed_over() -> bool {
        let shared = Arc::new((Mutex::new(()), AtomicBool::new(false), WaitGroup::new()));
        let guard = shared.0.lock().unwrap();
        shared.2.add(1);
        let other = Arc::clone(&shared);
        gosched::go(move || {
            let _guard = other.0.lock().unwrap();
            other.1.store(true, SeqCst);
            other.2.done();
        });
        gosched::thread::yield_now(); // it waits
        spin(Duration::from_millis(5));
        drop(guard);
        let guard = shared.0.lock().unwrap();
        gosched::thread::yield_now(); // it wakes, and waits again
        drop(guard);
        let third = shared.0.lock().unwrap();
        let had_it = shared.1.load(SeqCst);
        drop(third);
        shared.2.wait();
        had_it
    }
    assert!(!ask(TEST, "steady=1", handed_over));
    assert!(ask(TEST, "", handed_over), "or the test shows nothing");
}

//! Go's order at one P, as `tests/order.rs` of the full runtime has it.
#![allow(unsafe_code, reason = "the door into the runtime")]

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use gosched_mini::{WaitGroup, bounded, go, run_on, spawn, yield_now};

type Log = Arc<Mutex<Vec<u32>>>;

/// What `program` logs at one P.
fn logged(program: impl FnOnce(Log) + Send + 'static) -> Vec<u32> {
    let log = Log::default();
    let copy = Arc::clone(&log);
    // SAFETY: no goroutine uses a thread-local before a wait and after it.
    unsafe { run_on(1, move || program(copy)) };
    std::mem::take(&mut log.lock().unwrap())
}

#[test]
fn ten_goroutines_the_last_one_first() {
    let order = logged(|log| {
        let all = Arc::new(WaitGroup::new());
        for i in 0..10 {
            all.add(1);
            let (all, log) = (Arc::clone(&all), Arc::clone(&log));
            go(move || {
                log.lock().unwrap().push(i);
                all.done();
            });
        }
        all.wait();
    });
    assert_eq!(order, [9, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn who_yields_goes_behind_all_others() {
    let order = logged(|log| {
        let tasks = [0, 1, 2].map(|i| {
            let log = Arc::clone(&log);
            spawn(move || {
                for _ in 0..3 {
                    log.lock().unwrap().push(i);
                    yield_now();
                }
            })
        });
        tasks.into_iter().for_each(|task| task.join().unwrap());
    });
    assert_eq!(order, [2, 0, 1, 2, 0, 1, 2, 0, 1]);
}

/// Six that wait, then what `wake` does to them.
fn six(
    wait: impl Fn(u32) + Clone + Send + 'static,
    wake: impl FnOnce() + Send + 'static,
) -> Vec<u32> {
    logged(move |log| {
        let tasks: Vec<_> = (0..6)
            .map(|i| {
                let (log, wait) = (Arc::clone(&log), wait.clone());
                let task = spawn(move || {
                    wait(i);
                    log.lock().unwrap().push(i);
                });
                yield_now(); // until it waits
                task
            })
            .collect();
        wake();
        tasks.into_iter().for_each(|task| task.join().unwrap());
    })
}

#[test]
fn after_a_close_the_last_of_the_receivers_comes_second() {
    let (to, from) = bounded::<()>(0);
    let order = six(move |_| assert_eq!(from.recv(), None), move || to.close());
    assert_eq!(order, [0, 5, 4, 3, 2, 1]);
}

#[test]
fn after_six_sends_the_last_of_the_receivers_comes_first() {
    let (to, from) = bounded(0);
    let order = six(
        move |i| assert_eq!(from.recv(), Some(i)),
        move || (0..6).for_each(|i| to.send(i).unwrap()),
    );
    assert_eq!(order, [5, 0, 1, 2, 3, 4]);
}

#[test]
fn a_wait_group_wakes_all_its_waiters_the_last_one_first() {
    let all = Arc::new(WaitGroup::new());
    all.add(1);
    let waiters = Arc::clone(&all);
    let order = six(move |_| waiters.wait(), move || all.done());
    assert_eq!(order, [5, 0, 1, 2, 3, 4]);
}

/// Goroutines that keep the local queue busy for ever do not hide the global queue, where main
/// stands: it is looked at every 61st pick.
#[test]
fn the_global_queue_is_polled_every_61_picks() {
    let picks = logged(|log| {
        let count = Arc::new(AtomicU32::new(0));
        let copy = Arc::clone(&count);
        go(move || busy(copy));
        for _ in 0..5 {
            yield_now();
            log.lock().unwrap().push(count.swap(0, Relaxed));
        }
        count.store(OVER, Relaxed);
    });
    assert_eq!(picks[1..], [60, 60, 60, 60], "{picks:?}");
}

const OVER: u32 = 1 << 31;

/// Its successor stands in the local queue, kicked out of `runnext` by one that does nothing.
fn busy(count: Arc<AtomicU32>) {
    if count.fetch_add(1, Relaxed) < OVER {
        go(move || busy(count));
        go(|| ());
    }
}

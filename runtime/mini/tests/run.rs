//! What mini promises, at 1, 2 and 4 Ps.
#![allow(unsafe_code, reason = "the door into the runtime")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use gosched_mini::{
    Mutex, TryRecvError, TrySendError, WaitGroup, bounded, go, run, run_on, spawn, yield_now,
};

/// Runs `test` as a goroutine on 1, 2 and 4 Ps.
fn check(test: fn()) {
    for procs in [1, 2, 4] {
        // SAFETY: no goroutine uses a thread-local before a wait and after it.
        unsafe { run_on(procs, test) };
    }
}

/// Until `done`, or loudly not.
fn yield_until(what: &str, done: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < end, "never: {what}");
        yield_now();
    }
}

#[test]
fn run_returns_the_value_of_its_closure() {
    // SAFETY: as above.
    let answer = unsafe { run(|| spawn(|| 6 * 7).join().unwrap()) };
    assert_eq!(answer, 42);
}

#[test]
fn a_panic_comes_out_of_join_and_of_run() {
    check(|| {
        let payload = spawn(|| panic!("as planned")).join().unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"as planned"));
        go(|| panic!("harms nobody else"));
        yield_now();
    });
    // SAFETY: as above.
    let payload = catch_unwind(|| unsafe { run_on(1, || panic!("main")) }).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"main"));
}

#[test]
fn outside_of_run_there_is_a_clear_panic() {
    let words = |f: fn()| {
        let payload = catch_unwind(f).unwrap_err();
        *payload.downcast_ref::<&str>().unwrap()
    };
    assert_eq!(words(yield_now), "not in a goroutine: `run` is the door");
    assert_eq!(words(|| go(|| ())), "not in a goroutine: `run` is the door");
    // SAFETY: as above.
    let inner = || unsafe { run_on(1, || ()) };
    // SAFETY: as above.
    let inside = unsafe { run_on(1, move || catch_unwind(inner).unwrap_err()) };
    assert_eq!(inside.downcast_ref(), Some(&"`run` inside of `run`"));
}

#[test]
fn a_wait_group_waits_for_all_and_can_be_used_again() {
    check(|| {
        let (all, count) = (Arc::new(WaitGroup::new()), Arc::new(AtomicUsize::new(0)));
        for round in 1..=100 {
            all.add(50);
            for _ in 0..50 {
                let (all, count) = (Arc::clone(&all), Arc::clone(&count));
                go(move || {
                    count.fetch_add(1, Relaxed);
                    all.done();
                });
            }
            all.wait();
            assert_eq!(count.load(Relaxed), 50 * round);
        }
        let less = catch_unwind(AssertUnwindSafe(|| all.done())).unwrap_err();
        let words = less.downcast_ref::<&str>().unwrap();
        assert_eq!(*words, "sync: negative WaitGroup counter");
    });
}

#[test]
fn one_at_a_time_holds_a_mutex_also_over_a_wait() {
    check(|| {
        let sum = Arc::new(Mutex::new(0));
        let tasks: Vec<_> = (0..20)
            .map(|i| {
                let sum = Arc::clone(&sum);
                spawn(move || {
                    for n in 0..100 {
                        let mut sum = sum.lock();
                        let seen = *sum;
                        if (i + n) % 3 == 0 {
                            yield_now();
                        }
                        *sum = seen + 1;
                    }
                })
            })
            .collect();
        tasks.into_iter().for_each(|task| task.join().unwrap());
        assert_eq!(*sum.lock(), 2000);
    });
}

/// One takes the mutex again as soon as it has freed it, and holds it nearly all the time.
#[test]
fn a_holder_that_comes_back_at_once_starves_nobody() {
    check(|| {
        let (mutex, over) = (Arc::new(Mutex::new(())), Arc::new(AtomicBool::new(false)));
        let (held, stop) = (Arc::clone(&mutex), Arc::clone(&over));
        let greedy = spawn(move || {
            while !stop.load(Relaxed) {
                let guard = held.lock();
                yield_now();
                let began = Instant::now();
                while began.elapsed() < Duration::from_micros(100) {}
                drop(guard);
            }
        });
        for _ in 0..10 {
            drop(mutex.lock());
            yield_now();
        }
        over.store(true, Relaxed);
        greedy.join().unwrap();
    });
}

#[test]
fn channels_of_every_size_lose_nothing() {
    check(|| {
        for capacity in [0, 1, 7, 100] {
            let (to, from) = bounded(capacity);
            let senders: Vec<_> = (0..4)
                .map(|_| {
                    let to = to.clone();
                    spawn(move || (0..250).for_each(|i: u64| to.send(i).unwrap()))
                })
                .collect();
            drop(to);
            let receivers: Vec<_> = (0..3)
                .map(|_| {
                    let from = from.clone();
                    spawn(move || from.iter().sum::<u64>())
                })
                .collect();
            senders.into_iter().for_each(|task| task.join().unwrap());
            let sums = receivers.into_iter().map(|task| task.join().unwrap());
            assert_eq!(sums.sum::<u64>(), 4 * 250 * 249 / 2, "capacity {capacity}");
        }
    });
}

#[test]
fn a_close_lets_all_go_and_keeps_what_was_sent() {
    check(|| {
        let (to, from) = bounded(1);
        to.send(1).unwrap();
        let full = to.clone();
        let sender = spawn(move || full.send(2));
        let (empty, nobody) = bounded::<u8>(0);
        let receiver = spawn(move || nobody.recv());
        yield_until("both wait", || to.try_send(3) == Err(TrySendError::Full(3)));
        for _ in 0..100 {
            yield_now();
        }
        to.close();
        empty.close();
        assert_eq!(sender.join().unwrap(), Err(2));
        assert_eq!(receiver.join().unwrap(), None);
        assert_eq!(to.send(4), Err(4));
        assert_eq!(to.try_send(4), Err(TrySendError::Closed(4)));
        assert_eq!((from.recv(), from.recv()), (Some(1), None));
        assert_eq!(from.try_recv(), Err(TryRecvError::Closed));
    });
}

#[test]
fn the_last_end_that_is_dropped_closes() {
    check(|| {
        let (to, from) = bounded(3);
        let also = to.clone();
        drop(to);
        assert_eq!(from.try_recv(), Err(TryRecvError::Empty));
        also.send(5).unwrap();
        drop(also);
        assert_eq!((from.recv(), from.recv()), (Some(5), None));
        let (to, from) = bounded(3);
        drop(from);
        assert_eq!(to.send(6), Err(6));
    });
}

/// A plain thread may wake goroutines, but not wait.
#[test]
fn a_plain_thread_may_send_what_a_goroutine_waits_for() {
    check(|| {
        let (to, from) = bounded(10);
        let thread = std::thread::spawn(move || (0..10).for_each(|i| to.send(i).unwrap()));
        let mut got = Vec::new();
        yield_until("the thread has sent", || thread.is_finished());
        got.extend(from.iter());
        assert_eq!(got, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        thread.join().unwrap();
    });
}

/// It computes and never gives way: on two Ps, what it has started is stolen.
#[test]
fn work_is_stolen_from_a_p_that_is_busy() {
    for procs in [2, 4] {
        let stolen = || {
            let count = Arc::new(AtomicUsize::new(0));
            for _ in 0..10 {
                let count = Arc::clone(&count);
                go(move || _ = count.fetch_add(1, Relaxed));
            }
            let end = Instant::now() + Duration::from_secs(60);
            while count.load(Relaxed) < 10 {
                assert!(Instant::now() < end, "nobody steals");
                std::thread::yield_now();
            }
        };
        // SAFETY: as above.
        unsafe { run_on(procs, stolen) };
    }
}

#[test]
fn what_main_does_not_wait_for_is_left() {
    check(|| {
        let (to, from) = bounded::<u8>(0);
        go(move || _ = from.recv());
        go(|| yield_until("main ends", || false));
        yield_now();
        std::mem::forget(to);
    });
}

#[test]
fn many_runs_side_by_side() {
    std::thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                for _ in 0..20 {
                    // SAFETY: as above.
                    let sum = unsafe {
                        run_on(2, || {
                            let tasks: Vec<_> = (0..100).map(|i| spawn(move || i)).collect();
                            tasks
                                .into_iter()
                                .map(|task| task.join().unwrap())
                                .sum::<u32>()
                        })
                    };
                    assert_eq!(sum, 4950);
                }
            });
        }
    });
}

/// In a child, as the report ends it.
#[test]
fn when_all_are_asleep_the_process_ends_with_gos_words() {
    for procs in ["1", "2", "4"] {
        if std::env::var("MINI_CHILD").as_deref() == Ok(procs) {
            let asleep = || {
                let (_to, from) = bounded::<u8>(0);
                from.recv();
            };
            // SAFETY: as above.
            unsafe { run_on(procs.parse().unwrap(), asleep) };
        }
        let name = "when_all_are_asleep_the_process_ends_with_gos_words";
        let ended = std::process::Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact", "--nocapture"])
            .env("MINI_CHILD", procs)
            .output()
            .unwrap();
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        let words = "fatal error: all goroutines are asleep - deadlock!\n";
        assert_eq!(String::from_utf8_lossy(&ended.stderr), words);
    }
}

//! Go's tests of package time, for timers: as of Go 1.23, where a stopped or reset timer never
//! delivers what was set before. Never early is all that is said about time.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gosched::channel::{RecvTimeoutError, TryRecvError, bounded, select, unbounded};
use gosched::thread::{sleep, spawn, yield_now};
use gosched::time::{Timer, after, after_func};
use support::{check, check_at, yield_until};

const US: Duration = Duration::from_micros(1);
const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Go: TestAfterFunc. Each one may block, and starts the next.
#[test]
fn a_function_runs_in_a_goroutine_and_may_start_another() {
    fn step(left: u32, done: gosched::channel::Sender<()>) {
        let _ = after_func(Duration::ZERO, move || {
            sleep(10 * US);
            match left {
                0 => done.send(()).unwrap(),
                _ => step(left - 1, done.clone()),
            }
        });
    }
    check(|| {
        let (s, r) = bounded(0);
        step(10, s);
        r.recv().unwrap();
    });
}

/// Go: TestAfterFuncStarvation.
#[test]
fn a_ping_pong_does_not_starve_a_timer() {
    check(|| {
        let (s, r) = bounded(1);
        let stop = Arc::new(AtomicBool::new(false));
        let players: Vec<_> = (0..2)
            .map(|_| {
                let (s, r, stop) = (s.clone(), r.clone(), Arc::clone(&stop));
                spawn(move || {
                    while r.recv() == Ok(true) && !stop.load(SeqCst) {
                        s.send(true).unwrap();
                    }
                    let _ = s.try_send(false);
                })
            })
            .collect();
        let flag = Arc::clone(&stop);
        after_func(US, move || flag.store(true, SeqCst));
        s.send(true).unwrap();
        players.into_iter().for_each(|p| p.join().unwrap());
    });
}

/// Go: TestAfter, TestAfterTick.
#[test]
fn after_is_never_early() {
    check(|| {
        for _ in 0..10 {
            let start = Instant::now();
            let due = after(2 * MS).recv().unwrap();
            assert!(due - start >= 2 * MS && Instant::now() >= due);
        }
    });
}

/// Go: TestAfterStop, TestStop.
#[test]
fn what_is_stopped_in_time_never_happens() {
    check(|| {
        let ran = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&ran);
        let func = after_func(HOUR, move || {
            count.fetch_add(1, SeqCst);
        });
        let chan = Timer::new(HOUR);
        assert!(func.stop() && chan.stop());
        assert!(!func.stop() && !chan.stop(), "only once");
        assert!(!func.reset(5 * MS) && !chan.reset(5 * MS), "were stopped");
        assert!(func.stop() && chan.stop());
        let other = Timer::new(20 * MS);
        other.c().recv().unwrap();
        assert_eq!(chan.c().try_recv(), Err(TryRecvError::Empty));
        assert_eq!(ran.load(SeqCst), 0);
    });
}

/// Go: TestTimerStopStress.
#[test]
fn stops_from_other_goroutines() {
    check(|| {
        let timers: Vec<_> = (0..100)
            .map(|i| {
                let timer = after_func(HOUR, move || panic!("timer {i} fired"));
                spawn(move || {
                    sleep(MS);
                    assert!(timer.stop());
                })
            })
            .collect();
        timers.into_iter().for_each(|t| t.join().unwrap());
    });
}

/// Go: TestReset.
#[test]
fn reset_says_whether_it_was_pending() {
    check(|| {
        let timer = Timer::new(HOUR);
        assert!(timer.reset(MS));
        timer.c().recv().unwrap();
        assert!(!timer.reset(MS), "was received");
        let wait = Timer::new(5 * MS);
        wait.c().recv().unwrap();
        assert!(timer.reset(HOUR), "due, but not received");
        assert_eq!(timer.c().try_recv(), Err(TryRecvError::Empty), "stale");
        assert!(timer.stop());

        let (s, r) = unbounded();
        let func = after_func(HOUR, move || s.send(()).unwrap());
        assert!(func.reset(MS));
        r.recv().unwrap();
        assert!(!func.reset(MS), "has started");
        r.recv().unwrap();
        assert!(!func.stop());
    });
}

/// Go: TestOverflowSleep, TestOverflowRuntimeTimer.
#[test]
fn the_end_of_time_does_not_come_and_the_past_does() {
    check(|| {
        let far = Timer::new(Duration::MAX);
        let func = after_func(Duration::MAX, || panic!("the end of time"));
        Timer::new(Duration::ZERO).c().recv().unwrap();
        let end = far.c().recv_timeout(MS);
        assert_eq!(end, Err(RecvTimeoutError::Timeout));
        assert!(far.stop() && func.stop());
    });
}

/// Go: TestZeroTimer.
#[test]
fn a_timer_of_no_time_is_never_missed() {
    const N: u32 = 20_000;
    check(|| {
        for _ in 0..N {
            Timer::new(Duration::ZERO).c().recv().unwrap();
        }
        let timer = Timer::new(HOUR);
        for _ in 0..N {
            timer.reset(Duration::ZERO);
            timer.c().recv().unwrap();
        }
        let (s, r) = bounded(1);
        let func = after_func(Duration::ZERO, move || s.send(()).unwrap());
        for _ in 0..N {
            r.recv().unwrap();
            func.reset(Duration::ZERO);
        }
        r.recv().unwrap();
    });
}

/// Go: TestTimerModifiedEarlier.
#[test]
fn a_timer_moved_forward_fires_promptly() {
    check(|| {
        let (s, r) = unbounded();
        let timer = after_func(HOUR, move || s.send(()).unwrap());
        for i in 0..1000 {
            timer.reset(HOUR);
            if i % 2 == 0 {
                timer.stop();
            }
            timer.reset(Duration::ZERO);
            r.recv_timeout(Duration::from_secs(20)).unwrap();
        }
    });
}

/// Go: TestAdjustTimers.
#[test]
fn none_is_lost_however_they_are_moved() {
    check(|| {
        let fired = Arc::new(AtomicUsize::new(0));
        let timers: Vec<_> = (0..100)
            .map(|i| {
                let fired = Arc::clone(&fired);
                let timer = after_func(HOUR + i * MS, move || {
                    fired.fetch_add(1, SeqCst);
                });
                Arc::new(timer)
            })
            .collect();
        let movers: Vec<_> = timers
            .iter()
            .enumerate()
            .map(|(i, timer)| {
                let timer = Arc::clone(timer);
                spawn(move || {
                    for state in 0..10usize {
                        match (i * 7 + state * 3) % 5 {
                            0 => drop(timer.reset(HOUR)),
                            1 => drop(timer.stop()),
                            2 => drop(timer.reset(HOUR * 2)),
                            3 => sleep(Duration::from_micros((i % 13) as u64)),
                            _ => drop(timer.reset(HOUR / 2)),
                        }
                        if i.is_multiple_of(3) {
                            yield_now();
                        }
                    }
                    timer.reset(Duration::from_micros((i * 37 % 3000) as u64));
                })
            })
            .collect();
        movers.into_iter().for_each(|m| m.join().unwrap());
        yield_until("all timers", || fired.load(SeqCst) == 100);
    });
}

/// Go: TestStopResult, TestResetResult. If stop says no, there is a message.
#[test]
fn the_answer_of_stop_agrees_with_the_channel() {
    check(|| {
        for reset in [false, true] {
            let all: Vec<_> = (0..50u64)
                .map(|i| {
                    spawn(move || {
                        for j in 0..20 {
                            let timer = Timer::new(Duration::from_micros((i + j) % 40));
                            sleep(Duration::from_micros((i * j) % 40));
                            let pending = if reset {
                                timer.reset(HOUR)
                            } else {
                                timer.stop()
                            };
                            assert!(pending, "nobody has received: it was pending");
                            let got = timer.c().try_recv();
                            assert_eq!(got, Err(TryRecvError::Empty), "stale");
                        }
                    })
                })
                .collect();
            all.into_iter().for_each(|g| g.join().unwrap());
        }
    });
}

/// As above, with a receiver in between: exactly one of receive and stop gets it.
#[test]
fn receive_and_stop_race_for_one_message() {
    check(|| {
        for i in 0..300u64 {
            let timer = Arc::new(Timer::new(Duration::from_micros(i % 50)));
            let theirs = Arc::clone(&timer);
            let receiver = spawn(move || theirs.c().recv_timeout(50 * MS).is_ok());
            sleep(Duration::from_micros(i * 7 % 50));
            let stopped = timer.stop();
            if stopped {
                assert_eq!(timer.c().try_recv(), Err(TryRecvError::Empty));
                timer.reset(Duration::ZERO); // lets the receiver go
            }
            assert!(receiver.join().unwrap());
            assert!(!timer.stop(), "received");
        }
    });
}

/// The same for functions: a stop that says yes means that it never runs, a no that it does.
#[test]
fn the_answer_of_stop_agrees_with_the_function() {
    check(|| {
        let ran = Arc::new(AtomicUsize::new(0));
        let mut wanted = 0;
        for i in 0..2000u64 {
            let count = Arc::clone(&ran);
            let timer = after_func(Duration::from_micros(i % 30), move || {
                count.fetch_add(1, SeqCst);
            });
            sleep(Duration::from_micros(i * 7 % 30));
            wanted += match i % 3 {
                0 => usize::from(!timer.stop()),
                1 => 1 + usize::from(!timer.reset(Duration::ZERO)), // it has started, and again
                _ => 1,
            };
        }
        yield_until("all functions", || ran.load(SeqCst) >= wanted);
        sleep(MS);
        assert_eq!(ran.load(SeqCst), wanted);
    });
}

/// Go: TestMultiWakeupTimer.
#[test]
fn many_reset_and_receive_one_timer() {
    check_at(&[2, 4], support::LIMIT, || {
        let timer = Arc::new(Timer::new(Duration::ZERO));
        let all: Vec<_> = (0..4)
            .map(|_| {
                let timer = Arc::clone(&timer);
                spawn(move || {
                    for _ in 0..2000 {
                        timer.reset(Duration::from_nanos(1));
                        let _ = timer.c().recv_timeout(MS);
                    }
                })
            })
            .collect();
        all.into_iter().for_each(|g| g.join().unwrap());
        timer.stop();
    });
}

/// Go: TestAfterQueuing.
#[test]
fn overlapping_timers_end_in_the_order_of_their_deadlines() {
    const SLOTS: [u32; 13] = [5, 3, 6, 6, 6, 1, 1, 2, 7, 9, 4, 8, 0];
    // On a machine that stands still for a slot's time two start at once: try longer slots.
    let attempt = |unit: Duration| {
        let order = Arc::new(Mutex::new(Vec::new()));
        let (s, r) = unbounded();
        for slot in SLOTS {
            let (order, s) = (Arc::clone(&order), s.clone());
            after_func(5 * MS + unit * slot, move || {
                order.lock().unwrap().push(slot);
                s.send(()).unwrap();
            });
        }
        (0..SLOTS.len()).for_each(|_| r.recv().unwrap());
        order.lock().unwrap().is_sorted()
    };
    check(|| assert!([10, 40, 160, 640].into_iter().any(|ms| attempt(ms * MS))));
}

/// Go: TestAfterTimes. The message is when it was due, not when it was received.
#[test]
fn the_stamp_is_the_scheduled_time() {
    check(|| {
        let start = Instant::now();
        let timer = Timer::new(MS);
        let made = Instant::now();
        sleep(50 * MS);
        let due = timer.c().recv().unwrap();
        assert!(due >= start + MS && due <= made + MS);
    });
}

/// What the function owns is dropped when it can no longer run, and not before.
#[test]
fn a_function_is_dropped_once_and_in_time() {
    check(|| {
        let owned = Arc::new(());
        let theirs = Arc::clone(&owned);
        let timer = after_func(HOUR, move || drop(Arc::clone(&theirs)));
        assert!(timer.stop());
        timer.reset(HOUR);
        drop(timer);
        assert_eq!(Arc::strong_count(&owned), 2, "it may still run");

        let owned = Arc::new(());
        let theirs = Arc::clone(&owned);
        let timer = after_func(MS, move || drop(Arc::clone(&theirs)));
        drop(timer);
        yield_until("the function has gone", || Arc::strong_count(&owned) == 1);

        let theirs = Arc::clone(&owned);
        let timer = after_func(HOUR, move || drop(Arc::clone(&theirs)));
        timer.stop();
        drop(timer);
        assert_eq!(Arc::strong_count(&owned), 1);
    });
}

/// Arming, moving and stopping from plain threads, which have no P.
#[test]
fn plain_threads_use_timers_too() {
    check(|| {
        let (s, r) = unbounded();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let s = s.clone();
                std::thread::spawn(move || {
                    for i in 0..100 {
                        let s = s.clone();
                        let timer = after_func(HOUR, move || s.send(()).unwrap());
                        if i % 2 == 0 {
                            assert!(timer.stop());
                        }
                        timer.reset(Duration::from_micros(i));
                    }
                    Timer::new(MS).c().recv().unwrap();
                })
            })
            .collect();
        (0..400).for_each(|_| r.recv().unwrap());
        threads.into_iter().for_each(|t| t.join().unwrap());
    });
}

/// Go: TestTimerFairness. Two goroutines flood the channel that the select looks at first.
#[test]
fn a_flooded_select_still_sees_its_timer() {
    check(|| {
        let (s, r) = bounded(0);
        let (stop, stopped) = bounded::<()>(0);
        let flooders: Vec<_> = (0..2)
            .map(|_| {
                let (s, stopped) = (s.clone(), stopped.clone());
                spawn(move || {
                    loop {
                        select! {
                            send(s, 0) -> _ => (),
                            recv(stopped) -> _ => break,
                        }
                    }
                })
            })
            .collect();
        let timer = after(20 * MS);
        loop {
            select! {
                recv(r) -> msg => assert_eq!(msg, Ok(0)),
                recv(timer) -> _ => break,
            }
        }
        drop(stop);
        flooders.into_iter().for_each(|f| f.join().unwrap());
    });
}

/// Go: TestLongAdjustTimers, a tenth of it. Many selects with a time-out beside many sleepers
/// that are due: nothing goes over the whole heap each time.
#[test]
fn many_selects_with_timers_do_not_go_over_the_heap() {
    check(|| {
        let sleepers: Vec<_> = (0..500).map(|_| spawn(|| sleep(MS))).collect();
        let all: Vec<_> = (0..5000)
            .map(|_| {
                spawn(|| {
                    let (s, r) = bounded(1);
                    for _ in 0..4 {
                        s.send(()).unwrap();
                        select! {
                            recv(r) -> _ => (),
                            recv(after(HOUR)) -> _ => panic!("an hour has passed"),
                        }
                        select! {
                            recv(r) -> _ => panic!("nobody has sent"),
                            recv(after(US)) -> _ => (),
                        }
                    }
                })
            })
            .collect();
        all.into_iter().for_each(|g| g.join().unwrap());
        sleepers.into_iter().for_each(|g| g.join().unwrap());
    });
}

/// A select over several timers and a channel takes what comes first, and leaves the others.
#[test]
fn a_select_takes_the_first_of_several_timers() {
    check(|| {
        let (far, near) = (Timer::new(HOUR), Timer::new(2 * MS));
        let (_s, r) = bounded::<()>(0);
        select! {
            recv(far.c()) -> _ => panic!("an hour has passed"),
            recv(near.c()) -> due => assert!(Instant::now() >= due.unwrap()),
            recv(r) -> _ => panic!("nobody has sent"),
        }
        assert!(far.stop() && !near.stop());
        // One that is moved while the select waits for it.
        let moved = Arc::new(Timer::new(HOUR));
        let theirs = Arc::clone(&moved);
        let waits = spawn(move || {
            select! {
                recv(theirs.c()) -> _ => (),
                recv(after(HOUR)) -> _ => panic!("an hour has passed"),
            }
        });
        sleep(100 * US);
        moved.reset(Duration::ZERO);
        waits.join().unwrap();
    });
}

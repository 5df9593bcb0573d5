//! Go's tests of package time, for tickers. Never early is all that is said about time.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::{Duration, Instant};

use gosched::channel::{RecvTimeoutError, TryRecvError};
use gosched::thread::{sleep, spawn, yield_now};
use gosched::time::{Ticker, Timer, tick};
use support::{check, check_at};

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Go: TestTicker.
#[test]
fn ticks_come_at_whole_periods_and_stop() {
    check(|| {
        for period in [MS, 3 * MS] {
            let start = Instant::now();
            let ticker = Ticker::new(period);
            let mut last = start;
            for _ in 0..5 {
                let due = ticker.c().recv().unwrap();
                assert!(due - last >= period && Instant::now() >= due);
                last = due;
            }
            ticker.reset(2 * period);
            let due = ticker.c().recv().unwrap();
            assert!(due >= start + 2 * period && Instant::now() >= due);
            ticker.stop();
            let silence = ticker.c().recv_timeout(3 * period);
            assert_eq!(silence, Err(RecvTimeoutError::Timeout));
        }
    });
}

/// Go: a slow receiver loses ticks, but the phase is kept; the stamp is the scheduled time
/// (TestTickTimes).
#[test]
fn a_slow_receiver_loses_ticks_and_keeps_the_phase() {
    check(|| {
        let period = 2 * MS;
        let ticker = Ticker::new(period);
        let first = ticker.c().recv().unwrap();
        sleep(11 * MS);
        let woken = Instant::now();
        let second = ticker.c().recv().unwrap();
        assert!(second < woken, "the one that waited, not the next");
        let mut last = second;
        for _ in 0..4 {
            let next = ticker.c().recv().unwrap();
            assert!(next > last);
            assert_eq!((next - first).as_nanos() % period.as_nanos(), 0, "phase");
            last = next;
        }
    });
}

/// Go: TestTickerStress. A fast ticker while the world is stopped over and over.
#[test]
fn a_fast_ticker_and_a_stopping_world() {
    check_at(&[2, 4], support::LIMIT, || {
        let done = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&done);
        let stopper = spawn(move || {
            let procs = gosched::gomaxprocs(0);
            while !flag.load(SeqCst) {
                gosched::gomaxprocs(procs - 1);
                yield_now();
                gosched::gomaxprocs(procs);
                sleep(MS);
            }
        });
        let ticker = Ticker::new(Duration::from_nanos(1));
        assert_eq!(ticker.c().iter().take(100).count(), 100);
        ticker.stop();
        done.store(true, SeqCst);
        stopper.join().unwrap();
    });
}

/// Go: TestTickerConcurrentStress, TestMultiWakeupTicker.
#[test]
fn many_receive_from_one_ticker() {
    check(|| {
        let ticker = Arc::new(Ticker::new(Duration::from_nanos(1)));
        let all: Vec<_> = (0..10)
            .map(|_| {
                let ticker = Arc::clone(&ticker);
                spawn(move || assert_eq!(ticker.c().iter().take(500).count(), 500))
            })
            .collect();
        all.into_iter().for_each(|g| g.join().unwrap());
        ticker.stop();
    });
}

/// Go: TestTeardown.
#[test]
fn a_ticker_is_stopped_at_any_time() {
    check(|| {
        for _ in 0..3 {
            let ticker = Ticker::new(MS);
            ticker.c().recv().unwrap();
            ticker.stop();
            ticker.stop();
            drop(ticker);
            drop(Ticker::new(MS));
        }
    });
}

/// Go: TestNewTickerLtZeroDuration, TestTickerResetLtZeroDuration, TestTick.
#[test]
fn a_period_of_no_time_is_refused() {
    let words = |r: Result<(), Box<dyn std::any::Any + Send>>| {
        *r.unwrap_err().downcast::<&'static str>().unwrap()
    };
    let none = Duration::ZERO;
    let new = catch_unwind(|| drop(Ticker::new(none)));
    assert_eq!(words(new), "non-positive interval for NewTicker");
    let ticker = Ticker::new(HOUR);
    let reset = catch_unwind(|| ticker.reset(none));
    assert_eq!(words(reset), "non-positive interval for Ticker.Reset");
    assert!(tick(none).recv_timeout(MS).is_err(), "never");
    tick(MS).recv().unwrap();
}

/// What Go's TestChan goes through, for timers and tickers in turn.
enum Either {
    Timer(Timer),
    Ticker(Ticker),
}

impl Either {
    fn c(&self) -> &gosched::channel::Receiver<Instant> {
        match self {
            Either::Timer(t) => t.c(),
            Either::Ticker(t) => t.c(),
        }
    }

    /// What a stop or reset should have answered, for the one that answers.
    fn stop(&self, want: bool) {
        match self {
            Either::Timer(t) => assert_eq!(t.stop(), want),
            Either::Ticker(t) => t.stop(),
        }
    }

    fn reset(&self, dur: Duration, want: bool) {
        match self {
            Either::Timer(t) => assert_eq!(t.reset(dur), want),
            Either::Ticker(t) => t.reset(dur),
        }
    }

    fn none(&self) {
        assert_eq!(self.c().try_recv(), Err(TryRecvError::Empty));
    }

    /// Once something is due, without receiving it.
    fn wait_until_due(&self) {
        support::yield_until("due", || !self.c().is_empty());
    }
}

/// Go: TestChan.
#[test]
fn no_stale_message_in_any_order_of_things() {
    check(|| {
        for ticker in [false, true] {
            let t = if ticker {
                Either::Ticker(Ticker::new(HOUR))
            } else {
                Either::Timer(Timer::new(HOUR))
            };
            // Far away, moved, stopped, moved again: nothing comes.
            t.none();
            t.reset(2 * HOUR, true);
            t.none();
            t.stop(true);
            t.none();
            t.reset(HOUR, false);
            t.none();
            // Due, and received.
            t.reset(MS, true);
            t.wait_until_due();
            t.c().recv().unwrap();
            if !ticker {
                t.none();
                t.stop(false);
            }
            // Due, then stopped or moved before it is received.
            t.reset(MS, ticker);
            t.wait_until_due();
            t.stop(true);
            t.none();
            t.reset(MS, false);
            t.wait_until_due();
            t.reset(HOUR, true);
            t.none();
            stop_while_somebody_waits(&t);
        }
    });
}

fn stop_while_somebody_waits(t: &Either) {
    // A receiver that waits sees every change: far to near, near to far, stop, start.
    gosched::thread::scope(|scope| {
        let waits = scope.spawn(|| t.c().recv().unwrap());
        (0..10).for_each(|_| yield_now());
        t.reset(2 * HOUR, true);
        t.stop(true);
        t.reset(HOUR, false);
        t.reset(MS, true);
        waits.join().unwrap();
    });
    t.stop(matches!(t, Either::Ticker(_)));
    t.none();
    // Two waiters, a message for each; a timer has the second one after a reset.
    t.reset(MS, false);
    let received = &AtomicUsize::new(0);
    gosched::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(move || {
                t.c().recv().unwrap();
                received.fetch_add(1, SeqCst);
            });
        }
        support::yield_until("one has received", || received.load(SeqCst) >= 1);
        if let Either::Timer(timer) = t {
            assert_eq!(received.load(SeqCst), 1, "one message for one setting");
            timer.reset(MS);
        }
    });
    t.stop(matches!(t, Either::Ticker(_)));
}

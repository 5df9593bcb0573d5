//! Go's tests of package time, for tickers. Never early is all that is said about time.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
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
            let reset_at = Instant::now();
            let due = ticker.c().recv().unwrap();
            assert!(due + period >= reset_at + period, "{:?}", due - reset_at);
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
        let second = ticker.c().recv().unwrap();
        assert_eq!(second - first, period, "the one that waited");
        for _ in 0..4 {
            let next = ticker.c().recv().unwrap();
            let since = (next - first).as_nanos();
            assert_eq!(since % period.as_nanos(), 0, "out of phase");
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
        (0..100).for_each(|_| drop(ticker.c().recv().unwrap()));
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
                spawn(move || (0..500).for_each(|_| drop(ticker.c().recv().unwrap())))
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
    // Two waiters, one message each.
    t.reset(MS, false);
    gosched::thread::scope(|scope| {
        let one = scope.spawn(|| t.c().recv().unwrap());
        let two = scope.spawn(|| t.c().recv().unwrap());
        if let Either::Timer(timer) = t {
            support::yield_until("one has received", || {
                !timer.reset(MS) || timer_taken(timer)
            });
        }
        one.join().unwrap();
        two.join().unwrap();
    });
    t.stop(matches!(t, Either::Ticker(_)));
}

/// Sets a timer that is pending again: not what a receiver has taken.
fn timer_taken(timer: &Timer) -> bool {
    timer.reset(MS);
    sleep(2 * MS);
    false
}

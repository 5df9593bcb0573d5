//! Tickers: a message for each period. At most one message waits to be received.
//!
//! Go: tick.go Ticker, Tick.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::api::time::timer::{deadline, receiver, timer_chan};
use crate::ext::chan::make::never;
use crate::ext::chan::patience::NEVER;
use crate::ext::chan::receiver::Receiver;
use crate::ext::chan::timer_chan::{Repeat, TimerChan};
use crate::ext::timers::instant::saturated;

/// Sends the instant that is due, period after period. A slow receiver loses ticks, but the
/// phase is kept: the next tick is at a whole number of periods from the first.
///
/// # Examples
/// ```
/// use std::time::{Duration, Instant};
/// use gosched::time::Ticker;
///
/// let period = Duration::from_millis(2);
/// let start = Instant::now();
/// let ticker = Ticker::new(period);
/// let (first, second) = (ticker.c().recv().unwrap(), ticker.c().recv().unwrap());
/// assert!(first - start >= period && second - first >= period);
/// ticker.stop();
/// assert!(ticker.c().try_recv().is_err());
/// ```
///
/// Go: time.Ticker
#[derive(Debug)]
#[doc(alias = "NewTicker")]
pub struct Ticker {
    c: Receiver<Instant>,
    chan: Arc<TimerChan<Instant>>,
}

fn every(period: Duration) -> Repeat {
    Repeat::InPhase(saturated(period))
}

impl Ticker {
    /// A ticker whose first tick comes a `period` from now.
    ///
    /// # Panics
    /// If `period` is zero.
    ///
    /// # Examples
    /// See [`Ticker`].
    ///
    /// Go: time.NewTicker
    #[track_caller]
    #[must_use]
    pub fn new(period: Duration) -> Ticker {
        assert!(!period.is_zero(), "non-positive interval for NewTicker");
        let chan = timer_chan(period, every(period));
        Ticker {
            c: receiver(&chan),
            chan,
        }
    }

    /// Its channel.
    ///
    /// # Examples
    /// See [`Ticker`].
    ///
    /// Go: Ticker.C
    #[must_use]
    pub fn c(&self) -> &Receiver<Instant> {
        &self.c
    }

    /// No tick comes any more, not even one that was due. The channel stays open.
    ///
    /// # Examples
    /// See [`Ticker`].
    ///
    /// Go: Ticker.Stop
    pub fn stop(&self) {
        self.chan.set(NEVER, Repeat::Once);
    }

    /// The next tick comes a `period` from now, and so on; one that was due is gone.
    ///
    /// # Panics
    /// If `period` is zero.
    ///
    /// # Examples
    /// See [`Ticker`].
    ///
    /// Go: Ticker.Reset
    #[track_caller]
    pub fn reset(&self, period: Duration) {
        assert!(!period.is_zero(), "non-positive interval for Ticker.Reset");
        self.chan.set(deadline(period), every(period));
    }
}

/// The channel of a ticker that is never stopped; if `period` is zero, the channel of a ticker
/// that never ticks.
///
/// Unlike [`channel::tick`](crate::channel::tick) it keeps its phase.
///
/// Go: time.Tick
#[must_use]
pub fn tick(period: Duration) -> Receiver<Instant> {
    if period.is_zero() {
        return never();
    }
    receiver(&timer_chan(period, every(period)))
}

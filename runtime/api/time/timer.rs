//! Timers: one message, or one goroutine, later.
//!
//! A channel timer is a deadline beside a channel (`ext/chan/timer_chan.rs`). The timer is in no
//! heap; a goroutine that waits on the channel waits with the deadline. So to stop or reset it
//! takes the channel's lock once, and is exact: the lock decides between a receive and a stop.
//!
//! Go: sleep.go Timer, After, AfterFunc; time.go stopTimer, resetTimer.
#![forbid(unsafe_code)]

use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::api::time::func::Func;
use crate::core::sched::start::assert_started;
use crate::core::sys::clock::Nanos;
use crate::ext::chan::patience::NEVER;
use crate::ext::chan::receiver::{Flavor, Receiver};
use crate::ext::chan::timer_chan::{Repeat, TimerChan};
use crate::ext::timers::instant::nanos_after;

/// One event in the future: a message in its channel, or the start of a function.
///
/// A dropped timer is not stopped: a function still starts, a clone of the channel still gets
/// its message.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use gosched::time::Timer;
///
/// let timer = Timer::new(Duration::from_secs(3600));
/// assert!(timer.reset(Duration::from_millis(1)), "was pending");
/// let due = timer.c().recv().unwrap();
/// assert!(!timer.stop(), "nothing left to stop");
/// # let _ = due;
/// ```
///
/// Go: time.Timer
#[derive(Debug)]
#[doc(alias = "NewTimer")]
pub struct Timer {
    c: Receiver<Instant>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Chan(Arc<TimerChan<Instant>>),
    Func(Arc<Func>),
}

/// A deadline that a channel can have: `NEVER` is its word for none.
pub(crate) fn deadline(after: Duration) -> Nanos {
    nanos_after(after).min(NEVER - 1)
}

/// A timer channel, due after `after`.
pub(crate) fn timer_chan(after: Duration, repeat: Repeat) -> Arc<TimerChan<Instant>> {
    Arc::new(TimerChan::new(deadline(after), repeat, |at| at))
}

pub(crate) fn receiver(chan: &Arc<TimerChan<Instant>>) -> Receiver<Instant> {
    Receiver {
        flavor: Flavor::Timer(Arc::clone(chan)),
    }
}

impl Timer {
    /// A timer that sends the instant it was due, once, after at least `dur`.
    ///
    /// # Examples
    /// See [`Timer`].
    ///
    /// Go: time.NewTimer
    #[must_use]
    pub fn new(dur: Duration) -> Timer {
        let chan = timer_chan(dur, Repeat::Once);
        Timer {
            c: receiver(&chan),
            kind: Kind::Chan(chan),
        }
    }

    /// Its channel. That of a func timer never gets anything.
    ///
    /// # Examples
    /// See [`Timer`].
    ///
    /// Go: Timer.C
    #[must_use]
    pub fn c(&self) -> &Receiver<Instant> {
        &self.c
    }

    /// Stops it. Returns `true` if it was pending (its message not received, its function not
    /// started); nothing comes then. Returns `false` if it had been received, started or stopped
    /// before.
    ///
    /// Does not wait for a function that has started.
    ///
    /// # Examples
    /// See [`Timer`].
    ///
    /// Go: Timer.Stop
    pub fn stop(&self) -> bool {
        match &self.kind {
            Kind::Chan(chan) => chan.set(NEVER, Repeat::Once),
            Kind::Func(func) => func.stop(),
        }
    }

    /// Sets it to `dur` from now, whatever it was before. Returns `true` if it was pending; the
    /// event of that time does not come then.
    ///
    /// A function that has started before may still run when it starts again.
    ///
    /// # Examples
    /// See [`Timer`].
    ///
    /// Go: Timer.Reset
    pub fn reset(&self, dur: Duration) -> bool {
        match &self.kind {
            Kind::Chan(chan) => chan.set(deadline(dur), Repeat::Once),
            Kind::Func(func) => func.reset(nanos_after(dur)),
        }
    }
}

/// A channel that gets one message, the instant it was due, after at least `dur`.
///
/// # Examples
/// ```
/// use std::time::{Duration, Instant};
///
/// let start = Instant::now();
/// let due = gosched::time::after(Duration::from_millis(2)).recv().unwrap();
/// assert!(due - start >= Duration::from_millis(2));
/// ```
///
/// Go: time.After
#[must_use]
pub fn after(dur: Duration) -> Receiver<Instant> {
    receiver(&timer_chan(dur, Repeat::Once))
}

/// Starts `f` in a goroutine of its own after at least `dur`. The timer can stop it, or set it
/// again; dropping it does neither.
///
/// As with [`go`](crate::go), an uncaught panic in `f` ends the process.
///
/// # Panics
/// If the runtime has not been started.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use gosched::time::after_func;
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let (s, r) = gosched::channel::unbounded();
///     let timer = after_func(Duration::from_millis(1), move || s.send("now").unwrap());
///     assert_eq!(r.recv(), Ok("now"));
///     assert!(!timer.reset(Duration::from_millis(1)), "has fired");
///     assert_eq!(r.recv(), Ok("now"));
/// }) };
/// ```
///
/// Go: time.AfterFunc
#[track_caller]
pub fn after_func<F>(dur: Duration, f: F) -> Timer
where
    F: Fn() + Send + Sync + 'static,
{
    assert_started();
    let func = Arc::new(Func::new(Location::caller(), Box::new(f)));
    func.reset(nanos_after(dur));
    Timer {
        c: crate::ext::chan::make::never(),
        kind: Kind::Func(func),
    }
}

//! Making channels. Go: make(chan T, n), time.After, time.Tick.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::ext::chan::hchan::Chan;
use crate::ext::chan::receiver::{Flavor, Receiver};
use crate::ext::chan::sender::Sender;
use crate::ext::chan::timer_chan::{Repeat, TimerChan};
use crate::ext::timers::instant::{nanos_at, saturated};

/// A channel that holds up to `cap` messages; with zero, a send waits for its receive.
///
/// # Panics
/// When the buffer would be larger than memory can be.
///
/// ```
/// let (s, r) = gosched::channel::bounded(0);
/// let sender = std::thread::spawn(move || s.send("from hand to hand"));
/// assert_eq!(r.recv(), Ok("from hand to hand"));
/// assert_eq!(sender.join().unwrap(), Ok(()));
/// ```
#[track_caller]
#[doc(alias = "make")]
#[doc(alias = "chan")]
#[must_use]
pub fn bounded<T>(cap: usize) -> (Sender<T>, Receiver<T>) {
    pair(Some(cap))
}

/// A channel that holds as many messages as memory can: a send never waits.
///
/// ```
/// let (s, r) = gosched::channel::unbounded();
/// (0..1000).for_each(|i| s.send(i).unwrap());
/// assert_eq!((r.len(), r.recv()), (1000, Ok(0)));
/// ```
#[doc(alias = "make")]
#[doc(alias = "chan")]
#[must_use]
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    pair(None)
}

#[track_caller]
fn pair<T>(capacity: Option<usize>) -> (Sender<T>, Receiver<T>) {
    let chan = Arc::new(Chan::new(capacity));
    let receiver = Receiver::of(Arc::clone(&chan));
    (Sender { chan }, receiver)
}

/// A channel that gets one message, the instant of its delivery, after so long. It never
/// disconnects.
///
/// ```
/// use gosched::channel::{after, select, unbounded};
/// use std::time::Duration;
///
/// let (_s, r) = unbounded::<i32>();
/// select! {
///     recv(r) -> _ => unreachable!("nobody sends"),
///     recv(after(Duration::from_millis(5))) -> _ => println!("timed out"),
/// }
/// ```
#[must_use]
pub fn after(duration: Duration) -> Receiver<Instant> {
    Instant::now().checked_add(duration).map_or_else(never, at)
}

/// A channel that gets one message, `when`, at that moment. It never disconnects.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// let when = Instant::now() + Duration::from_millis(5);
/// assert_eq!(gosched::channel::at(when).recv(), Ok(when));
/// assert!(Instant::now() >= when);
/// ```
#[must_use]
pub fn at(when: Instant) -> Receiver<Instant> {
    timer(when, Repeat::Once)
}

/// A channel that gets a message, the instant of its delivery, each time so much has passed.
///
/// It holds one message at most: while that is not taken, no other comes, and the next one
/// comes a `duration` after the taking: as crossbeam-channel's, and unlike
/// [`time::tick`](crate::time::tick), which keeps its phase as Go's does. It never disconnects.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// let start = Instant::now();
/// let ticker = gosched::channel::tick(Duration::from_millis(2));
/// assert_eq!(ticker.iter().take(3).count(), 3);
/// assert!(start.elapsed() >= Duration::from_millis(6));
/// ```
#[must_use]
pub fn tick(duration: Duration) -> Receiver<Instant> {
    let repeat = Repeat::AfterTaking(saturated(duration));
    let first = Instant::now().checked_add(duration);
    first.map_or_else(never, |first| timer(first, repeat))
}

fn timer(first: Instant, repeat: Repeat) -> Receiver<Instant> {
    Receiver {
        flavor: Flavor::Timer(Arc::new(TimerChan::new(nanos_at(first), repeat, |at| at))),
    }
}

/// A channel that no message ever comes from. Go: a nil channel.
///
/// It makes a `select!` case optional:
///
/// ```
/// use gosched::channel::{never, select, unbounded};
///
/// let (s, r) = unbounded();
/// s.send(1).unwrap();
/// let optional: Option<&gosched::channel::Receiver<i32>> = None;
/// select! {
///     recv(r) -> msg => assert_eq!(msg, Ok(1)),
///     recv(optional.unwrap_or(&never())) -> _ => unreachable!(),
/// }
/// ```
#[doc(alias = "nil")]
#[must_use]
pub const fn never<T>() -> Receiver<T> {
    Receiver {
        flavor: Flavor::Never,
    }
}

//! Converts between std's `Instant` and `Duration`, which users see, and the nanoseconds of the
//! runtime.
//!
//! Both are `CLOCK_MONOTONIC`, but an `Instant` does not show its number. One `Instant` is
//! compared with the clock once ([`anchor`]). From then on a conversion is a subtraction: it is
//! exact, always the same, and does not read the clock.
#![forbid(unsafe_code)]

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::core::sys::clock::{Nanos, nanotime};

static ANCHOR: OnceLock<(Instant, Nanos)> = OnceLock::new();

/// The same moment on both clocks. The first call allocates: outside of the runtime.
#[inline]
pub(crate) fn anchor() -> (Instant, Nanos) {
    *ANCHOR.get_or_init(|| {
        let instant = Instant::now();
        let after = nanotime();
        // A std that prints it differently costs the exactness: deadlines get a little late.
        (
            instant,
            printed(instant).filter(|&n| n <= after).unwrap_or(after),
        )
    })
}

/// An instant's number, as its `Debug` form has it: `Instant { tv_sec: 1, tv_nsec: 2 }`.
fn printed(instant: Instant) -> Option<Nanos> {
    let text = format!("{instant:?}");
    let mut numbers = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .map(str::parse::<Nanos>);
    let (sec, nsec) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    sec.checked_mul(1_000_000_000)?.checked_add(nsec)
}

/// An instant on the runtime's clock.
pub(crate) fn nanos_at(when: Instant) -> Nanos {
    let (instant, nanos) = anchor();
    match when.checked_duration_since(instant) {
        Some(later) => nanos.saturating_add(saturated(later)),
        None => nanos.saturating_sub(saturated(instant.duration_since(when))),
    }
}

/// The runtime's clock as an instant; `anchor` says which.
pub(crate) fn instant_at(when: Nanos, anchor: (Instant, Nanos)) -> Instant {
    let (instant, nanos) = anchor;
    match when.checked_sub(nanos) {
        Some(later) => instant + Duration::from_nanos(later),
        None => {
            let earlier = instant.checked_sub(Duration::from_nanos(nanos - when));
            earlier.unwrap_or(instant)
        }
    }
}

/// The time `delay` from now; if that overflows, a time in the far future.
#[inline]
pub(crate) fn nanos_after(delay: Duration) -> Nanos {
    nanotime().saturating_add(saturated(delay))
}

/// 584 years at most.
#[inline]
pub(crate) fn saturated(span: Duration) -> Nanos {
    match span.as_secs().checked_mul(1_000_000_000) {
        Some(nanos) => nanos.saturating_add(u64::from(span.subsec_nanos())),
        None => Nanos::MAX,
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Fails when a new std prints instants differently: then `printed` needs a look.
    #[test]
    fn the_anchor_is_exact() {
        let before = nanotime();
        let number = printed(Instant::now()).expect("an instant prints its number");
        assert!(before <= number && number <= nanotime());
        for _ in 0..1000 {
            let before = nanotime();
            let instant = Instant::now();
            let after = nanotime();
            let nanos = nanos_at(instant);
            assert!(before <= nanos && nanos <= after);
            assert_eq!(instant_at(nanos, anchor()), instant);
        }
    }

    #[test]
    fn the_past_and_the_end_of_time() {
        let second = Duration::from_secs(1);
        let now = Instant::now();
        assert_eq!(nanos_at(now + second) - nanos_at(now), 1_000_000_000);
        assert_eq!(nanos_at(now) - nanos_at(now - second), 1_000_000_000);
        assert_eq!(nanos_after(Duration::MAX), u64::MAX);
        assert_eq!(saturated(Duration::new(2, 3)), 2_000_000_003);
    }
}

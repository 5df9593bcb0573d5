//! Between std's `Instant` and `Duration`, which users see, and nanoseconds, which the runtime
//! counts.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use crate::sys::clock::{Nanos, nanotime};

/// An instant on the runtime's clock, never early. One in the past becomes now, or before.
pub(crate) fn nanos_at(when: Instant) -> Nanos {
    let now = Instant::now();
    let base = nanotime(); // after `now`: the answer is rather too late
    match when.checked_duration_since(now) {
        Some(ahead) => base.saturating_add(saturated(ahead)),
        None => base.saturating_sub(saturated(now.duration_since(when))),
    }
}

/// So long from now; far beyond all counting it is simply far.
pub(crate) fn nanos_after(delay: Duration) -> Nanos {
    nanotime().saturating_add(saturated(delay))
}

/// 584 years at most.
pub(crate) fn saturated(span: Duration) -> Nanos {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_agree_and_the_end_of_time_is_far() {
        let second = Duration::from_secs(1);
        let ahead = nanos_at(Instant::now() + second);
        let after = nanos_after(second);
        assert!(ahead <= after && after - ahead < 1_000_000_000);
        assert_eq!(nanos_after(Duration::MAX), u64::MAX);
    }
}

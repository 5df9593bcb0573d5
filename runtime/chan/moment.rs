//! Between std's `Instant`, which users see, and nanoseconds, which the runtime counts.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use crate::sys::clock::{Nanos, nanotime};

/// An instant on the runtime's clock. One in the past becomes now, or a little before.
pub(crate) fn nanos_at(when: Instant) -> Nanos {
    let now = Instant::now();
    let base = nanotime();
    match when.checked_duration_since(now) {
        Some(ahead) => base.saturating_add(saturated(ahead)),
        None => base.saturating_sub(saturated(now.duration_since(when))),
    }
}

/// So long from now; `None`: past all counting, which is never.
pub(crate) fn nanos_after(delay: Duration) -> Option<Nanos> {
    nanotime().checked_add(u64::try_from(delay.as_nanos()).ok()?)
}

pub(crate) fn saturated(span: Duration) -> Nanos {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_agree() {
        let second = Duration::from_secs(1);
        let ahead = nanos_at(Instant::now() + second);
        let after = nanos_after(second).unwrap();
        assert!(ahead <= after && after - ahead < 1_000_000_000);
        assert_eq!(nanos_after(Duration::MAX), None);
    }
}

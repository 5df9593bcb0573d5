//! A clock that is read in a few nanoseconds: the CPU's own counter, or the system's clock where the
//! counter cannot be trusted.
#![forbid(unsafe_code)]

use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::sys::clock::{Nanos, nanotime};
use crate::ext::linux::arch::{counter, is_steady};

/// The counter of the CPU may be used.
static STEADY: AtomicBool = AtomicBool::new(false);

/// Before the first [`now`]. Reads `/proc`, once.
pub(crate) fn choose() {
    static CHOSEN: OnceLock<()> = OnceLock::new();
    CHOSEN.get_or_init(|| STEADY.store(is_steady(), Relaxed));
}

/// Is the clock the CPU's counter?
#[inline]
pub(crate) fn is_counter() -> bool {
    STEADY.load(Relaxed)
}

/// The counter, where the clock is that: an instruction, and no call in the caller's midst.
#[inline]
pub(crate) fn of_the_cpu() -> u64 {
    counter()
}

/// Ticks since some time long ago.
#[inline]
pub(crate) fn now() -> u64 {
    #[cold]
    #[inline(never)]
    fn of_the_system() -> u64 {
        nanotime()
    }
    match is_counter() {
        true => counter(),
        false => of_the_system(),
    }
}

/// One moment, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) ticks: u64,
    pub(crate) nanos: Nanos,
}

impl Moment {
    pub(crate) fn now() -> Moment {
        Moment {
            ticks: now(),
            nanos: nanotime(),
        }
    }

    /// Nanoseconds from this moment to `ticks`, where the clocks' rates are as they were from this
    /// moment to `later`. 0 for what was before.
    pub(crate) fn nanos_to(&self, ticks: u64, later: &Moment) -> u64 {
        let all_ticks = later.ticks.saturating_sub(self.ticks);
        let all_nanos = later.nanos - self.nanos;
        let since = u128::from(ticks.saturating_sub(self.ticks));
        (since * u128::from(all_nanos) / u128::from(all_ticks.max(1))) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_nanoseconds() {
        choose();
        let first = Moment::now();
        while nanotime() < first.nanos + 2_000_000 {
            std::hint::spin_loop();
        }
        let middle = Moment::now();
        while nanotime() < middle.nanos + 2_000_000 {
            std::hint::spin_loop();
        }
        let last = Moment::now();
        let said = first.nanos_to(middle.ticks, &last);
        let was = middle.nanos - first.nanos;
        // The thread may have been away between the readings of the two clocks.
        assert!(
            said > 0 && said < 2 * (last.nanos - first.nanos),
            "{said} {was}"
        );
        assert_eq!(first.nanos_to(first.ticks, &last), 0);
        assert_eq!(first.nanos_to(last.ticks, &last), last.nanos - first.nanos);
    }
}

//! When a wait with a time-out ends. Waits so long that no clock counts them have no end.
#![forbid(unsafe_code)]

use std::time::Duration;

use crate::core::sys::clock::Nanos;
use crate::ext::timers::instant::nanos_after;

pub(crate) fn deadline_after(timeout: Duration) -> Option<Nanos> {
    Some(nanos_after(timeout)).filter(|&deadline| deadline != Nanos::MAX)
}

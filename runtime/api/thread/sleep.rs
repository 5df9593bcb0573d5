//! Sleeping: only the goroutine's own timer wakes it.
//!
//! Go: time.go timeSleep.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use crate::core::g::wait_reason::WaitReason;
use crate::core::m::enter::enter_to_wait;
use crate::core::sys::clock::Nanos;
use crate::ext::timers::instant::{nanos_after, nanos_at};
use crate::ext::timers::park_until::park_until;

/// Puts the goroutine (or the plain OS thread) to sleep for at least `dur`; others run
/// meanwhile. A zero `dur` returns at once, without giving the CPU up. A `dur` that reaches
/// beyond 146 years sleeps forever.
///
/// # Examples
/// ```
/// use std::time::{Duration, Instant};
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let start = Instant::now();
///     gosched::thread::sleep(Duration::from_millis(2));
///     assert!(start.elapsed() >= Duration::from_millis(2));
/// }) };
/// ```
///
/// Go: time.Sleep
pub fn sleep(dur: Duration) {
    if !dur.is_zero() {
        sleep_nanos(nanos_after(dur));
    }
}

/// Puts the goroutine (or the plain OS thread) to sleep until `deadline`, at least. One that
/// has passed returns at once.
///
/// # Examples
/// ```
/// use std::time::{Duration, Instant};
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let deadline = Instant::now() + Duration::from_millis(2);
///     gosched::thread::sleep_until(deadline);
///     assert!(Instant::now() >= deadline);
/// }) };
/// ```
pub fn sleep_until(deadline: Instant) {
    if deadline > Instant::now() {
        sleep_nanos(nanos_at(deadline));
    }
}

fn sleep_nanos(until: Nanos) {
    let rt = enter_to_wait();
    let g = rt.current();
    let ticket = g.open_round();
    g.announce_park(WaitReason::Sleep);
    park_until(rt, until, ticket, 0);
}

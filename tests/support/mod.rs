//! What tests of the running scheduler share: [`check`] runs a body at 1, 2 and 4 Ps under a
//! watchdog and then looks whether everything is back.
//!
//! A test program says `mod support;` and `use support::check;`.
//!
//! DRAFT, compiled by nobody yet (no test program names it): it is written against names that
//! the facade does not have so far. To agree on:
//! - `gosched::gomaxprocs(n: usize) -> usize`, callable before the first `run`;
//! - `unsafe gosched::run(f) -> R`, which lets a panic of `f` through;
//! - `gosched::dump()`: prints all goroutines to stderr, without a lock that a goroutine holds;
//! - `gosched::metrics() -> Metrics` with `goroutines` (live), `stacks_live` (slots bound to a
//!   goroutine), `threads` (Ms made) and `threads_idle` (Ms in the idle list), all `usize`.

#![allow(dead_code, reason = "each test program uses its part")]
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

pub(crate) mod child;
pub(crate) mod watchdog;

use std::panic::Location;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use watchdog::Watchdog;

/// The numbers of Ps at which every body runs.
pub(crate) const PS: [usize; 3] = [1, 2, 4];

/// How long a body may take at one number of Ps. Generous: a hang waits, nothing else does.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// There is one runtime, and the number of Ps is its: one test at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs `body` as the main goroutine at 1, 2 and 4 Ps.
///
/// After each run: no goroutine is left, every stack is back, no M is lost. The body must
/// promise what `gosched::run` demands: no thread-bound value alive across a suspension.
#[track_caller]
pub(crate) fn check(body: impl Fn() + Send + Sync) {
    check_at(&PS, LIMIT, body);
}

/// As [`check`], at these numbers of Ps and with this limit for each.
#[track_caller]
pub(crate) fn check_at(ps: &[usize], limit: Duration, body: impl Fn() + Send + Sync) {
    let place = Location::caller();
    // A test that failed before this one has told its story.
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let before = gosched::gomaxprocs(ps[0]);
    for &n in ps {
        gosched::gomaxprocs(n);
        let what = format!("the test at {place}, {n} Ps");
        let _dog = Watchdog::new(&what, limit, gosched::dump);
        let start = gosched::metrics();
        // SAFETY: promised by the writer of the test, see `check`.
        unsafe { gosched::run(&body) };
        all_back(&what, &start);
    }
    gosched::gomaxprocs(before);
}

/// A goroutine that has just ended may still be on its way into the free list: wait for it.
fn all_back(what: &str, start: &gosched::Metrics) {
    wait_for(&format!("{what}: goroutines left behind"), || {
        gosched::metrics().goroutines <= start.goroutines
    });
    wait_for(&format!("{what}: stacks not given back"), || {
        gosched::metrics().stacks_live <= start.stacks_live
    });
    wait_for(&format!("{what}: an M that is neither idle nor gone"), || {
        let now = gosched::metrics();
        now.threads == now.threads_idle
    });
}

/// Waits for a condition from a plain thread; fails loudly, with a dump, when it does not come.
#[track_caller]
pub(crate) fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        if Instant::now() >= end {
            gosched::dump();
            panic!("{what}: still, after 20 s");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

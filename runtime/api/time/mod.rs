//! Time for goroutines: sleeping, timers, tickers. Go's package time, as of Go 1.23; durations
//! and instants are std's.
//!
//! A timer's channel is exact: after [`Timer::stop`] or [`Timer::reset`] has returned, no value
//! of the old setting is received, whatever the call returned. A timer or ticker that no
//! goroutine waits for costs nothing while it runs, and need not be stopped.
//!
//! There is no `timeout(d, f)` that ends `f`: a goroutine cannot be ended from outside. Wait for
//! its result with a time-out instead:
//!
//! ```
//! use std::time::Duration;
//! # // SAFETY: nothing here is tied to an OS thread.
//! unsafe { gosched::run(|| {
//!     let (result, answer) = gosched::channel::bounded(1);
//!     gosched::go(move || {
//!         let _ = result.send(6 * 7);
//!     });
//!     assert_eq!(answer.recv_timeout(Duration::from_secs(60)), Ok(42));
//! }) };
//! ```

pub(crate) mod func;
pub(crate) mod timer;
pub(crate) mod ticker;

pub use crate::api::thread::sleep;
pub use crate::thread::sleep_until;
pub use ticker::{Ticker, tick};
pub use timer::{Timer, after, after_func};

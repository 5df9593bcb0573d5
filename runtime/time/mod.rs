//! Time for goroutines: sleeping, timers, tickers. Go's package time, as of Go 1.23.
//!
//! Durations and instants are std's.

mod func;

pub use crate::thread::{sleep, sleep_until};

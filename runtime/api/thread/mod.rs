//! Goroutines with the names of `std::thread`: spawn, join, scope, park, yield.
//!
//! Everything here also works on plain OS threads, where it does what `std::thread` does.

pub(crate) mod panic;
pub(crate) mod last_words;
pub(crate) mod goexit;
pub(crate) mod parker;
pub(crate) mod sleep;
pub(crate) mod foreign_thread;
pub(crate) mod handle;
pub(crate) mod local;
pub(crate) mod join;
pub(crate) mod spawn;
pub(crate) mod scope;

pub use handle::{Thread, ThreadId, current, park, park_timeout, yield_now};
pub use join::{JoinHandle, Result};
pub use local::{AccessError, LocalKey};
pub use scope::{Scope, ScopedJoinHandle, scope};
pub use sleep::{sleep, sleep_until};
pub use spawn::{Builder, spawn};
pub use std::thread::{available_parallelism, panicking};

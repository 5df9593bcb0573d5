//! Goroutines with the names of `std::thread`: spawn, join, scope, park, yield.
//!
//! Everything here also works on plain OS threads, where it does what `std::thread` does.

pub(crate) mod panic;
pub(crate) mod last_words;
pub(crate) mod exit;
pub(crate) mod parker;
mod sleep;
mod plain;
mod handle;
mod local;
mod packet;
mod spawn;
mod scope;
pub(crate) mod lock;
pub(crate) mod go;
mod waitgroup_go;
pub(crate) mod entry;

pub use handle::{Thread, ThreadId, current, park, park_timeout, yield_now};
pub use local::{AccessError, LocalKey};
pub use packet::{JoinHandle, Result};
pub use scope::{Scope, ScopedJoinHandle, scope};
pub use sleep::{sleep, sleep_until};
pub use spawn::{Builder, spawn};
pub use std::thread::{available_parallelism, panicking};

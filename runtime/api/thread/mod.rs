//! Goroutines with the names of `std::thread`: spawn, join, scope, park, yield.
//!
//! Everything here also works on plain OS threads, where it does what `std::thread` does.
//!
//! # Which way to start a goroutine
//!
//! | | for | may it borrow? | who waits | its result | a panic in it |
//! |---|---|---|---|---|---|
//! | [`go`](crate::go) | a task that runs on its own | no | nobody | none | ends the process, as in Go ([`UncaughtPanic`](crate::UncaughtPanic)) |
//! | [`spawn`] | one task with a result | no | [`JoinHandle::join`], `.await` | any value | `join` returns it, as in std |
//! | [`scope`], [`Scope::spawn`] | parts of a task that use the caller's data | yes | the end of the scope, or `join` | any value | `join` returns it; without a `join` the scope panics |
//! | [`WaitGroup::go`](crate::sync::WaitGroup::go) | many of a kind, without results | no; [`go_scoped`](crate::sync::WaitGroup::go_scoped): yes | [`WaitGroup::wait`](crate::sync::WaitGroup::wait) | none | ends the process (scoped: the scope panics) |
//! | [`ErrGroup::go`](crate::sync::ErrGroup::go) | parts of a task that may fail, or of which only so many may run at a time | no; [`go_scoped`](crate::sync::ErrGroup::go_scoped): yes | [`ErrGroup::wait`](crate::sync::ErrGroup::wait) | `Ok`, or the first error, which can cancel a context | is passed on by `wait` |
//!
//! A name or a stack size of its own: [`Builder`]. A function that starts later: [`after_func`](crate::time::after_func).
//!
//! ```
//! use gosched::sync::{Arc, ErrGroup, Mutex, WaitGroup};
//! use gosched::thread::{scope, spawn};
//!
//! # // SAFETY: nothing here is tied to an OS thread.
//! unsafe { gosched::run(|| {
//!     gosched::go(|| ()); // on its own
//!
//!     assert_eq!(spawn(|| 6 * 7).join().unwrap(), 42);
//!
//!     let words = ["to", "be"];
//!     let lengths = scope(|s| words.map(|word| s.spawn(|| word.len()).join().unwrap()));
//!     assert_eq!(lengths, [2, 2]);
//!
//!     let (all, count) = (Arc::new(WaitGroup::new()), Arc::new(Mutex::new(0)));
//!     for _ in 0..3 {
//!         let count = count.clone();
//!         all.go(move || *count.lock().unwrap() += 1);
//!     }
//!     all.wait();
//!     assert_eq!(*count.lock().unwrap(), 3);
//!
//!     let parts = ErrGroup::new();
//!     parts.go(|| Ok(()));
//!     parts.go(|| Err("this part failed".into()));
//!     assert_eq!(parts.wait().unwrap_err().to_string(), "this part failed");
//! }) };
//! ```

#[cfg(not(loom))]
pub(crate) mod panic;
#[cfg(not(loom))]
pub(crate) mod last_words;
#[cfg(not(loom))]
pub(crate) mod goexit;
pub(crate) mod parker;
#[cfg(not(loom))]
pub(crate) mod sleep;
#[cfg(not(loom))]
pub(crate) mod foreign_thread;
#[cfg(not(loom))]
pub(crate) mod handle;
#[cfg(not(loom))]
pub(crate) mod local;
pub(crate) mod join_word;
#[cfg(not(loom))]
pub(crate) mod join;
#[cfg(not(loom))]
pub(crate) mod spawn;
pub(crate) mod scope_count;
#[cfg(not(loom))]
pub(crate) mod scope;

#[cfg(not(loom))]
pub use handle::{Thread, ThreadId, current, park, park_timeout, yield_now};
#[cfg(not(loom))]
pub use join::{JoinHandle, Result};
#[cfg(not(loom))]
pub use local::{AccessError, LocalKey};
#[cfg(not(loom))]
pub use scope::{Scope, ScopedJoinHandle, scope};
#[cfg(not(loom))]
pub use sleep::{sleep, sleep_until};
#[cfg(not(loom))]
pub use spawn::{Builder, spawn};
#[cfg(not(loom))]
pub use std::thread::{available_parallelism, panicking};

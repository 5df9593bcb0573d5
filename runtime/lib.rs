//! gosched: the Go scheduler, in Rust.
//!
//! Goroutines on small growing stacks, mapped M:N onto a work-stealing pool of OS threads, the
//! way the Go runtime does it.
//!
//! ```
//! use gosched::sync::WaitGroup;
//!
//! // SAFETY: nothing in the closure is tied to an OS thread (see `run`).
//! unsafe {
//!     gosched::run(|| {
//!         let h = gosched::thread::spawn(|| 6 * 7);
//!         assert_eq!(h.join().unwrap(), 42);
//!     });
//! }
//! ```
//!
//! There are five ways to start a goroutine: [which one when](thread#which-way-to-start-a-goroutine).
//!
//! # Reading the source
//!
//! `docs/reading.md` says what to read, in which order. `core` is the scheduler, `ext` has the
//! extras, which the scheduler works without, and `api` is the public interface. A file imports
//! only what its folder's `mod.rs` lists above it; of the core, only `core/hooks.rs` names the
//! extras.
//!
//! With `--cfg loom` only the files of the protocol words are compiled, for their models.
//!
#![doc = include_str!("../docs/settings.md")]
#![cfg_attr(
    loom,
    allow(
        dead_code,
        unreachable_pub,
        reason = "only the models use the words then"
    )
)]

mod core;
mod ext;
mod api;
#[cfg(doctest)]
mod book;

#[cfg(not(loom))]
pub use api::builder::{Builder, OnOverflow, UncaughtPanic};
#[cfg(not(loom))]
pub use api::debug::{
    Metrics, dump, gomaxprocs, metrics, num_goroutine, set_default_gomaxprocs, trim,
};
#[cfg(not(loom))]
pub use api::go::go;
#[cfg(not(loom))]
pub use api::os_thread::{blocking, lock_os_thread, unlock_os_thread};
#[cfg(not(loom))]
pub use api::run::run;
pub use api::sync;
#[cfg(not(loom))]
#[doc(hidden)]
pub use api::test_hooks::{__Objects, __in_runtime, __objects};
#[cfg(all(not(loom), any(debug_assertions, gosched_test)))]
#[doc(hidden)]
pub use api::test_hooks::{__inside, __preempt_soon};
#[cfg(not(loom))]
pub use api::thread::goexit::goexit;
#[cfg(not(loom))]
pub use api::{channel, context, future, goroutine, mpsc, stack, thread, time};
#[cfg(not(loom))]
pub use core::stackalloc::StackError;

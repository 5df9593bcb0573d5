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
//! Without the feature `ext` (`--no-default-features`) there is the core alone, with `api/small`. With
//! `--cfg loom` only the files of the protocol words are compiled, for their models.
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
#![cfg_attr(
    not(feature = "ext"),
    allow(dead_code, reason = "some functions of the core are for the extras")
)]

#[cfg(not(target_os = "linux"))]
compile_error!("gosched runs on Linux only");
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!(
    "gosched runs on x86-64 and aarch64 only: the files named for them are what another CPU needs"
);

mod core;
#[cfg(feature = "ext")]
mod ext;
mod api;
#[cfg(all(not(loom), feature = "ext", any(test, fuzzing)))]
#[doc(hidden)]
pub mod fuzz;
#[cfg(doctest)]
mod book;

#[cfg(all(not(loom), feature = "ext"))]
pub use api::builder::{Builder, OnOverflow, UncaughtPanic};
#[cfg(all(not(loom), feature = "ext"))]
pub use api::debug::{
    Metrics, dump, gomaxprocs, metrics, num_goroutine, set_default_gomaxprocs, trim,
};
#[cfg(all(not(loom), feature = "ext"))]
pub use api::go::go;
#[cfg(all(not(loom), feature = "ext"))]
pub use api::goroutines::{GoroutineFrame, GoroutineInfo, GoroutineStatus, goroutines};
#[cfg(all(not(loom), feature = "ext"))]
pub use api::os_thread::{blocking, lock_os_thread, unlock_os_thread};
#[cfg(all(not(loom), feature = "ext"))]
pub use api::run::run;
#[cfg(not(feature = "ext"))]
pub use api::small::run::{go, run};
#[cfg(not(feature = "ext"))]
pub use api::small::thread;
pub use api::sync;
#[cfg(all(not(loom), feature = "ext"))]
#[doc(hidden)]
pub use api::test_hooks::{__Objects, __in_runtime, __left_out, __objects};
#[cfg(all(not(loom), feature = "ext", any(debug_assertions, gosched_test)))]
#[doc(hidden)]
pub use api::test_hooks::{__inside, __preempt_soon, __with_turn_to_stop};
#[cfg(all(not(loom), feature = "ext"))]
pub use api::thread::goexit::goexit;
#[cfg(all(not(loom), feature = "ext"))]
pub use api::{
    channel, context, future, goroutine, io, metrics, mpsc, net, os, process, signal, stack,
    thread, time, trace,
};
#[cfg(all(not(loom), feature = "ext"))]
pub use ext::stackalloc::StackError;

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
//! # Reading the source
//!
//! The modules below are layers, bottom first: each imports only from those above it in this
//! list. Begin with `sched/README.md`, then read `sched/run.rs` and `sched/find.rs`.
//!
//! With `--cfg loom` only the files of the protocol words are compiled, for their models.

#![cfg_attr(
    loom,
    allow(
        dead_code,
        unreachable_pub,
        reason = "only the models use the words then"
    )
)]

mod base;
mod sys;
mod timer;
#[cfg(not(loom))]
mod stacks;
mod g;
#[cfg(not(loom))]
mod queue;
mod p;
mod m;
#[cfg(not(loom))]
mod sched;
pub mod sync;
#[cfg(not(loom))]
mod chan;
#[cfg(not(loom))]
pub mod channel;
#[cfg(not(loom))]
pub mod thread;
#[cfg(not(loom))]
pub mod goroutine;
#[cfg(not(loom))]
pub mod stack;
#[cfg(not(loom))]
pub mod time;
#[cfg(not(loom))]
pub mod mpsc;
#[cfg(not(loom))]
pub mod future;
#[cfg(not(loom))]
pub mod context;
#[cfg(not(loom))]
mod errgroup;
#[cfg(not(loom))]
mod facade;
#[cfg(doctest)]
mod book;

#[cfg(not(loom))]
#[doc(hidden)]
pub use facade::{__Objects, __in_runtime, __inside, __objects, __preempt_soon};
#[cfg(not(loom))]
pub use facade::{
    Metrics, dump, gomaxprocs, metrics, num_goroutine, set_default_gomaxprocs, trim,
};
#[cfg(not(loom))]
pub use stacks::StackError;
#[cfg(not(loom))]
pub use thread::entry::{Builder, OnOverflow, UncaughtPanic, run};
#[cfg(not(loom))]
pub use thread::exit::goexit;
#[cfg(not(loom))]
pub use thread::go::go;
#[cfg(not(loom))]
pub use thread::lock::{blocking, lock_os_thread, unlock_os_thread};

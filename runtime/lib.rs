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

mod base;
mod sys;
mod timer;
mod stacks;
mod g;
mod queue;
mod p;
mod m;
mod sched;
pub mod sync;
pub mod thread;
pub mod stack;
mod facade;

pub use facade::{Metrics, dump, gomaxprocs, metrics, num_goroutine, trim};
pub use stacks::StackError;
pub use thread::entry::{Builder, OnOverflow, UncaughtPanic, run};
pub use thread::exit::goexit;
pub use thread::go::go;
pub use thread::lock::{blocking, lock_os_thread, unlock_os_thread};

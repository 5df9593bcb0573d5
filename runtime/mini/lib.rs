//! mini: an M:N work-stealing green-thread runtime to read in one sitting.
//!
//! Goroutines (**G**) on stacks of their own, run by OS threads (**M**), each with a queue
//! (**P**): the scheduler of Go, in a thousand lines. `docs/mini.md`, the first chapter of the
//! book, explains it block by block. What it does *not* take care of is what the full runtime is
//! for: endless loops, blocking calls, thread-locals, timers, a hundred thousand stacks. The
//! chapter shows how each of them breaks it.
//!
//! ```
//! use gosched_mini::{WaitGroup, go, run};
//! use std::sync::Arc;
//!
//! // SAFETY: the goroutines use no thread-locals.
//! unsafe {
//!     run(|| {
//!         let all = Arc::new(WaitGroup::new());
//!         for _ in 0..10 {
//!             all.add(1);
//!             let all = Arc::clone(&all);
//!             go(move || all.done());
//!         }
//!         all.wait();
//!     });
//! }
//! ```
//!
//! Each file uses only what stands above it here. To read them, follow the chapter: `README.md`
//! has its order.

#![allow(missing_debug_implementations, reason = "to be read")]

mod prim;
mod status;
mod g;
mod p;
mod idle;
mod m;
mod sched;
mod find;
mod spawn;
mod run;
mod waitgroup;
mod mutex;
mod channel;
mod ends;

pub use ends::{Receiver, Sender, TryRecvError, TrySendError, bounded};
pub use mutex::{Mutex, MutexGuard};
pub use run::{run, run_on};
pub use spawn::{JoinHandle, go, spawn, yield_now};
pub use waitgroup::WaitGroup;

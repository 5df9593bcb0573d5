//! What goroutines do themselves: start others, wait for their end, yield, park.
//!
//! The full runtime: `runtime/thread/spawn.rs`, `runtime/thread/packet.rs`,
//! `runtime/sched/park.rs`. Go: proc.go newproc, Gosched, gopark.
#![forbid(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex as ThreadMutex};
use std::thread;

use crate::g::{G, GRef, Switch};
use crate::m::{running, this_g};
use crate::prim::CALM;
use crate::sched::{Sched, enqueue, ready};

// [park]
/// The first of the three steps of every wait: the calling goroutine says that it will park. The
/// second is its caller's: to put the handle where a waker finds it, and to free its locks.
pub(crate) fn announce_park() -> GRef {
    let me = this_g();
    me.status.announce_park();
    me
}

/// The third: off the stack. Returns after `ready`.
pub(crate) fn park() {
    running().suspend(Switch::Park);
}

/// Lets all others go first that are runnable now.
///
/// # Panics
/// On a thread that runs no goroutine.
pub fn yield_now() {
    running().suspend(Switch::Yield);
}
// [/park]

// [spawn]
/// Starts a goroutine that runs `f`. Its panic is printed, as any, and harms nobody else.
///
/// # Panics
/// On a thread that runs no goroutine.
pub fn go(f: impl FnOnce() + Send + 'static) {
    let job = move || drop(catch_unwind(AssertUnwindSafe(f)));
    enqueue(G::new(running().sched, Box::new(job)));
}

/// Starts a goroutine whose value, or panic, can be waited for.
///
/// # Panics
/// On a thread that runs no goroutine.
pub fn spawn<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    spawn_on(running().sched, f, || ())
}

/// `last` is done when the result can be had.
pub(crate) fn spawn_on<T: Send + 'static>(
    sched: &'static Sched,
    f: impl FnOnce() -> T + Send + 'static,
    last: impl FnOnce() + Send + 'static,
) -> JoinHandle<T> {
    let packet = Arc::new(Packet(ThreadMutex::new((None, None))));
    let result = Arc::clone(&packet);
    let job = move || {
        let ended = catch_unwind(AssertUnwindSafe(f));
        let mut packet = result.0.lock().expect(CALM);
        packet.0 = Some(ended);
        let joiner = packet.1.take();
        drop(packet);
        joiner.into_iter().for_each(ready);
        last();
    };
    enqueue(G::new(sched, Box::new(job)));
    JoinHandle(packet)
}

/// Where a goroutine leaves its result, and who waits for it.
struct Packet<T>(ThreadMutex<(Option<thread::Result<T>>, Option<GRef>)>);

/// A goroutine to wait for.
pub struct JoinHandle<T>(Arc<Packet<T>>);

impl<T> JoinHandle<T> {
    /// Waits for its end, and answers its value.
    ///
    /// # Errors
    /// With what it panicked with, as of a thread of std.
    ///
    /// # Panics
    /// On a thread that runs no goroutine.
    pub fn join(self) -> thread::Result<T> {
        let mut packet = self.0.0.lock().expect(CALM);
        if packet.0.is_none() {
            packet.1 = Some(announce_park());
            drop(packet);
            park();
        } else {
            drop(packet);
        }
        self.result()
    }

    /// Of a goroutine that has ended.
    pub(crate) fn result(self) -> thread::Result<T> {
        let result = self.0.0.lock().expect(CALM).0.take();
        result.expect("it has ended")
    }
}
// [/spawn]

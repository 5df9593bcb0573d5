//! `WaitGroup`: waits until a count is zero. The smallest example of a wait.
//!
//! The full runtime: `runtime/sync/waitgroup.rs`. Go: sync/waitgroup.go.
#![forbid(unsafe_code)]

use std::mem::take;
use std::sync::Mutex as ThreadMutex;

use crate::g::GRef;
use crate::prim::CALM;
use crate::sched::ready;
use crate::spawn::{announce_park, park};

// [waitgroup]
/// Counts tasks, and waits until all of them are done. Go: `sync.WaitGroup`.
#[derive(Default)]
pub struct WaitGroup {
    state: ThreadMutex<(isize, Vec<GRef>)>,
}

impl WaitGroup {
    /// A group of no tasks.
    pub fn new() -> WaitGroup {
        WaitGroup::default()
    }

    /// Adds `delta`, which may be negative. At zero all waiters go on.
    ///
    /// # Panics
    /// When the count gets negative.
    pub fn add(&self, delta: isize) {
        let mut state = self.state.lock().expect(CALM);
        let (count, waiters) = &mut *state;
        *count += delta;
        if *count <= 0 {
            let (negative, waiters) = (*count < 0, take(waiters));
            drop(state);
            assert!(!negative, "sync: negative WaitGroup counter");
            waiters.into_iter().for_each(ready);
        }
    }

    /// A task is done.
    ///
    /// # Panics
    /// When the count gets negative.
    pub fn done(&self) {
        self.add(-1);
    }

    /// Waits until the count is zero.
    ///
    /// # Panics
    /// When it has to wait on a thread that runs no goroutine.
    pub fn wait(&self) {
        let mut state = self.state.lock().expect(CALM);
        if state.0 != 0 {
            state.1.push(announce_park());
            drop(state); // from here on we can be woken
            park();
        }
    }
}
// [/waitgroup]

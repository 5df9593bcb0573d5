//! `WaitGroup::go`: a goroutine that the group counts.
//!
//! Go: sync/waitgroup.go Go.
#![forbid(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::api::go::go;
use crate::api::thread::goexit::is_goexit;
use crate::api::thread::panic::uncaught;
use crate::sync::WaitGroup;

impl WaitGroup {
    /// Starts a goroutine that runs `f`, and counts it until it ends, by return or by
    /// [`goexit`](crate::goexit).
    ///
    /// As in Go, a panic in `f` is not a way to be done: it ends the process before
    /// [`wait`](WaitGroup::wait) returns. (With
    /// [`UncaughtPanic`](crate::UncaughtPanic) set to print and go on, it is done after that.)
    ///
    /// # Panics
    /// If the runtime has not been started.
    ///
    /// # Examples
    ///
    /// ```
    /// use gosched::sync::{Arc, Mutex, WaitGroup};
    ///
    /// # // SAFETY: nothing here is tied to an OS thread.
    /// unsafe { gosched::run(|| {
    ///     let (wg, sum) = (Arc::new(WaitGroup::new()), Arc::new(Mutex::new(0)));
    ///     for n in 1..=10 {
    ///         let sum = sum.clone();
    ///         wg.go(move || *sum.lock().unwrap() += n);
    ///     }
    ///     wg.wait();
    ///     assert_eq!(*sum.lock().unwrap(), 55);
    /// }) };
    /// ```
    #[track_caller]
    pub fn go<F>(self: &Arc<Self>, f: F)
    where
        F: FnOnce() + Send + 'static,
    {
        self.add(1);
        let group = Arc::clone(self);
        go(move || {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(f))
                && !is_goexit(&*payload)
            {
                uncaught(payload);
            }
            group.done();
        });
    }
}

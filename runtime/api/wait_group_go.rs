//! `WaitGroup::go` and `go_scoped`: goroutines that the group counts.
//!
//! Go: sync/waitgroup.go Go.
#![forbid(unsafe_code)]

use std::sync::Arc;

use crate::api::go::{go, run_detached};
use crate::sync::WaitGroup;
use crate::thread::Scope;

impl WaitGroup {
    /// Starts a goroutine that runs `f`, and counts it until it ends, by return or by
    /// [`goexit`](crate::goexit).
    ///
    /// As in Go, a panic in `f` is not a way to be done: it ends the process before
    /// [`wait`](WaitGroup::wait) returns. (With
    /// [`UncaughtPanic`](crate::UncaughtPanic) set to print and go on, it is done after that.)
    ///
    /// `f` cannot borrow: nothing makes sure that somebody waits for the group before what it
    /// borrows has gone (the caller may panic, or forget the group). A scope does:
    /// [`go_scoped`](WaitGroup::go_scoped). [Which one when?](crate::thread#which-way-to-start-a-goroutine)
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
            run_detached(f);
            group.done();
        });
    }

    /// As [`go`](WaitGroup::go), for a closure that borrows: the goroutine is one of the scope's
    /// as well, which waits for it whatever becomes of the group.
    ///
    /// Several groups in a scope are several things to wait for before the scope ends.
    ///
    /// A panic in `f` is a way to be done here: the scope passes it on at its end, as it does for
    /// [`Scope::spawn`].
    ///
    /// # Panics
    /// As [`Scope::spawn`].
    ///
    /// # Examples
    ///
    /// ```
    /// use gosched::sync::{Mutex, WaitGroup};
    ///
    /// # // SAFETY: nothing here is tied to an OS thread.
    /// unsafe { gosched::run(|| {
    ///     let (wg, sum) = (WaitGroup::new(), Mutex::new(0));
    ///     gosched::thread::scope(|s| {
    ///         for n in 1..=10 {
    ///             let sum = &sum;
    ///             wg.go_scoped(s, move || *sum.lock().unwrap() += n);
    ///         }
    ///         wg.wait();
    ///         assert_eq!(*sum.lock().unwrap(), 55);
    ///     });
    /// }) };
    /// ```
    #[track_caller]
    pub fn go_scoped<'scope, F>(&'scope self, scope: &'scope Scope<'scope, '_>, f: F)
    where
        F: FnOnce() + Send + 'scope,
    {
        self.add(1);
        let counted = Counted(self);
        scope.spawn(move || {
            let _counted = counted;
            f();
        });
    }
}

/// Done when it is dropped: also by a panic, and when the goroutine cannot be started.
struct Counted<'a>(&'a WaitGroup);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.done();
    }
}

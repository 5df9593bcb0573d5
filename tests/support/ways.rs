//! One body, run on plain OS threads and on goroutines at 1, 2 and 4 Ps.

use std::time::Duration;

use super::check;
use super::watchdog::Watchdog;

/// What `spawn` starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Threads,
    Goroutines,
}

/// Where borrowing tasks are started; all have ended when `Way::scope` returns.
#[derive(Clone, Copy)]
pub(crate) enum Scope<'scope, 'env> {
    Threads(&'scope std::thread::Scope<'scope, 'env>),
    Goroutines(&'scope gosched::thread::Scope<'scope, 'env>),
}

/// Runs `body` both ways.
#[track_caller]
pub(crate) fn both(body: impl Fn(Way) + Send + Sync) {
    {
        let what = format!("{} on threads", std::panic::Location::caller());
        let _dog = Watchdog::new(&what, Duration::from_secs(60), || ());
        body(Way::Threads);
    }
    check(|| body(Way::Goroutines));
}

impl Way {
    pub(crate) fn scope<'env, R>(
        self,
        f: impl for<'scope> FnOnce(Scope<'scope, 'env>) -> R,
    ) -> R {
        match self {
            Way::Threads => std::thread::scope(|s| f(Scope::Threads(s))),
            Way::Goroutines => gosched::thread::scope(|s| f(Scope::Goroutines(s))),
        }
    }

    pub(crate) fn yield_now(self) {
        match self {
            Way::Threads => std::thread::yield_now(),
            Way::Goroutines => gosched::thread::yield_now(),
        }
    }

    pub(crate) fn sleep(self, time: Duration) {
        match self {
            Way::Threads => std::thread::sleep(time),
            Way::Goroutines => gosched::thread::sleep(time),
        }
    }
}

impl<'scope, 'env> Scope<'scope, 'env> {
    pub(crate) fn spawn(self, f: impl FnOnce() + Send + 'scope) {
        // One type: a copy of both `spawn`s for each closure takes long to compile.
        let f: Box<dyn FnOnce() + Send + 'scope> = Box::new(f);
        match self {
            Scope::Threads(s) => drop(s.spawn(f)),
            Scope::Goroutines(s) => drop(s.spawn(f)),
        }
    }
}

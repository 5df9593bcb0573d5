//! A function that starts when a context is done, unless it is stopped before.
//!
//! The first to take the function out of its place decides: a cancellation starts it, a stop
//! drops it.
//!
//! Go: context.go afterFuncCtx.
#![forbid(unsafe_code)]

use std::panic::Location;
use std::sync::PoisonError;

use crate::api::go::go_at;
use crate::sync::Mutex;

type Boxed = Box<dyn FnOnce() + Send>;

pub(crate) struct Func {
    at: &'static Location<'static>,
    f: Mutex<Option<Boxed>>,
}

impl Func {
    pub(crate) fn new(at: &'static Location<'static>, f: Boxed) -> Func {
        Func {
            at,
            f: Mutex::new(Some(f)),
        }
    }

    /// By the cancellation.
    #[track_caller]
    pub(crate) fn start(&self) {
        if let Some(f) = self.take() {
            go_at(self.at, f);
        }
    }

    /// Returns `true` if this call has kept it from starting.
    pub(crate) fn stop(&self) -> bool {
        self.take().is_some()
    }

    fn take(&self) -> Option<Boxed> {
        self.f.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

//! Signals as messages of a channel, with the meanings of Go's os/signal.
//!
//! A program that does nothing has the usual actions: Ctrl-C ends it, Ctrl-\ writes every goroutine and ends it.

pub(crate) mod number;
pub(crate) mod table;
pub(crate) mod notify;

pub use notify::{StopFunc, ignore, ignored, notify, notify_context, reset, stop};
pub use number::Signal;

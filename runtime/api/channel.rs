//! Channels and `select!`, with crossbeam-channel's API and Go's behaviour underneath.
//!
//! A program written for crossbeam-channel needs only its `use` line changed. The differences are
//! additions: [`Sender::close`] is Go's `close`; the goroutine that has waited longest is served
//! first; values go directly from sender to receiver; both goroutines and plain OS threads may
//! wait.
//!
//! ```
//! use gosched::channel::unbounded;
//!
//! let (s, r) = unbounded();
//! s.send("Hello, world!").unwrap();
//! assert_eq!(r.recv(), Ok("Hello, world!"));
//! ```
#![forbid(unsafe_code)]

pub use crate::ext::chan::errors::{
    ReadyTimeoutError, RecvError, RecvTimeoutError, SelectTimeoutError, SendError,
    SendTimeoutError, TryReadyError, TryRecvError, TrySelectError, TrySendError,
};
pub use crate::ext::chan::iter::{IntoIter, Iter, TryIter};
pub use crate::ext::chan::make::{after, at, bounded, never, tick, unbounded};
pub use crate::ext::chan::receiver::Receiver;
pub use crate::ext::chan::select_dynamic::{Select, SelectedOperation};
pub use crate::ext::chan::sender::Sender;

#[doc(inline)]
pub use crate::ext::chan::select_macro::{select, select_biased};

#[doc(hidden)]
pub use crate::ext::chan::internal;

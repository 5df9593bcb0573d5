//! Channels and `select!`, with crossbeam-channel's API and Go's behaviour underneath.
//!
//! A program written for crossbeam-channel needs only its `use` line changed. The differences
//! are additions: [`Sender::close`] is Go's `close`; who waits longest is served first; values
//! go straight from hand to hand; both goroutines and plain threads may wait.
//!
//! ```
//! use gosched::channel::unbounded;
//!
//! let (s, r) = unbounded();
//! s.send("Hello, world!").unwrap();
//! assert_eq!(r.recv(), Ok("Hello, world!"));
//! ```
#![forbid(unsafe_code)]

pub use crate::chan::errors::{
    ReadyTimeoutError, RecvError, RecvTimeoutError, SelectTimeoutError, SendError,
    SendTimeoutError, TryReadyError, TryRecvError, TrySelectError, TrySendError,
};
pub use crate::chan::iter::{IntoIter, Iter, TryIter};
pub use crate::chan::make::{after, at, bounded, never, tick, unbounded};
pub use crate::chan::receiver::Receiver;
pub use crate::chan::select_api::{Select, SelectedOperation};
pub use crate::chan::sender::Sender;

#[doc(inline)]
pub use crate::chan::macros::{select, select_biased};

#[doc(hidden)]
pub use crate::chan::internal;

//! Channels with the API of `std::sync::mpsc`, over those of [`channel`](crate::channel): many
//! senders, one receiver. A program written for std's needs only its `use` line changed.
//!
//! The error types are std's own. This module is also available as
//! [`sync::mpsc`](crate::sync::mpsc).
//!
//! ```
//! use gosched::sync::mpsc;
//!
//! let (tx, rx) = mpsc::channel();
//! for id in 0..3 {
//!     let tx = tx.clone();
//!     std::thread::spawn(move || tx.send(id).unwrap());
//! }
//! drop(tx);
//! assert_eq!(rx.iter().sum::<i32>(), 3); // ends when the last sender has gone
//! ```

pub(crate) mod sender;
pub(crate) mod receiver;
pub(crate) mod iter;
pub(crate) mod make;

pub use iter::{IntoIter, Iter, TryIter};
pub use make::{channel, sync_channel};
pub use receiver::Receiver;
pub use sender::{Sender, SyncSender};
pub use std::sync::mpsc::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};

//! Channels and select: Go's, under crossbeam-channel's names. See `README.md` in this folder.

pub(crate) mod errors;
pub(crate) mod deadline;
pub(crate) mod slot;
pub(crate) mod waitq;
pub(crate) mod ring;
pub(crate) mod blocks;
pub(crate) mod store;
pub(crate) mod locked;
pub(crate) mod hchan;
pub(crate) mod after;
pub(crate) mod send;
pub(crate) mod recv;
pub(crate) mod close;
pub(crate) mod never;
pub(crate) mod timers;
pub(crate) mod sender;
pub(crate) mod receiver;
pub(crate) mod iter;
pub(crate) mod make;
pub(crate) mod port;
pub(crate) mod case;
pub(crate) mod order;
pub(crate) mod select;
pub(crate) mod select_api;
pub(crate) mod internal;
mod macros;

//! The part of a goroutine that its handles keep after it has ended: id, name, and the park
//! token.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU64;

use crate::core::base::owner_cell::{OwnerCell, OwnerRef};
use crate::core::g::goroutine::G;

/// Shared by the goroutine and every `Thread` handle to it.
#[derive(Debug)]
pub(crate) struct Identity {
    /// Filled in by the spawn.
    pub(crate) id: OwnerCell<u64>,
    pub(crate) name: Option<Box<str>>,
    /// `thread::park`'s token, and its waiter: the protocol is in `api/thread/parker.rs`.
    pub(crate) token: AtomicU64,
    pub(crate) waiter: OwnerRef<G>,
}

impl Identity {
    pub(crate) fn new(id: u64, name: Option<Box<str>>) -> Identity {
        Identity {
            id: OwnerCell::<u64>::new(id),
            name,
            token: AtomicU64::new(0),
            waiter: OwnerRef::none(),
        }
    }
}

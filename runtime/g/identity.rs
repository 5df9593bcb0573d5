//! What a handle knows of a goroutine after it has ended: id, name, and the park token.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU32, AtomicU64};

/// Shared by the goroutine and every `Thread` handle to it.
#[derive(Debug)]
pub(crate) struct Identity {
    /// Filled in by the spawn.
    pub(crate) id: AtomicU64,
    pub(crate) name: Option<Box<str>>,
    /// `thread::park`'s token; its protocol is in `thread/parker.rs`.
    pub(crate) token: AtomicU32,
}

impl Identity {
    pub(crate) fn new(id: u64, name: Option<Box<str>>) -> Identity {
        Identity {
            id,
            name,
            token: AtomicU32::new(0),
        }
    }
}

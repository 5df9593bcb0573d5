//! The part of a goroutine that its handles keep after it has ended: id, name, and the park
//! token.
//!
//! One without a name is made when the goroutine, or the holder of its handle, first asks for it. Most
//! goroutines end before.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::core::base::owner_cell::{OwnerCell, OwnerRef};
use crate::core::g::goroutine::G;
use crate::ext::diagnostics::first_made::FirstMade;

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

/// Where a goroutine and its handle find its identity. The goroutine's closure and the handle own it.
#[derive(Debug)]
pub(crate) struct Place {
    /// Filled in by the spawn.
    id: OwnerCell<u64>,
    identity: FirstMade<Arc<Identity>>,
}

impl Place {
    pub(crate) fn new() -> Place {
        Place {
            id: OwnerCell::<u64>::new(0),
            identity: FirstMade::none(),
        }
    }

    /// Before the spawn.
    pub(crate) fn set_name(&self, name: Box<str>) {
        self.identity
            .get_or_make(|| Arc::new(Identity::new(0, Some(name))));
    }

    /// By the spawn.
    pub(crate) fn set_id(&self, id: u64) {
        self.id.set(id);
        if let Some(named) = self.identity.get() {
            named.id.set(id);
        }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id.get()
    }

    /// The identity, if somebody has asked for it, or it has a name.
    pub(crate) fn identity_if_any(&self) -> Option<&Arc<Identity>> {
        self.identity.get()
    }

    /// The identity. After the spawn.
    pub(crate) fn identity(&self) -> &Arc<Identity> {
        self.identity
            .get_or_make(|| Arc::new(Identity::new(self.id(), None)))
    }
}

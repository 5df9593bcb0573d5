//! Stacks of one size, for the core alone: mapped when needed, used again, never given back.
#![allow(unsafe_code, reason = "maps memory")]

use std::sync::atomic::AtomicUsize;

use crate::core::base::owner_cell::{OwnerCell, OwnerRef};
use crate::core::sys::fatal::fatal;
use crate::core::sys::lock::RawLock;
use crate::core::sys::mem::{self, Span};

const SIZE: usize = 256 << 10;

#[derive(Debug)]
pub(crate) struct Slot {
    /// The lowest address; the first page is the guard.
    bottom: usize,
    has_coroutine: OwnerCell<bool>,
    body_sp: AtomicUsize,
    link: OwnerRef<Slot>,
}

pub(crate) type SlotRef = &'static Slot;

/// Guards the list.
static LOCK: RawLock = RawLock::new();
static FREE: OwnerRef<Slot> = OwnerRef::none();

/// The stack that was given last, or a new one.
pub(crate) fn take() -> SlotRef {
    LOCK.lock();
    let free = FREE.get();
    if let Some(slot) = free {
        FREE.set(slot.link.take());
    }
    LOCK.unlock();
    free.unwrap_or_else(map)
}

pub(crate) fn give(slot: SlotRef) {
    LOCK.lock();
    slot.link.set(FREE.get());
    FREE.set(Some(slot));
    LOCK.unlock();
}

fn map() -> SlotRef {
    let Ok(bottom) = mem::reserve(SIZE) else {
        fatal!("no address space for a goroutine's stack");
    };
    let usable = Span::between(bottom + mem::page_size(), bottom + SIZE);
    // SAFETY: just reserved.
    if unsafe { mem::commit(usable) }.is_err() {
        fatal!("no memory for a goroutine's stack");
    }
    Box::leak(Box::new(Slot {
        bottom,
        has_coroutine: OwnerCell::zero(),
        body_sp: AtomicUsize::new(0),
        link: OwnerRef::none(),
    }))
}

impl Slot {
    pub(crate) fn top(&self) -> usize {
        self.bottom + SIZE
    }

    pub(crate) fn limit(&self) -> usize {
        self.bottom + mem::page_size()
    }

    pub(crate) fn has_coroutine(&self) -> bool {
        self.has_coroutine.get()
    }

    pub(crate) fn set_has_coroutine(&self, has: bool) {
        self.has_coroutine.set(has);
    }

    /// Where the shim notes the stack pointer that it calls a body with.
    pub(crate) fn body_sp(&self) -> &AtomicUsize {
        &self.body_sp
    }

    pub(crate) fn set_owner(&self, _tag: usize) {}

    #[inline]
    pub(crate) fn note_sp(&self, _sp: usize) {}
}

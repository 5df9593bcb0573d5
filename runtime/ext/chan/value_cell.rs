//! The place of a value while it is handed over: on the waiter's own stack.
//!
//! One party at a time has the right to write or empty a [`ValueCell`]: its owner while no wait
//! node points to it, and otherwise the waker that caught the node (`README.md#one-hand`). A
//! [`AnyCell`] is a slot for one of several types: the cases of a `Select` share it, because only
//! one of them wins.
//!
//! Go: runtime2.go sudog.elem, chan.go sendDirect, recvDirect.
#![allow(unsafe_code, reason = "moves values by their bytes between stacks")]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::{Cell, UnsafeCell};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use crate::core::sys::fatal::fatal;

/// Room for one value. Dropping it does not drop the value: take it out.
///
/// `full` comes first, so that a slot of any type can be asked.
#[repr(C)]
#[derive(Debug)]
pub struct ValueCell<T> {
    full: Cell<bool>,
    value: UnsafeCell<MaybeUninit<T>>,
}

impl<T> ValueCell<T> {
    pub(crate) fn empty() -> ValueCell<T> {
        ValueCell {
            full: Cell::new(false),
            value: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    pub(crate) fn with(value: T) -> ValueCell<T> {
        ValueCell {
            full: Cell::new(true),
            value: UnsafeCell::new(MaybeUninit::new(value)),
        }
    }

    /// The value, if there is one. Called by the owner, when no wait node points here.
    #[inline]
    pub(crate) fn take(&self) -> Option<T> {
        let value = self.value.get().cast::<T>();
        // SAFETY: `full` tells that the bytes are a T, and it is cleared, so they are one once.
        self.full.replace(false).then(|| unsafe { value.read() })
    }

    #[inline]
    pub(crate) fn put(&self, value: T) {
        if self.full.replace(true) {
            fatal!("a value was put into a full slot");
        }
        let place = self.value.get().cast::<T>();
        // SAFETY: nobody else has a hand on the slot (one-hand).
        unsafe { place.write(value) };
    }

    pub(crate) fn pointer(&self) -> SlotPtr<T> {
        SlotPtr(std::ptr::from_ref(self))
    }

    pub(crate) fn place(&self) -> CellPtr<'_> {
        CellPtr {
            start: std::ptr::from_ref(self).cast(),
            room: Layout::new::<ValueCell<T>>(),
            owner: PhantomData,
        }
    }
}

/// A slot of some type, for code that serves all types: a select's cases.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellPtr<'a> {
    start: *const u8,
    room: Layout,
    owner: PhantomData<&'a Cell<u8>>,
}

impl CellPtr<'_> {
    /// As a slot for a `T`: the code that made the case ensured that it is one.
    #[inline]
    pub(crate) fn typed<T>(self) -> SlotPtr<T> {
        let need = Layout::new::<ValueCell<T>>();
        if need.size() > self.room.size() || need.align() > self.room.align() {
            fatal!("a value does not fit into its place");
        }
        SlotPtr(self.start.cast())
    }

    /// Puts a value in. Called by the owner, when no wait node points here.
    #[inline]
    pub(crate) fn put<T>(self, value: T) {
        // SAFETY: `typed` has checked the room; alive for the owner's lifetime.
        unsafe { self.typed::<T>().slot() }.put(value);
    }
}

/// Leads from a wait node to its slot.
#[derive(Debug)]
pub(crate) struct SlotPtr<T>(*const ValueCell<T>);

impl<T> Clone for SlotPtr<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for SlotPtr<T> {}

impl<T> SlotPtr<T> {
    #[inline]
    pub(crate) fn erase(self) -> *const u8 {
        self.0.cast()
    }

    /// # Safety
    /// `p` came from `erase` of a `SlotPtr<T>`.
    #[inline]
    pub(crate) unsafe fn cooked(p: *const u8) -> SlotPtr<T> {
        SlotPtr(p.cast())
    }

    /// # Safety
    /// The slot is alive and the caller has the right to it (one-hand).
    #[inline]
    pub(crate) unsafe fn slot<'a>(self) -> &'a ValueCell<T> {
        // SAFETY: passed on to the caller.
        unsafe { &*self.0 }
    }
}

const WORDS: usize = 8;

/// A slot for a value of one of several types, chosen later.
#[derive(Debug)]
pub(crate) struct AnyCell {
    small: UnsafeCell<MaybeUninit<[u64; WORDS]>>,
    big: Option<(NonNull<u8>, Layout)>,
}

impl AnyCell {
    /// What a slot of this type needs.
    pub(crate) fn need<T>() -> Layout {
        Layout::new::<ValueCell<T>>()
    }

    /// Room for any of the needs. Allocates when they are large: not in the runtime.
    pub(crate) fn for_any(needs: impl Iterator<Item = Layout>) -> AnyCell {
        let (size, align) = needs.fold((0, 1), |(size, align), need| {
            (need.size().max(size), need.align().max(align))
        });
        let small = size <= WORDS * 8 && align <= 8;
        let big = (!small).then(|| {
            let Ok(layout) = Layout::from_size_align(size.next_multiple_of(align), align)
            else {
                fatal!("no room for a value of {size} bytes");
            };
            // SAFETY: not empty, since it is not small.
            let p = NonNull::new(unsafe { alloc(layout) });
            (p.unwrap_or_else(|| handle_alloc_error(layout)), layout)
        });
        let space = AnyCell {
            small: UnsafeCell::new(MaybeUninit::uninit()),
            big,
        };
        // SAFETY: `full` lies first in a slot of any type, and there is room for a byte.
        unsafe { space.start().cast::<Cell<bool>>().write(Cell::new(false)) };
        space
    }

    fn start(&self) -> *mut u8 {
        match self.big {
            Some((p, _)) => p.as_ptr(),
            None => self.small.get().cast(),
        }
    }

    pub(crate) fn place(&self) -> CellPtr<'_> {
        CellPtr {
            start: self.start(),
            room: self
                .big
                .map_or(Layout::new::<[u64; WORDS]>(), |(_, layout)| layout),
            owner: PhantomData,
        }
    }

    /// The value, if there is one.
    ///
    /// # Safety
    /// The value that was put is a `T`, and no wait node points here any more.
    pub(crate) unsafe fn take<T>(&self) -> Option<T> {
        // SAFETY: `typed` checks the room; alive as `self` is; the caller vouches for T.
        unsafe { self.place().typed::<T>().slot() }.take()
    }
}

impl Drop for AnyCell {
    fn drop(&mut self) {
        if let Some((p, layout)) = self.big {
            // SAFETY: allocated with this layout in `for_any`.
            unsafe { dealloc(p.as_ptr(), layout) };
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_out_once() {
        let slot = ValueCell::empty();
        assert_eq!(slot.take(), None);
        slot.put(String::from("x"));
        assert_eq!(slot.take().as_deref(), Some("x"));
        assert_eq!(slot.take(), None);
    }

    #[test]
    fn a_space_holds_small_large_and_wide_values() {
        #[repr(align(128))]
        #[derive(PartialEq, Debug)]
        struct Wide(u8);
        let all = || {
            [
                AnyCell::need::<u8>(),
                AnyCell::need::<[u64; 50]>(),
                AnyCell::need::<Wide>(),
            ]
            .into_iter()
        };
        let space = AnyCell::for_any(all());
        fn take<T>(space: &AnyCell) -> Option<T> {
            // SAFETY: each call names the type that was put just before.
            unsafe { space.take::<T>() }
        }
        space.place().put([7u64; 50]);
        assert_eq!(take::<[u64; 50]>(&space), Some([7; 50]));
        space.place().put(Wide(3));
        assert_eq!(take::<Wide>(&space), Some(Wide(3)));
        assert_eq!(take::<u8>(&space), None);
        let space = AnyCell::for_any([AnyCell::need::<()>()].into_iter());
        space.place().put(());
        assert_eq!(take::<()>(&space), Some(()));
    }
}

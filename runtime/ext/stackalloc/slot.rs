//! The record of one slot: its place, and its owner. A record is never freed, and never used for
//! anything else.
//!
//! Records are in a table beside the stacks (not in them: a stack's pages come and go) and stay
//! mapped for the life of the process. So a `&'static Slot` is always valid, and since all fields
//! are atomics, using it is safe code. A slot has one user at a time: `take` gives it to one
//! caller, which gives it back once.
//!
//! Fields are `Relaxed`: the hand-over of the slot (the depot's lock, a run queue) orders them.
#![allow(unsafe_code, reason = "turns the link's address back into a reference")]

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::Relaxed};

use crate::core::base::owner_cell::OwnerCell;
use crate::ext::stackalloc::class::Class;

/// Tops are moved down by 0 to 15 cache lines, so that a thousand of them do not fight for
/// the same cache sets: random switching among 1,000 goroutines 36 -> 10 ns (measured).
const STAGGER_STEPS: usize = 16;
const STAGGER_BYTES: usize = 64;

/// What is known of one slot, in 40 bytes: a million of them count. All zeros is a valid
/// record of no slot.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Slot {
    /// The lowest address, where the guard begins, the first of a page. In the bits below: the
    /// class, the stagger, and whether a coroutine lives here.
    place: OwnerCell<usize>,
    owner: OwnerCell<usize>,
    saved_sp: OwnerCell<usize>,
    body_sp: AtomicUsize,
    link: SlotCell,
}

const CLASS_BITS: usize = 0xf;
const STAGGER_SHIFT: u32 = 4;
const STAGGER_BITS: usize = 0xf << STAGGER_SHIFT;
const HAS_COROUTINE: usize = 1 << 8;
const BOTTOM_BITS: usize = !0xfff;

const _: () = assert!(Class::COUNT <= CLASS_BITS + 1);

/// Added to the owner's tag, an address: the slot continues another stack of the owner's.
pub(crate) const SEGMENT_TAG: usize = 1;

/// The reference by which all code holds a slot.
pub(crate) type SlotRef = &'static Slot;

impl Slot {
    /// Writes the record; the region does so once, before another thread can see it. `index`:
    /// among those of its class.
    pub(crate) fn describe(&self, bottom: usize, class: Class, index: usize) {
        debug_assert_eq!(bottom & !BOTTOM_BITS, 0);
        let stagger = (index % STAGGER_STEPS) << STAGGER_SHIFT;
        self.place.set(bottom | stagger | class.number());
    }

    #[inline]
    fn place(&self) -> usize {
        self.place.get()
    }

    #[inline]
    pub(crate) fn class(&self) -> Class {
        Class::from_number(self.place() & CLASS_BITS)
    }

    /// Where a new stack begins (it grows down): aligned to 64, staggered.
    #[inline]
    pub(crate) fn top(&self) -> usize {
        let steps = (self.place() & STAGGER_BITS) >> STAGGER_SHIFT;
        self.end() - steps * STAGGER_BYTES
    }

    /// The lowest usable address: right above the guard.
    #[inline]
    pub(crate) fn limit(&self) -> usize {
        self.bottom() + self.class().guard_bytes()
    }

    /// The lowest address of the slot, where its guard begins.
    #[inline]
    pub(crate) fn bottom(&self) -> usize {
        self.place() & BOTTOM_BITS
    }

    /// One past the highest address of the slot.
    #[inline]
    pub(crate) fn end(&self) -> usize {
        self.bottom() + self.class().slot_bytes()
    }

    /// The tag of its owner; 0: it has none. The report of an overflow shows it.
    #[inline]
    pub(crate) fn owner(&self) -> usize {
        self.owner.peek()
    }

    #[inline]
    pub(crate) fn set_owner(&self, tag: usize) {
        self.owner.set(tag);
    }

    /// A coroutine lives at the top, and what is above its saved stack pointer must survive
    /// recycling and trimming.
    #[inline]
    pub(crate) fn has_coroutine(&self) -> bool {
        self.place() & HAS_COROUTINE != 0
    }

    /// Called by the slot's holder.
    pub(crate) fn set_has_coroutine(&self, has: bool) {
        let bit = if has { HAS_COROUTINE } else { 0 };
        self.place.set(self.place() & !HAS_COROUTINE | bit);
    }

    /// Notes its user's stack pointer when the user leaves it: on this stack, or on one that is
    /// not ours (another library's coroutine): then it is unknown which part of this stack is
    /// alive.
    #[inline]
    pub(crate) fn note_sp(&self, sp: usize) {
        self.saved_sp.set(sp);
    }

    /// The noted stack pointer is not valid any more.
    pub(crate) fn forget_sp(&self) {
        self.saved_sp.set(0);
    }

    /// Nothing below this is alive: the stack pointer of the last switch away from it. `None`: it
    /// is not known, so leave this stack alone. The only way to what was noted, with
    /// [`Slot::live_frames`].
    #[inline]
    pub(crate) fn live_sp(&self) -> Option<usize> {
        let sp = self.saved_sp.get();
        self.holds(sp).then_some(sp)
    }

    /// Where the owner's own frames are, from [`Slot::live_sp`] to where they begin; `None`: not known.
    #[inline]
    pub(crate) fn live_frames(&self) -> Option<(usize, usize)> {
        let (from, to) = (self.saved_sp.get(), self.body_sp.load(Relaxed));
        (self.limit() < from && from <= to && to <= self.end()).then_some((from, to))
    }

    /// Is this a stack pointer on it? (The one above its first word counts.)
    #[inline]
    pub(crate) fn holds(&self, sp: usize) -> bool {
        self.limit() < sp && sp <= self.end()
    }

    /// Where the running goroutine's own frames begin: above are the scheduler's. The entry
    /// shim writes it (`core/g/shim_*.rs`), or who calls on a segment.
    #[inline]
    pub(crate) fn body_sp(&self) -> &AtomicUsize {
        &self.body_sp
    }

    /// In a list, the next slot; it belongs to the list's owner. Out of all lists, the stack that
    /// this one continues (`ext/growth/segment.rs`).
    #[inline]
    pub(crate) fn link(&self) -> Option<SlotRef> {
        self.link.get()
    }

    /// Does it continue another stack of its owner's, or a foreign thread's?
    #[inline]
    pub(crate) fn is_segment(&self) -> bool {
        self.owner() & SEGMENT_TAG != 0
    }

    /// This slot, the slot that it continues, and so on. If the caller does not own them, the
    /// list may be anything, but it ends: a free slot is no segment.
    pub(crate) fn chain(&'static self) -> impl Iterator<Item = SlotRef> {
        let below = |slot: &SlotRef| slot.is_segment().then(|| slot.link()).flatten();
        std::iter::successors(Some(self), below)
    }

    pub(crate) fn same(&self, other: &Slot) -> bool {
        ptr::eq(self, other)
    }

    #[inline]
    pub(crate) fn set_link(&self, next: Option<SlotRef>) {
        self.link.set(next);
    }
}

/// A place for a slot or none, shared between threads under a lock of the caller.
#[derive(Debug)]
pub(crate) struct SlotCell(AtomicPtr<Slot>);

impl SlotCell {
    pub(crate) const fn new() -> SlotCell {
        SlotCell(AtomicPtr::new(ptr::null_mut()))
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<SlotRef> {
        // SAFETY: null, or an address that `set` took from a reference that lives forever.
        unsafe { self.0.load(Relaxed).as_ref() }
    }

    #[inline]
    pub(crate) fn set(&self, slot: Option<SlotRef>) {
        let address = slot.map_or(ptr::null(), ptr::from_ref);
        self.0.store(address.cast_mut(), Relaxed);
    }
}

//! The record of one slot: where it is, who is on it. Never freed, never anything else.
//!
//! Records live in a table beside the stacks (not in them: a stack's pages come and go) and
//! stay mapped for the life of the process. So a `&'static Slot` is always good, and since
//! all fields are atomics, using one is safe code; that a slot has one user at a time is
//! kept by those who pass it on: `take` gives it to one caller, who gives it back once.
//!
//! Fields are `Relaxed`: what orders them is the hand-over (the depot's lock, a run queue).
#![allow(unsafe_code, reason = "turns the link's address back into a reference")]

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::Relaxed};

use crate::stack::class::Class;

/// Tops are moved down by 0 to 15 cache lines, so that a thousand of them do not fight for
/// the same cache sets: random switching among 1,000 goroutines 36 -> 10 ns (measured).
const STAGGER_STEPS: usize = 16;
const STAGGER_BYTES: usize = 64;

/// One cache line about one slot. All zeros is a valid record of no slot.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Slot {
    /// Lowest address, where the guard begins.
    bottom: AtomicUsize,
    /// Index in the class, and the class in the low byte.
    identity: AtomicUsize,
    owner: AtomicUsize,
    ctx: AtomicUsize,
    way_out: AtomicUsize,
    saved_sp: AtomicUsize,
    body_sp: AtomicUsize,
    link: SlotCell,
}

const _: () = assert!(size_of::<Slot>() == 64);

/// How everybody holds a slot.
pub(crate) type SlotRef = &'static Slot;

impl Slot {
    /// Writes the record; the region does so once, before anybody else can see it.
    pub(crate) fn describe(&self, bottom: usize, class: Class, index: usize) {
        self.bottom.store(bottom, Relaxed);
        self.identity.store(index << 8 | class.number(), Relaxed);
    }

    #[inline]
    pub(crate) fn class(&self) -> Class {
        Class::from_number(self.identity.load(Relaxed) & 0xff)
    }

    /// The number of this slot among those of its class.
    #[inline]
    pub(crate) fn index(&self) -> usize {
        self.identity.load(Relaxed) >> 8
    }

    /// Where a new stack begins (it grows down): aligned to 16, staggered.
    #[inline]
    pub(crate) fn top(&self) -> usize {
        self.end() - self.index() % STAGGER_STEPS * STAGGER_BYTES
    }

    /// The lowest usable address: right above the guard.
    #[inline]
    pub(crate) fn limit(&self) -> usize {
        self.bottom() + self.class().guard_bytes()
    }

    /// The lowest address of the slot, where its guard begins.
    #[inline]
    pub(crate) fn bottom(&self) -> usize {
        self.bottom.load(Relaxed)
    }

    /// One past the highest address of the slot.
    #[inline]
    pub(crate) fn end(&self) -> usize {
        self.bottom() + self.class().slot_bytes()
    }

    /// The tag of the goroutine that is on it; 0: none. The report of an overflow shows it.
    #[inline]
    pub(crate) fn owner(&self) -> usize {
        self.owner.load(Relaxed)
    }

    #[inline]
    pub(crate) fn set_owner(&self, tag: usize) {
        self.owner.store(tag, Relaxed);
    }

    /// The context switch's own word; nonzero: an idle coroutine lives on this stack, and
    /// what is above its saved stack pointer must survive recycling and trimming.
    #[inline]
    pub(crate) fn ctx(&self) -> usize {
        self.ctx.load(Relaxed)
    }

    #[inline]
    pub(crate) fn set_ctx(&self, word: usize) {
        self.ctx.store(word, Relaxed);
    }

    /// The context switch's second word: what a coroutine on this stack leaves it by.
    #[inline]
    pub(crate) fn way_out(&self) -> usize {
        self.way_out.load(Relaxed)
    }

    #[inline]
    pub(crate) fn set_way_out(&self, word: usize) {
        self.way_out.store(word, Relaxed);
    }

    /// The stack pointer of the coroutine when it was last switched away from.
    #[inline]
    pub(crate) fn saved_sp(&self) -> usize {
        self.saved_sp.load(Relaxed)
    }

    #[inline]
    pub(crate) fn set_saved_sp(&self, sp: usize) {
        self.saved_sp.store(sp, Relaxed);
    }

    /// Where the running goroutine's own frames begin: above are the scheduler's. The entry
    /// shim writes it (`g/shim_*.rs`).
    #[inline]
    pub(crate) fn body_sp(&self) -> &AtomicUsize {
        &self.body_sp
    }

    /// The next slot in the list that this one is in. It belongs to the list's owner.
    #[inline]
    pub(crate) fn link(&self) -> Option<SlotRef> {
        self.link.get()
    }

    #[inline]
    pub(crate) fn set_link(&self, next: Option<SlotRef>) {
        self.link.set(next);
    }
}

/// A place for a slot or none, shared between threads under somebody's lock.
#[derive(Debug)]
pub(crate) struct SlotCell(AtomicPtr<Slot>);

impl SlotCell {
    pub(crate) const fn new() -> SlotCell {
        SlotCell(AtomicPtr::new(ptr::null_mut()))
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<SlotRef> {
        // SAFETY: null, or an address that `set` took from a reference that lives for ever.
        unsafe { self.0.load(Relaxed).as_ref() }
    }

    #[inline]
    pub(crate) fn set(&self, slot: Option<SlotRef>) {
        let address = slot.map_or(ptr::null(), ptr::from_ref);
        self.0.store(address.cast_mut(), Relaxed);
    }
}

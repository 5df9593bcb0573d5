//! A goroutine's identity, reached through its G: by a dump, or by the goroutine itself.
//!
//! Invariant: `G::identity` is 0, or owns one count of its `Arc`, or is the address of a `Place`, plus
//! one. Other threads borrow the identity, and the end of the goroutine takes it away, only under
//! `G::identity_lock`. To the place goes only the goroutine itself, before `leave_place`: its closure
//! keeps the place.
#![allow(unsafe_code, reason = "an Arc kept as a word in the G")]

use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::core::g::goroutine::{G, GRef};
use crate::core::m::enter::enter;
use crate::ext::diagnostics::identity::{Identity, Place};

/// Set in `G::identity` if the rest is the address of a place.
const AT_PLACE: usize = 1;

/// The identity at a value of `G::identity`, if it is one.
fn pointer(word: usize) -> *const Identity {
    match word & AT_PLACE {
        0 => word as *const Identity,
        _ => ptr::null(),
    }
}

/// Reports show this much of a name.
const SHOWN: usize = 64;
/// How often a report tries to get at a name. Its goroutine may be in a signal handler with the
/// lock held: better no name than no report.
const TRIES: u32 = 1_000;

/// Calls `f` with (the first bytes of) the name. In any context: allocates nothing, and `f`
/// runs outside of the runtime and without a lock.
pub(crate) fn with_name<R>(g: &G, f: impl FnOnce(Option<&str>) -> R) -> R {
    let mut buffer = [0; SHOWN];
    let len = copy_name(g, &mut buffer);
    let name = len.and_then(|len| std::str::from_utf8(&buffer[..len]).ok());
    f(name)
}

fn copy_name(g: &G, to: &mut [u8; SHOWN]) -> Option<usize> {
    let rt = enter();
    if !(0..TRIES).any(|_| g.identity_lock.try_lock()) {
        return None;
    }
    // Acquire pairs(identity): put_identity's Release.
    let raw = pointer(g.identity.load(Acquire));
    // SAFETY: null, or alive while the lock is held.
    let name = unsafe { raw.as_ref() }.and_then(|i| i.name.as_deref());
    let len = name.map(|name| {
        let len = name.floor_char_boundary(SHOWN);
        to[..len].copy_from_slice(&name.as_bytes()[..len]);
        len
    });
    g.identity_lock.unlock();
    drop(rt);
    len
}

/// As [`with_name`], for a caller that must not wait and does not enter the runtime: nothing if
/// the lock is held.
///
/// The caller cannot be preempted: it is in a signal handler, or on a foreign thread.
pub(crate) fn try_with_name<R>(g: &G, f: impl FnOnce(Option<&str>) -> R) -> Option<R> {
    if !g.identity_lock.try_lock() {
        return None;
    }
    // Acquire pairs(identity): put_identity's Release.
    let raw = pointer(g.identity.load(Acquire));
    // SAFETY: null, or alive while the lock is held.
    let identity = unsafe { raw.as_ref() };
    let result = f(identity.and_then(|i| i.name.as_deref()));
    g.identity_lock.unlock();
    Some(result)
}

/// The calling goroutine's identity, if it has one.
pub(crate) fn identity_of(g: GRef) -> Option<Arc<Identity>> {
    borrow_if_any(g).map(|identity| Arc::clone(&identity))
}

/// The calling goroutine's identity; made now if it has none.
pub(crate) fn my_identity(g: GRef) -> Arc<Identity> {
    Arc::clone(&borrow_identity(g))
}

/// As `my_identity`, without a count of its own: for use until the goroutine's end at most.
pub(crate) fn borrow_identity(g: GRef) -> ManuallyDrop<Arc<Identity>> {
    let word = g.identity.load(Relaxed);
    if pointer(word).is_null() {
        let mine = match (word & !AT_PLACE) as *const Place {
            place if place.is_null() => Arc::new(Identity::new(g.id(), None)),
            // SAFETY: put there by the spawn, whose caller promised that it lives until `leave_place`.
            place => Arc::clone(unsafe { &*place }.identity()),
        };
        put_identity(g, mine);
    }
    let raw = g.identity.load(Relaxed) as *const Identity;
    // SAFETY: only the goroutine itself takes its identity away, and that is us.
    ManuallyDrop::new(unsafe { Arc::from_raw(raw) })
}

/// The same, if the calling goroutine has one.
#[inline]
pub(crate) fn borrow_if_any(g: GRef) -> Option<ManuallyDrop<Arc<Identity>>> {
    (!pointer(g.identity.load(Relaxed)).is_null()).then(|| borrow_identity(g))
}

/// Gives a goroutine that is not yet started its number, and a place where its identity is, or will be.
///
/// # Safety
/// The place lives until the goroutine calls [`leave_place`], or runs no more code of the user's before
/// that.
#[inline]
pub(crate) unsafe fn put_place(g: &G, id: u64, place: &Place) {
    place.set_id(id);
    match place.identity_if_any() {
        Some(named) => put_identity(g, Arc::clone(named)),
        None => g
            .identity
            .store(ptr::from_ref(place).addr() | AT_PLACE, Relaxed),
    }
}

/// The calling goroutine's place goes away.
#[inline]
pub(crate) fn leave_place(g: GRef) {
    if pointer(g.identity.load(Relaxed)).is_null() {
        g.identity.store(0, Relaxed);
    }
}

/// Gives a goroutine (one's own, or one not yet started) its identity.
pub(crate) fn put_identity(g: &G, identity: Arc<Identity>) {
    // Release pairs(identity): the Acquires of those who look from outside. It needs no lock: only taking it away does.
    g.identity.store(Arc::into_raw(identity).addr(), Release);
}

/// At the goroutine's end: its identity, if it ever had one.
pub(crate) fn take_identity(g: GRef) -> Option<Arc<Identity>> {
    if g.identity.load(Relaxed) == 0 {
        return None; // nobody has asked for one; `leave_place` came before
    }
    let rt = enter();
    let lock = rt.lock(&g.identity_lock);
    let raw = g.identity.swap(0, Relaxed) as *const Identity;
    drop(lock);
    drop(rt);
    // SAFETY: stored by `Arc::into_raw`, and taken only here, once.
    Some(unsafe { Arc::from_raw(raw) })
}

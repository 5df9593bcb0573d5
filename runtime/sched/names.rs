//! A goroutine's identity, reached through its G: by dumps from outside, by itself from inside.
//!
//! Invariant: `G::identity` owns one count of its `Arc`; it is taken and borrowed only under
//! `G::identity_lock`.
#![allow(unsafe_code, reason = "an Arc kept as a word in the G")]

use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::g::goroutine::{G, GRef};
use crate::g::identity::Identity;
use crate::m::enter::enter;

/// Calls `f` with the name; the goroutine cannot end meanwhile. `f` writes and returns.
pub(crate) fn with_name<R>(g: &G, f: impl FnOnce(Option<&str>) -> R) -> R {
    let rt = enter();
    let _lock = rt.lock(&g.identity_lock);
    let raw = g.identity.load(Relaxed) as *const Identity;
    // SAFETY: null, or alive while the lock is held.
    let identity = unsafe { raw.as_ref() };
    f(identity.and_then(|i| i.name.as_deref()))
}

/// As [`with_name`], for who must not wait and does not enter: nothing if the lock is held.
///
/// The caller cannot be preempted: it is in a signal handler, or on a plain thread.
pub(crate) fn try_with_name<R>(g: &G, f: impl FnOnce(Option<&str>) -> R) -> Option<R> {
    if !g.identity_lock.try_lock() {
        return None;
    }
    let raw = g.identity.load(Relaxed) as *const Identity;
    // SAFETY: null, or alive while the lock is held.
    let identity = unsafe { raw.as_ref() };
    let result = f(identity.and_then(|i| i.name.as_deref()));
    g.identity_lock.unlock();
    Some(result)
}

/// The calling goroutine's identity, if it has one.
pub(crate) fn identity_of(g: GRef) -> Option<Arc<Identity>> {
    (g.identity.load(Relaxed) != 0).then(|| my_identity(g))
}

/// The calling goroutine's identity; made now if it has none.
pub(crate) fn my_identity(g: GRef) -> Arc<Identity> {
    if g.identity.load(Relaxed) == 0 {
        let fresh = Arc::new(Identity::new(g.id(), None));
        put_identity(g, fresh);
    }
    let raw = g.identity.load(Relaxed) as *const Identity;
    // SAFETY: only the goroutine itself takes its identity away, and that is us.
    let mine = ManuallyDrop::new(unsafe { Arc::from_raw(raw) });
    Arc::clone(&mine)
}

/// Gives a goroutine (one's own, or one not yet started) its identity.
pub(crate) fn put_identity(g: &G, identity: Arc<Identity>) {
    let rt = enter();
    let _lock = rt.lock(&g.identity_lock);
    g.identity.store(Arc::into_raw(identity).addr(), Relaxed);
}

/// At the goroutine's end: its identity, if it ever had one.
pub(crate) fn take_identity(g: GRef) -> Option<Arc<Identity>> {
    if g.identity.load(Relaxed) == 0 {
        return None;
    }
    let rt = enter();
    let lock = rt.lock(&g.identity_lock);
    let raw = g.identity.swap(0, Relaxed) as *const Identity;
    drop(lock);
    drop(rt);
    // SAFETY: stored by `Arc::into_raw`, and taken only here, once.
    Some(unsafe { Arc::from_raw(raw) })
}

//! A function that starts later: a goroutine is prepared when the timer is armed, and becomes
//! runnable when the timer is due, so expiry needs no allocation.
//!
//! `pending` is the prepared goroutine, from its arming until it has been stopped or has started.
//! While `pending` is set, the holder of the lock is the hand of that goroutine's timer
//! (`ext/timers/README.md#hand-and-keeper`). The goroutine itself takes the lock and clears
//! `pending` before it does anything else.
//!
//! Go: sleep.go AfterFunc, goFunc.
#![allow(
    unsafe_code,
    reason = "hands the closure to the scheduler, whose contract it keeps"
)]

use std::panic::Location;
use std::sync::Arc;

use crate::api::go::run_detached;
use crate::core::base::owner_cell::OwnerRef;
use crate::core::g::goroutine::{G, GRef};
use crate::core::m::enter::enter;
use crate::core::sys::clock::Nanos;
use crate::core::sys::lock::RawLock;
use crate::ext::kind::Kind;
use crate::ext::life::{Birth, forget, prepare};
use crate::ext::timers::last_awake::check_if_last;
use crate::ext::timers::sched_timers::{BIRTH, arm, rearm};

/// What a func timer's handles and its pending goroutine share.
pub(crate) struct Func {
    lock: RawLock,
    /// Under the lock.
    pending: OwnerRef<G>,
    at: &'static Location<'static>,
    f: Box<dyn Fn() + Send + Sync>,
}

impl Func {
    pub(crate) fn new(at: &'static Location<'static>, f: Box<dyn Fn() + Send + Sync>) -> Func {
        Func {
            lock: RawLock::new(),
            pending: OwnerRef::none(),
            at,
            f,
        }
    }

    /// Starts it at `when`. Returns `true` if it was pending; now it is for the new time only.
    pub(crate) fn reset(self: &Arc<Func>, when: Nanos) -> bool {
        let mut fresh: Option<GRef> = None;
        loop {
            let rt = enter();
            let guard = rt.lock(&self.lock);
            let pending = self.pending.get();
            if pending.is_some_and(|g| rearm(&g.timer, when)) {
                drop(guard);
                drop(rt);
                if let Some(unused) = fresh {
                    forget_fresh(unused);
                }
                return true;
            }
            if let Some(g) = fresh.take() {
                g.timer.set(g, BIRTH);
                self.pending.set(Some(g));
                arm(&rt, &g.timer, when);
                return false;
            }
            drop(guard);
            drop(rt);
            fresh = Some(self.prepare()); // allocates
        }
    }

    /// Returns `true` if it was pending; it does not start then.
    pub(crate) fn stop(&self) -> bool {
        let rt = enter();
        let guard = rt.lock(&self.lock);
        let stopped = self.pending.get().filter(|g| g.timer.disarm());
        if stopped.is_some() {
            self.pending.set(None);
        }
        drop(guard);
        let on_thread = rt.m().is_none();
        drop(rt);
        let Some(g) = stopped else { return false };
        forget_fresh(g);
        if on_thread {
            check_if_last(); // an M may sleep for what was the last timer
        }
        true
    }

    fn prepare(self: &Arc<Func>) -> GRef {
        let this = Arc::clone(self);
        let birth = Birth {
            at: self.at,
            class: None,
            kind: Kind::Goroutine,
            place: None,
        };
        let body = move || {
            this.started();
            run_detached(|| (this.f)());
        };
        // SAFETY: the closure owns what it uses, an Arc's size; the body catches its panics.
        unsafe { prepare(&birth, body) }
    }

    /// By the goroutine, before all else: its timer is its own from here on.
    fn started(&self) {
        let rt = enter();
        let me = rt.current();
        let _guard = rt.lock(&self.lock);
        if self.pending.get().is_some_and(|g| g.same(me)) {
            self.pending.set(None);
        }
    }
}

/// A prepared goroutine that no other code refers to: it is unused, or its timer was stopped in
/// time.
fn forget_fresh(g: GRef) {
    // SAFETY: it comes from `prepare`; its timer is not armed, so nobody starts it.
    unsafe { forget(g) };
}

impl std::fmt::Debug for Func {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Func(at {})", self.at)
    }
}

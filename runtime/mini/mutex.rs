//! `Mutex`: fast while nobody has waited for long, fair from then on.
//!
//! *Normal*: an unlock wakes the first waiter, which competes with whoever comes by, and waits
//! again, in front, if it loses. *Starving*: once a waiter has waited for a millisecond, every
//! unlock hands the mutex to the first waiter, until none of them has waited so long.
//!
//! The full runtime: `runtime/sync/rawmutex.rs`. Go: internal/sync/mutex.go.
#![allow(unsafe_code, reason = "lends what the mutex guards")]

use std::cell::UnsafeCell;
use std::collections::VecDeque;
use std::mem::take;
use std::ops::{Deref, DerefMut};
use std::sync::Mutex as ThreadMutex;
use std::time::{Duration, Instant};

use crate::g::GRef;
use crate::prim::CALM;
use crate::sched::ready;
use crate::spawn::{announce_park, park};

// [mutex]
/// How long a waiter is patient.
const PATIENCE: Duration = Duration::from_millis(1);

/// A lock around a value. It blocks goroutines, not threads, and knows no poison. Go:
/// `sync.Mutex`.
#[derive(Default)]
pub struct Mutex<T> {
    state: ThreadMutex<State>,
    value: UnsafeCell<T>,
}

/// Held for some instructions, and never over a wait.
#[derive(Default)]
struct State {
    locked: bool,
    /// A waiter was woken and has not come yet: nobody else is woken.
    woken: bool,
    /// Locked already, for the woken one, which has not come yet.
    handed: bool,
    /// A waiter has lost its patience: unlocks hand over.
    starving: bool,
    waiters: VecDeque<GRef>,
}

impl<T> Mutex<T> {
    /// Waits until nobody holds it; holds it until the guard is dropped.
    ///
    /// # Panics
    /// When it has to wait on a thread that runs no goroutine.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        let mut since = None;
        loop {
            let mut state = self.state();
            if since.is_some() {
                state.woken = false; // it was me
            }
            let impatient = since.is_some_and(|since: Instant| since.elapsed() > PATIENCE);
            if since.is_some() && take(&mut state.handed) {
                state.starving = impatient && !state.waiters.is_empty();
                return MutexGuard(self);
            }
            if !state.locked {
                state.locked = true;
                return MutexGuard(self);
            }
            state.starving |= impatient;
            let me = announce_park();
            match since {
                None => state.waiters.push_back(me),
                Some(_) => state.waiters.push_front(me),
            }
            drop(state);
            since.get_or_insert_with(Instant::now);
            park();
        }
    }

    fn unlock(&self) {
        let mut state = self.state();
        state.handed = state.starving && !state.waiters.is_empty();
        state.locked = state.handed;
        if !state.woken
            && let Some(waiter) = state.waiters.pop_front()
        {
            state.woken = true;
            drop(state);
            ready(waiter);
        }
    }
}
// [/mutex]

impl<T> Mutex<T> {
    /// Unlocked.
    pub fn new(value: T) -> Mutex<T> {
        Mutex {
            state: ThreadMutex::default(),
            value: UnsafeCell::new(value),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect(CALM)
    }
}

// SAFETY: one goroutine at a time has the value, and it may be on any thread.
unsafe impl<T: Send> Sync for Mutex<T> {}

/// While it lives, its goroutine holds the mutex.
pub struct MutexGuard<'a, T>(&'a Mutex<T>);

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: we hold the mutex.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: we hold the mutex.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        self.0.unlock();
    }
}

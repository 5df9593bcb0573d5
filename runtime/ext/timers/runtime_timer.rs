//! A timer: its word, and the goroutine that it wakes.
//!
//! Each G contains a timer, and Gs are never freed, so a heap may keep a timer that was stopped.
//! `ext/timers/timer_state.rs` says who may write what (*hand*, *keeper*).
//!
//! Go: time.go timer.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::core::base::atomic_ref::AtomicRef;
use crate::core::base::owner_cell::{OwnerCell, OwnerRef};
use crate::core::sys::clock::Nanos;
use crate::core::sys::fatal::fatal;
use crate::ext::timers::expired::Expired;
use crate::ext::timers::timer_state::{Seen, TimerState};
use crate::ext::timers::wake_time::WakeTime;

/// See the file's header. `W` is the type that it wakes: a goroutine, in the runtime.
pub(crate) struct RuntimeTimer<W: 'static> {
    pub(crate) word: TimerState,
    /// The key that the heap has sorted it by, while the word says *modified*. Hand.
    key: AtomicU64,
    /// The heap that it is in, or was in last. Written by the thread that puts it into a heap,
    /// before the word says so.
    home: AtomicRef<WakeTime>,
    /// Handed to the code that acts on the expiry. Written by the hand, while the timer is not
    /// armed.
    data: OwnerCell<u64>,
    who: OwnerRef<W>,
}

/// What `rearm` has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Rearm {
    /// It is in no heap: put it into one.
    NotHeaped,
    Done {
        was_armed: bool,
        /// No M was going to look this early.
        earlier: bool,
    },
}

impl<W: Sync> RuntimeTimer<W> {
    pub(crate) fn new() -> RuntimeTimer<W> {
        RuntimeTimer {
            word: TimerState::new(),
            key: AtomicU64::new(0),
            home: AtomicRef::none(),
            data: OwnerCell::zero(),
            who: OwnerRef::none(),
        }
    }

    /// Hand, not armed: whom it is for, and what to hand over when it is due.
    #[inline]
    pub(crate) fn set(&self, who: &'static W, data: u64) {
        debug_assert!(!self.is_armed());
        self.who.set(Some(who));
        self.data.set(data);
    }

    /// Neither fired nor stopped since it was last armed.
    #[inline]
    pub(crate) fn is_armed(&self) -> bool {
        self.word.load().is_armed()
    }

    /// Hand: stops it. Returns `true` if it was armed; it does not fire any more.
    pub(crate) fn disarm(&self) -> bool {
        let was = self.word.disarm();
        if was.is_armed() {
            self.remember_key(was);
            self.home().count_zombie(true);
        }
        was.is_armed()
    }

    /// Hand: a new time, if it is still in a heap, armed or not.
    pub(crate) fn rearm(&self, when: Nanos) -> Rearm {
        let Ok(was) = self.word.rearm(when) else {
            return Rearm::NotHeaped;
        };
        self.remember_key(was);
        let home = self.home();
        if was.is_zombie() {
            home.count_zombie(false);
        }
        // A later time than its key needs no note: the heap looks at it when the key is due.
        let earlier = when < self.key.load(Relaxed) && home.note_moved(when);
        Rearm::Done {
            was_armed: was.is_armed(),
            earlier,
        }
    }

    /// Hand: a new time if it is armed; then, whether nobody was going to look this early. `None`
    /// if it is not armed.
    pub(crate) fn rearm_armed(&self, when: Nanos) -> Option<bool> {
        let was = self.word.rearm_armed(when)?;
        self.remember_key(was);
        Some(when < self.key.load(Relaxed) && self.home().note_moved(when))
    }

    /// Sorted means that the key was the time.
    fn remember_key(&self, was: Seen) {
        if !was.is_modified() {
            self.key.store(was.when(), Relaxed);
        }
    }

    /// Read after a change of the word, which has ordered it (`README.md#hand-and-keeper`).
    fn home(&self) -> &'static WakeTime {
        // Acquire pairs(timer-home): set_home's Release.
        match self.home.load(Acquire) {
            Some(home) => home,
            None => fatal!("timer in no heap"),
        }
    }

    /// Called by the thread that puts it into the heap of `home`.
    pub(crate) fn set_home(&self, home: &'static WakeTime) {
        self.home.store(Some(home), Release); // pairs(timer-home)
    }

    /// Keeper: what it would fire. Read after the word was seen.
    pub(crate) fn due(&self) -> Expired<W> {
        let data = self.data.get();
        match self.who.get() {
            Some(who) => Expired { who, data },
            None => fatal!("timer for nobody"),
        }
    }
}

impl<W> std::fmt::Debug for RuntimeTimer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RuntimeTimer({:?})", self.word.load())
    }
}

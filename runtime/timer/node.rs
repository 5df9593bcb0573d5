//! A timer: its word, and what to do when it is due.
//!
//! Nodes are never freed (one is embedded in each G, timer objects are recycled), so a heap may
//! hold on to one that nobody wants any more. Who may write what: see `timer/word.rs`, *hand*.
//!
//! Go: time.go timer.
#![forbid(unsafe_code)]

use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::base::atomic_ref::AtomicRef;
use crate::sys::clock::Nanos;
use crate::sys::fatal::fatal;
use crate::timer::fire::{Expire, Fire};
use crate::timer::shared::Shared;
use crate::timer::word::{Seen, Word};

/// See the file's header. `W` is who can be woken: a goroutine, in the runtime.
pub(crate) struct Node<W: 'static> {
    pub(crate) word: Word,
    /// The key that the heap has sorted it by, while the word says *modified*. Hand.
    key: AtomicU64,
    /// The heap it is in, or was in last. Whoever puts it into a heap, before the word says so.
    home: AtomicRef<Shared>,
    /// Handed to whoever acts. Hand, while it is not armed.
    data: AtomicU64,
    who: AtomicRef<W>,
    object: AtomicRef<Object>,
}

/// The part that only timer objects have.
#[derive(Default)]
pub(crate) struct Object {
    /// 0: once. Hand, before it arms.
    pub(crate) period: AtomicU64,
    on: OnceLock<&'static dyn Expire>,
}

impl Object {
    pub(crate) const fn new() -> Object {
        Object {
            period: AtomicU64::new(0),
            on: OnceLock::new(),
        }
    }

    /// Once, when the object that this is a part of has its place.
    pub(crate) fn set_action(&self, on: &'static dyn Expire) {
        self.on.get_or_init(|| on);
    }
}

impl<W> Node<W> {
    pub(crate) fn new() -> Node<W> {
        Node {
            word: Word::new(),
            key: AtomicU64::new(0),
            home: AtomicRef::none(),
            data: AtomicU64::new(0),
            who: AtomicRef::none(),
            object: AtomicRef::none(),
        }
    }

    /// Hand, not armed: when due, wake `who` with `data`.
    #[inline]
    pub(crate) fn set_wake(&self, who: &'static W, data: u64) {
        debug_assert!(!self.is_armed());
        self.who.store(Some(who), Relaxed);
        self.data.store(data, Relaxed);
    }

    /// Hand, not armed: when due, do the object's action with `data`.
    #[inline]
    pub(crate) fn set_call(&self, object: &'static Object, data: u64) {
        debug_assert!(!self.is_armed());
        self.object.store(Some(object), Relaxed);
        self.data.store(data, Relaxed);
    }

    /// Neither fired nor stopped since it was last armed.
    #[inline]
    pub(crate) fn is_armed(&self) -> bool {
        self.word.load().is_armed()
    }

    /// Hand: stops it. True: it was armed, and does not fire any more.
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

    /// Sorted means that the key was the time.
    fn remember_key(&self, was: Seen) {
        if !was.is_modified() {
            self.key.store(was.when(), Relaxed);
        }
    }

    /// Read after a change of the word, which has ordered it (`README.md#hand-and-keeper`).
    fn home(&self) -> &'static Shared {
        // Acquire pairs(timer-home): set_home's Release.
        match self.home.load(Acquire) {
            Some(home) => home,
            None => fatal!("timer in no heap"),
        }
    }

    /// By whoever puts it into the heap of `home`.
    pub(crate) fn set_home(&self, home: &'static Shared) {
        self.home.store(Some(home), Release); // pairs(timer-home)
    }

    /// Keeper: what it would fire, read after the word was seen. `next` is 0 for once.
    pub(crate) fn due(&self, seen: Seen, now: Nanos) -> (Fire<W>, Nanos) {
        let data = self.data.load(Relaxed);
        let when = seen.when();
        if let Some(who) = self.who.load(Relaxed) {
            return (Fire::Wake { who, data }, 0);
        }
        let Some(object) = self.object.load(Relaxed) else {
            fatal!("timer without an action")
        };
        let Some(&on) = object.on.get() else {
            fatal!("timer object without an action")
        };
        let next = match object.period.load(Relaxed) {
            0 => 0,
            period => next_tick(when, period, now),
        };
        (Fire::Call { on, data, when }, next)
    }
}

/// Phase is kept and missed ticks are dropped. Go: unlockAndRun.
pub(crate) fn next_tick(when: Nanos, period: Nanos, now: Nanos) -> Nanos {
    let late = now.saturating_sub(when);
    when.saturating_add(period.saturating_mul(1 + late / period))
}

impl<W> std::fmt::Debug for Node<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Node({:?})", self.word.load())
    }
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Object(period {})", self.period.load(Relaxed))
    }
}

/// What `rearm` has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Rearm {
    /// It is in no heap: put it into one.
    NotHeaped,
    Done {
        was_armed: bool,
        /// Nobody was going to look this early.
        earlier: bool,
    },
}

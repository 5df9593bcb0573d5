//! The one word of a timer: when it is due, whether it is in a heap, and whether its place in the
//! heap is out of date.
//!
//! Two parties change the word. The *hand* (the sleeping goroutine, or the holder of the function
//! timer's lock) arms and disarms the timer; there is one hand at a time. The *keeper* (the
//! holder of the lock of the timer's heap) sorts, discards and fires it. While the timer is in a
//! heap, every change is a compare-and-swap, so the second party sees what the first did.
//!
//! ```text
//!             place                    rearm                  disarm
//!   IDLE ----------------> SORTED ----------------> MOVED ----------------> ZOMBIE
//!    ^ ^                   |  ^ ^---- settle -------|  ^------- rearm ------|  |
//!    | +------- fire ------+  |                                                |
//!    +------------------------ discard ----------------------------------------+
//! ```
//!
//! Go: time.go timerHeaped, timerModified, timerZombie (there a lock and three bits).
#![forbid(unsafe_code)]

use crate::core::base::atomic::AtomicU64;
use crate::core::base::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use crate::core::sys::clock::Nanos;

/// In some heap; set and cleared under that heap's lock.
const HEAPED: u64 = 1;
/// The time is not the key that the heap has sorted it by. Only with `HEAPED`.
const MODIFIED: u64 = 2;
const TIME_SHIFT: u32 = 2;

/// A time that does not come: 146 years after boot. Go: maxWhen.
pub(crate) const NEVER: Nanos = u64::MAX >> TIME_SHIFT;

/// A snapshot of the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen(u64);

impl Seen {
    /// When it is due; 0 if it is not armed.
    #[inline]
    pub(crate) fn when(self) -> Nanos {
        self.0 >> TIME_SHIFT
    }

    #[inline]
    pub(crate) fn is_armed(self) -> bool {
        self.when() != 0
    }

    #[inline]
    pub(crate) fn is_heaped(self) -> bool {
        self.0 & HEAPED != 0
    }

    /// The heap is behind: its key is not `when()`.
    #[inline]
    pub(crate) fn is_modified(self) -> bool {
        self.0 & MODIFIED != 0
    }

    /// Disarmed, still in a heap.
    #[inline]
    pub(crate) fn is_zombie(self) -> bool {
        self.is_heaped() && !self.is_armed()
    }
}

fn pack(when: Nanos, bits: u64) -> u64 {
    when.min(NEVER) << TIME_SHIFT | bits
}

/// See the file's header.
#[derive(Debug)]
pub(crate) struct TimerState(AtomicU64);

impl TimerState {
    pub(crate) fn new() -> TimerState {
        TimerState(AtomicU64::new(0))
    }

    /// What it is now.
    #[inline]
    pub(crate) fn load(&self) -> Seen {
        // Acquire pairs(timer-word): what the other party wrote before its last change.
        Seen(self.0.load(Acquire))
    }

    /// Hand, with the lock of the heap that it is about to be put into: idle -> sorted.
    pub(crate) fn place(&self, when: Nanos) {
        debug_assert!(self.0.load(Relaxed) == 0 && when != 0);
        self.0.store(pack(when, HEAPED), Relaxed); // the heap's lock publishes it
    }

    /// Hand: sorted, moved or zombie -> moved. `Err`: idle; it has to be placed.
    pub(crate) fn rearm(&self, when: Nanos) -> Result<Seen, ()> {
        debug_assert!(when != 0);
        let mut seen = self.load();
        while seen.is_heaped() {
            match self.step(seen, pack(when, HEAPED | MODIFIED)) {
                Ok(()) => return Ok(seen),
                Err(now) => seen = now,
            }
        }
        Err(())
    }

    /// Hand: sorted or moved -> moved. `None`: it is not armed, and stays as it is.
    pub(crate) fn rearm_armed(&self, when: Nanos) -> Option<Seen> {
        debug_assert!(when != 0);
        let mut seen = self.load();
        while seen.is_armed() {
            match self.step(seen, pack(when, HEAPED | MODIFIED)) {
                Ok(()) => return Some(seen),
                Err(now) => seen = now,
            }
        }
        None
    }

    /// Hand: sorted or moved -> zombie. The result says what it was: armed if this call has
    /// stopped it, not armed if there was nothing to stop.
    pub(crate) fn disarm(&self) -> Seen {
        let mut seen = self.load();
        while seen.is_armed() {
            match self.step(seen, HEAPED | MODIFIED) {
                Ok(()) => break,
                Err(now) => seen = now,
            }
        }
        seen
    }

    /// Keeper: moved -> sorted, by the time seen. Returns `false` if the hand has changed it
    /// meanwhile.
    #[must_use]
    pub(crate) fn settle(&self, seen: Seen) -> bool {
        debug_assert!(seen.is_heaped() && seen.is_armed());
        self.step(seen, pack(seen.when(), HEAPED)).is_ok()
    }

    /// Keeper: zombie -> idle; it leaves the heap. Returns `false` if the hand has armed it again.
    #[must_use]
    pub(crate) fn discard(&self, seen: Seen) -> bool {
        debug_assert!(seen.is_zombie());
        self.step(seen, 0).is_ok()
    }

    /// Keeper: sorted -> idle. Returns `true` if it has fired; what the hand left with it was read
    /// unchanged then, if it was read after `seen`.
    #[must_use]
    pub(crate) fn fire(&self, seen: Seen) -> bool {
        debug_assert!(seen.is_heaped() && seen.is_armed() && !seen.is_modified());
        self.step(seen, 0).is_ok()
    }

    /// Acquire and Release pairs(timer-word): each party sees what the other wrote before its
    /// change; and what the keeper has read before it fires, it has read before the hand could
    /// write there again (`README.md#hand-and-keeper`).
    fn step(&self, from: Seen, to: u64) -> Result<(), Seen> {
        match self.0.compare_exchange(from.0, to, AcqRel, Acquire) {
            Ok(_) => Ok(()),
            Err(now) => Err(Seen(now)),
        }
    }
}

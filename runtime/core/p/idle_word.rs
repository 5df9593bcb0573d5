//! One word that says how many Ms are looking for work and how many Ps have none.
//!
//! Bits 0..15 count the spinning Ms. Bit 15 is the *need*: a submitter wanted a spinning M when
//! no P was idle. Bits 16..32 count the idle Ps. Go keeps three words and a lock for this. Here
//! all is in one word, so each decision about a wake-up or an idle P is one atomic step. When all
//! Ps are busy and the need is marked, a wake-up is a fence and one load.
//!
//! `last-spinner`, `need-spinning`, `no-lost-work`: see `core/sched/README.md`.
//!
//! Go: proc.go sched.nmspinning, sched.npidle, sched.needspinning.
#![forbid(unsafe_code)]

use crate::core::base::atomic::AtomicU32;
use crate::core::base::atomic::Ordering::{Relaxed, SeqCst};

const SPINNING: u32 = 1;
const SPINNING_MASK: u32 = (1 << 15) - 1;
const NEED: u32 = 1 << 15;
const IDLE: u32 = 1 << 16;

/// A snapshot of the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IdleState(u32);

impl IdleState {
    pub(crate) fn spinning(self) -> u32 {
        self.0 & SPINNING_MASK
    }

    pub(crate) fn idle_ps(self) -> u32 {
        self.0 / IDLE
    }

    /// No M without work looks around, and no P is free for one.
    pub(crate) fn all_busy(self) -> bool {
        self.spinning() + self.idle_ps() == 0
    }

    pub(crate) fn need_spinning(self) -> bool {
        self.0 & NEED != 0
    }
}

#[derive(Debug)]
pub(crate) struct IdleWord(AtomicU32);

/// What a waker has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Wake {
    /// Counted as spinning already: take an idle P and start an M, or give the count back.
    StartSpinner,
    /// An M is looking, or will look before it gives up its P.
    Nothing,
}

impl IdleWord {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> IdleWord {
        IdleWord(AtomicU32::new(0))
    }

    #[cfg(loom)]
    pub(crate) fn new() -> IdleWord {
        IdleWord(AtomicU32::new(0))
    }

    pub(crate) fn load(&self) -> IdleState {
        IdleState(self.0.load(Relaxed))
    }

    /// After work was published. The caller has made the publication SeqCst-ordered before this
    /// (a fence, or a SeqCst RMW): pairs(no-lost-work) with `stop_spinning`.
    #[inline]
    pub(crate) fn want_spinner(&self) -> Wake {
        let mut now = self.0.load(SeqCst); // pairs(no-lost-work)
        loop {
            let state = IdleState(now);
            if state.spinning() != 0 || (state.idle_ps() == 0 && state.need_spinning()) {
                return Wake::Nothing;
            }
            let next = if state.idle_ps() == 0 {
                now | NEED
            } else {
                (now & !NEED) + SPINNING
            };
            match self.0.compare_exchange_weak(now, next, SeqCst, SeqCst) {
                Ok(_) if state.idle_ps() == 0 => return Wake::Nothing,
                Ok(_) => return Wake::StartSpinner,
                Err(seen) => now = seen, // pairs(no-lost-work)
            }
        }
    }

    /// An M without work may spin if the spinning Ms are fewer than half of the busy Ps.
    pub(crate) fn try_spin(&self, procs: u32) -> bool {
        let state = self.load();
        if 2 * state.spinning() >= procs.saturating_sub(state.idle_ps()) {
            return false;
        }
        self.start_spinning();
        true
    }

    /// Counts the caller as spinning, whatever the others do, and takes the *need* with it.
    pub(crate) fn start_spinning(&self) {
        self.0.fetch_add(SPINNING, SeqCst); // pairs(no-lost-work)
        self.0.fetch_and(!NEED, SeqCst); // pairs(no-lost-work)
    }

    /// The caller stops looking. SeqCst, and the caller looks at every queue *after* this:
    /// pairs(no-lost-work) with `want_spinner`.
    pub(crate) fn stop_spinning(&self) {
        let before = self.0.fetch_sub(SPINNING, SeqCst);
        debug_assert!(before & SPINNING_MASK != 0, "negative spinning count");
    }

    /// Counted as spinning, the caller found no P to spin with: gives the count back and leaves a
    /// *need*, for while it was counted others may have relied on it. Under the scheduler's lock,
    /// so that a P becomes idle before (and was found) or after (and its M sees the need).
    pub(crate) fn spinner_without_p(&self) {
        // The need first: in between, nobody may find neither of the two.
        self.0.fetch_or(NEED, SeqCst); // pairs(no-lost-work): try_add_idle
        self.stop_spinning();
    }

    /// The caller saw work and found no idle P: the next M that would give up its P must look.
    /// Under the scheduler's lock.
    pub(crate) fn leave_need(&self) {
        self.0.fetch_or(NEED, SeqCst); // pairs(no-lost-work): try_add_idle
    }

    /// A P goes to the idle list, from a *non-spinning* M. Returns `false` if a submitter needs a
    /// spinning M; the caller has become it, and keeps its P.
    #[must_use]
    pub(crate) fn try_add_idle(&self) -> bool {
        let mut now = self.0.load(Relaxed);
        loop {
            let needed = now & NEED != 0;
            let next = if needed {
                (now & !NEED) + SPINNING
            } else {
                now + IDLE
            };
            match self.0.compare_exchange_weak(now, next, SeqCst, Relaxed) {
                // pairs(no-lost-work): want_spinner's compare on the same word
                Ok(_) => return !needed,
                Err(seen) => now = seen,
            }
        }
    }

    /// A P goes to the idle list.
    pub(crate) fn add_idle(&self) {
        self.0.fetch_add(IDLE, SeqCst); // pairs(no-lost-work)
    }

    /// The caller has made its P idle: is another one busy? Who makes the last one idle hears no.
    // Relaxed: it is the word that the caller has just changed, and it has one order.
    pub(crate) fn others_busy(&self, procs: u32) -> bool {
        self.load().idle_ps() < procs
    }

    /// A P leaves the idle list.
    pub(crate) fn remove_idle(&self) {
        let before = self.0.fetch_sub(IDLE, SeqCst); // pairs(no-lost-work)
        debug_assert!(before >= IDLE, "negative idle count");
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicUsize, fence};

    /// One M submits work and asks for a spinner; the last spinner gives up at the same time.
    /// Either the submitter is told to start one, or the spinner's second look finds the work.
    #[test]
    fn work_is_never_published_unseen() {
        loom::model(|| {
            let shared = Arc::new((IdleWord::new(), AtomicUsize::new(0)));
            shared.0.add_idle();
            shared.0.start_spinning();
            let other = Arc::clone(&shared);
            let spinner = loom::thread::spawn(move || {
                other.0.add_idle();
                other.0.stop_spinning();
                fence(SeqCst);
                other.1.load(Relaxed) == 1 // the second look
            });
            shared.1.store(1, Relaxed);
            fence(SeqCst);
            let told = shared.0.want_spinner() == Wake::StartSpinner;
            let found = spinner.join().unwrap();
            assert!(told || found, "work was lost");
        });
    }

    /// Work is published while the only other M drops its P without ever having spun: either
    /// the waker sees the idle P, or the M sees the need and keeps looking.
    #[test]
    fn a_need_is_never_overlooked() {
        loom::model(|| {
            let word = Arc::new(IdleWord::new());
            let other = Arc::clone(&word);
            let leaver = loom::thread::spawn(move || !other.try_add_idle());
            let told = word.want_spinner() == Wake::StartSpinner;
            let kept = leaver.join().unwrap();
            assert!(told || kept, "nobody looks and a P is idle");
            assert_eq!(word.load().spinning(), 1);
        });
    }

    /// Two Ms make their Ps idle at the same time, and neither looks for what the other will look for:
    /// not both. `ext/net/README.md#alone`
    #[test]
    fn the_last_to_go_idle_hears_it() {
        loom::model(|| {
            let word = Arc::new(IdleWord::new());
            let leave = |word: &IdleWord, spins: bool| {
                match spins {
                    true => word.add_idle(),
                    false => assert!(word.try_add_idle()),
                }
                word.others_busy(2)
            };
            let other = Arc::clone(&word);
            let other = loom::thread::spawn(move || leave(&other, true));
            let relies = leave(&word, false);
            assert!(
                !(other.join().unwrap() && relies),
                "each relies on the other"
            );
        });
    }

    /// The waker counts a spinner, but the P that was idle is taken before it has the lock. Whoever
    /// took it drops it later without looking around: unless it sees the need.
    #[test]
    fn a_spinner_without_a_p_leaves_a_need() {
        loom::model(|| {
            // The list of idle Ps, under the scheduler's lock.
            let shared = Arc::new((IdleWord::new(), loom::sync::Mutex::new(1_u32)));
            shared.0.add_idle();
            let other = Arc::clone(&shared);
            let taker = loom::thread::spawn(move || {
                let mut list = other.1.lock().unwrap();
                if *list == 0 {
                    return true; // the waker has it
                }
                *list -= 1;
                other.0.remove_idle();
                drop(list);
                let mut list = other.1.lock().unwrap();
                let dropped = other.0.try_add_idle();
                *list += u32::from(dropped);
                !dropped
            });
            let mut told = false;
            if shared.0.want_spinner() == Wake::StartSpinner {
                let mut list = shared.1.lock().unwrap();
                if *list == 0 {
                    shared.0.spinner_without_p();
                } else {
                    *list -= 1;
                    shared.0.remove_idle();
                    told = true;
                }
            }
            let looks = taker.join().unwrap();
            assert!(told || looks, "nobody looks and a P is idle");
        });
    }
}

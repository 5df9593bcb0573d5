//! Whether a goroutine is in the middle of a panic, for a thread that is about to end the
//! process.
//!
//! Each goroutine has a word for this. It is set when the panic hook is called: first the
//! goroutine *tells* (the hook prints, perhaps for a second, with a backtrace), then it
//! *unwinds*. User code may catch the panic, and std does not report it. Then the word is out of date, and the
//! correct value is read on the goroutine's own thread ([`PanicWord::look`]), with
//! `std::thread::panicking`. So a caught panic costs nothing extra, and a goroutine that never panics pays
//! nothing. At the goroutine's root the word is cleared, if somebody joins the goroutine. If nobody does, the panic
//! ends the process: the goroutine *tells* again, and does so before the root catches the panic, for to std that
//! is a caught panic like any other.
//!
//! Beside the phase, the word has a number that grows with each change. So a word that was read
//! is not cleared when it already describes the next panic.
//!
//! Go: panic.go runningPanicDefers, panicking.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU16, AtomicU32};

const PHASE: u16 = 3;
const STEP: u16 = 4;

const NONE: u16 = 0;
const TELLS: u16 = 1;
const UNWINDS: u16 = 2;

/// How many words are not `NONE`. Too high while a caught panic has not been looked at.
static UNDER_WAY: AtomicU32 = AtomicU32::new(0);

/// What a goroutine does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    None,
    /// In the panic hook; or it has come to its root, and is about to be reported.
    Tells,
    /// After it, unless the panic was caught.
    Unwinds,
}

/// A word as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen(u16);

impl Seen {
    pub(crate) fn phase(self) -> Phase {
        match self.0 & PHASE {
            TELLS => Phase::Tells,
            UNWINDS => Phase::Unwinds,
            _ => Phase::None,
        }
    }
}

#[derive(Debug)]
pub(crate) struct PanicWord(AtomicU16);

/// May a panic be under way at all?
pub(crate) fn any() -> bool {
    UNDER_WAY.load(Relaxed) != 0
}

impl PanicWord {
    pub(crate) fn new() -> PanicWord {
        PanicWord(AtomicU16::new(NONE))
    }

    pub(crate) fn seen(&self) -> Seen {
        Seen(self.0.load(Relaxed))
    }

    /// Called by the goroutine: its hook begins.
    pub(crate) fn tells(&self) {
        self.step_to(TELLS);
    }

    /// Called by the goroutine: its hook has told everything.
    pub(crate) fn unwinds(&self) {
        self.step_to(UNWINDS);
    }

    /// Called by the goroutine, which unwinds, just before its root: nobody has caught the panic, and it is
    /// told as what ends the process.
    pub(crate) fn at_root(&self) {
        if self.seen().phase() == Phase::Unwinds {
            self.step_to(TELLS);
        }
    }

    /// Called by the goroutine, at its root: the panic has been caught.
    pub(crate) fn over(&self) {
        self.step_to(NONE);
    }

    fn step_to(&self, phase: u16) {
        let before = self.0.load(Relaxed);
        let after = (before & !PHASE).wrapping_add(STEP) | phase;
        // Not a store: somebody may be clearing it from outside.
        let before = self.0.swap(after, Relaxed);
        match (before & PHASE != NONE, phase != NONE) {
            (false, true) => UNDER_WAY.fetch_add(1, Relaxed),
            (true, false) => UNDER_WAY.fetch_sub(1, Relaxed),
            _ => 0,
        };
    }

    /// The panic that was seen was caught by user code.
    pub(crate) fn was_caught(&self, seen: Seen) {
        let none = (seen.0 & !PHASE).wrapping_add(STEP);
        if seen.0 & PHASE != NONE
            && self
                .0
                .compare_exchange(seen.0, none, Relaxed, Relaxed)
                .is_ok()
        {
            UNDER_WAY.fetch_sub(1, Relaxed);
        }
    }

    /// On the goroutine's own thread, at any moment (in a signal handler, too): a word that is
    /// out of date is set right.
    pub(crate) fn look(&self) {
        let seen = self.seen();
        if seen.phase() == Phase::Unwinds && !std::thread::panicking() {
            self.was_caught(seen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_cleared_only_for_the_panic_that_was_seen() {
        let word = PanicWord::new();
        word.tells();
        word.unwinds();
        let old = word.seen();
        word.tells();
        word.was_caught(old);
        assert_eq!(word.seen().phase(), Phase::Tells);
        word.unwinds();
        word.look(); // this thread does not panic
        assert_eq!(word.seen().phase(), Phase::None);
        word.over();
        assert_eq!(word.seen().phase(), Phase::None);
    }

    #[test]
    fn a_panic_that_will_be_reported_is_not_taken_for_caught() {
        let word = PanicWord::new();
        word.at_root(); // no panic: a `goexit`
        assert_eq!(word.seen().phase(), Phase::None);
        word.tells();
        word.unwinds();
        word.at_root();
        word.look(); // this thread does not panic, as the goroutine's when its root has caught the panic
        assert_eq!(word.seen().phase(), Phase::Tells);
        word.over();
        assert_eq!(word.seen().phase(), Phase::None);
    }
}

//! One word that decides which of several wakers wins: a select's cases, a time-out.
//!
//! A wait with more than one possible waker opens a round and hands its [`WaitId`] to each of
//! them. At most one claim per round succeeds; the winner, and only the winner, readies the
//! goroutine. A waker that comes late, even rounds later, only fails: Gs are never freed, only
//! recycled, and the round number is never reset.
//!
//! Go: select.go selectDone, sudog.isSelect.
#![forbid(unsafe_code)]

use crate::core::base::atomic::AtomicU64;
use crate::core::base::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

/// Names one round of one goroutine's waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WaitId(u64);

impl WaitId {
    /// Both in one word, to be kept beside a waiter. Go: there a timer's `arg` and `seq`.
    pub(crate) fn with_case(self, case: u16) -> u64 {
        self.0 | u64::from(case)
    }

    /// What `with_case` has put together.
    pub(crate) fn split(word: u64) -> (WaitId, u16) {
        (WaitId(word & !CASE_MASK), (word & CASE_MASK) as u16)
    }

    pub(crate) fn raw(self) -> u64 {
        self.0
    }

    pub(crate) fn from_raw(word: u64) -> WaitId {
        WaitId(word)
    }
}

/// Bits 0..16: the winner's case + 1, 0 while open. Bits 16..64: the round.
#[derive(Debug)]
pub(crate) struct WaitRound(AtomicU64);

const OPEN: u64 = 0;
const CASE_BITS: u32 = 16;
const CASE_MASK: u64 = (1 << CASE_BITS) - 1;
/// A round that is closed without a winner.
const CLOSED: u64 = CASE_MASK;

impl WaitRound {
    pub(crate) fn new() -> WaitRound {
        WaitRound(AtomicU64::new(CLOSED))
    }

    /// Opens a new round. Called by the goroutine itself, before it publishes any waiter.
    pub(crate) fn open(&self) -> WaitId {
        let round = (self.0.load(Relaxed) >> CASE_BITS) + 1;
        let ticket = round << CASE_BITS;
        // Release pairs(claim): a stale waker's failing compare sees the new round.
        self.0.store(ticket | OPEN, Release);
        WaitId(ticket)
    }

    /// Tries to win the round for `case` (below 65,534). True at most once a round.
    pub(crate) fn claim(&self, ticket: WaitId, case: u16) -> bool {
        let won = ticket.0 | (u64::from(case) + 1);
        // Release pairs(claim): winner's Acquire. Acquire pairs(claim): open's Release.
        self.0
            .compare_exchange(ticket.0 | OPEN, won, AcqRel, Relaxed)
            .is_ok()
    }

    /// True while no waker has won this round: a hint for wakers that skip losers.
    pub(crate) fn is_open(&self, ticket: WaitId) -> bool {
        self.0.load(Relaxed) == ticket.0 | OPEN
    }

    /// The winner's case of the present round, if there is one.
    pub(crate) fn winner(&self) -> Option<u16> {
        // Acquire pairs(claim): the winner's Release.
        match self.0.load(Acquire) & CASE_MASK {
            OPEN | CLOSED => None,
            case => Some((case - 1) as u16),
        }
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::sync::Arc;

    #[test]
    fn one_winner_and_the_late_waker_fails() {
        loom::model(|| {
            let claim = Arc::new(WaitRound::new());
            let ticket = claim.open();
            let handles: Vec<_> = (0..2u16)
                .map(|case| {
                    let claim = Arc::clone(&claim);
                    loom::thread::spawn(move || claim.claim(ticket, case))
                })
                .collect();
            let wins: Vec<bool> = handles.into_iter().map(|h| h.join().unwrap()).collect();
            assert_eq!(wins.iter().filter(|&&w| w).count(), 1);
            assert_eq!(
                claim.winner(),
                wins.iter().position(|&w| w).map(|c| c as u16)
            );
            let next = claim.open();
            assert!(!claim.claim(ticket, 1), "stale");
            assert!(claim.claim(next, 0));
        });
    }
}

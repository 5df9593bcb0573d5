//! A resource that the system has refused: when to ask again, and when to give up.
//!
//! The pauses grow from 1 ms to a second. The caller gives up only when nothing else can run:
//! [`is_hopeless`](Refused::is_hopeless) after some seconds.
#![forbid(unsafe_code)]

use crate::core::sys::clock::{Nanos, nanotime};
use crate::ext::linux::tasks::nanosleep;

const MS: Nanos = 1_000_000;
const FIRST_PAUSE: Nanos = MS;
const LONGEST_PAUSE: Nanos = 1_000 * MS;
/// How long, and how often, it must have been refused before the caller gives up.
const PATIENCE: Nanos = 2_000 * MS;
const TRIES: u32 = 10;

/// One thing that was asked for.
#[derive(Debug)]
pub(crate) struct Refused {
    since: Nanos,
    tries: u32,
    again: Nanos,
}

impl Refused {
    /// Nothing was refused yet.
    pub(crate) const fn not() -> Refused {
        Refused {
            since: 0,
            tries: 0,
            again: 0,
        }
    }

    /// It was refused once more.
    pub(crate) fn once_more(&mut self) {
        let now = nanotime();
        if self.tries == 0 {
            self.since = now;
        }
        let pause = (FIRST_PAUSE << self.tries.min(10)).min(LONGEST_PAUSE);
        self.tries = self.tries.saturating_add(1);
        self.again = now + pause;
    }

    /// It was granted, or is not needed any more.
    pub(crate) fn settle(&mut self) {
        *self = Refused::not();
    }

    /// When to ask again, if it was refused.
    pub(crate) fn again(&self) -> Option<Nanos> {
        (self.tries != 0).then_some(self.again)
    }

    /// Is it too early to ask again?
    pub(crate) fn is_early(&self) -> bool {
        self.again().is_some_and(|again| nanotime() < again)
    }

    /// It has been refused for so long that it will not be granted.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.tries >= TRIES && nanotime() - self.since >= PATIENCE
    }
}

/// Asks for something until it is granted, or hopeless; on a thread that can sleep.
pub(crate) fn patiently<T, E>(mut ask: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    let mut refused = Refused::not();
    loop {
        match ask() {
            Err(_) if !refused.is_hopeless() => {
                refused.once_more();
                let pause = refused.again - nanotime().min(refused.again);
                nanosleep(pause.min(256 * MS));
            }
            answer => return answer,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_hope_ends() {
        let mut refused = Refused::not();
        assert!(refused.again().is_none() && !refused.is_early());
        refused.once_more();
        let first = refused.again;
        refused.once_more();
        assert!(refused.again > first);
        (0..100).for_each(|_| refused.once_more());
        assert!(refused.is_early());
        assert!(refused.again <= nanotime() + LONGEST_PAUSE);
        refused.since = nanotime() - PATIENCE;
        assert!(refused.is_hopeless());
        refused.settle();
        assert!(!refused.is_hopeless() && refused.again().is_none());
    }

    #[test]
    fn what_is_granted_in_the_end_is_had() {
        let mut left = 4;
        let granted = patiently(|| {
            left -= 1;
            if left == 0 { Ok(7) } else { Err(()) }
        });
        assert_eq!(granted, Ok(7));
    }
}

//! A first-in first-out list of waiters from which any of them may leave at any time.
//!
//! The lock of the list's owner guards the list.
//!
//! Go: sema.go notifyList.head, chan.go waitq.
#![forbid(unsafe_code)]

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::Ordering::Relaxed;

use crate::core::base::atomic_ref::AtomicRef;
use crate::core::wait::waiter::Waiter;

/// See the file's header.
#[derive(Debug)]
pub(crate) struct WaitList {
    first: AtomicRef<Waiter>,
    last: AtomicRef<Waiter>,
}

// Nobody finds a list half changed after a panic: no code of the user's runs while it changes.
impl UnwindSafe for WaitList {}
impl RefUnwindSafe for WaitList {}

impl WaitList {
    pub(crate) const fn new() -> WaitList {
        WaitList {
            first: AtomicRef::none(),
            last: AtomicRef::none(),
        }
    }

    /// Without the lock a hint.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first.load(Relaxed).is_none()
    }

    pub(crate) fn first(&self) -> Option<&'static Waiter> {
        self.first.load(Relaxed)
    }

    pub(crate) fn push_back(&self, w: &'static Waiter) {
        w.set_queued(true);
        w.next.store(None, Relaxed);
        w.prev.store(self.last.swap(Some(w), Relaxed), Relaxed);
        match w.prev.load(Relaxed) {
            Some(before) => before.next.store(Some(w), Relaxed),
            None => self.first.store(Some(w), Relaxed),
        }
    }

    pub(crate) fn pop_front(&self) -> Option<&'static Waiter> {
        let w = self.first.load(Relaxed)?;
        self.unlink(w);
        Some(w)
    }

    /// Takes `w` out, from here or from the ring it was moved to.
    pub(crate) fn unlink(&self, w: &'static Waiter) {
        let (before, behind) = (w.prev.take_relaxed(), w.next.take_relaxed());
        match before {
            Some(b) => b.next.store(behind, Relaxed),
            None => self.first.store(behind, Relaxed),
        }
        match behind {
            Some(b) => b.prev.store(before, Relaxed),
            None => self.last.store(before, Relaxed),
        }
        w.set_queued(false);
    }

    /// Moves all waiters out at once, into a ring through `end`, which itself is no waiter. In
    /// the ring as here, a waiter may leave by `unlink`.
    pub(crate) fn move_to_ring(&self, end: &'static Waiter) {
        let first = self.first.take_relaxed().unwrap_or(end);
        let last = self.last.take_relaxed().unwrap_or(end);
        end.next.store(Some(first), Relaxed);
        end.prev.store(Some(last), Relaxed);
        first.prev.store(Some(end), Relaxed);
        last.next.store(Some(end), Relaxed);
    }

    /// Takes the first one of `end`'s ring.
    pub(crate) fn pop_ring(&self, end: &'static Waiter) -> Option<&'static Waiter> {
        let w = end.next.load(Relaxed).filter(|w| !std::ptr::eq(*w, end))?;
        self.unlink(w);
        Some(w)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::core::m::enter::enter;

    fn three(f: impl FnOnce([&'static Waiter; 3])) {
        let me = enter().current();
        Waiter::on_stack(me, 0, None, |a| {
            Waiter::on_stack(me, 1, None, |b| {
                Waiter::on_stack(me, 2, None, |c| f([a, b, c]))
            })
        });
    }

    fn keys(list: &WaitList) -> Vec<usize> {
        std::iter::from_fn(|| list.pop_front().map(|w| w.key)).collect()
    }

    #[test]
    fn leaves_from_anywhere_keep_the_order() {
        for leaver in 0..3 {
            three(|ws| {
                let list = WaitList::new();
                ws.iter().for_each(|w| list.push_back(w));
                list.unlink(ws[leaver]);
                let rest: Vec<usize> = (0..3).filter(|&k| k != leaver).collect();
                assert_eq!(keys(&list), rest);
                assert!(list.is_empty());
            });
        }
    }

    #[test]
    fn a_ring_is_apart_from_later_arrivals_and_can_be_left() {
        three(|[a, b, c]| {
            let list = WaitList::new();
            Waiter::on_stack(a.g, 9, None, |end| {
                list.push_back(a);
                list.push_back(b);
                list.move_to_ring(end);
                list.push_back(c);
                list.unlink(a);
                assert_eq!(list.pop_ring(end).map(|w| w.key), Some(1));
                assert!(list.pop_ring(end).is_none());
                assert_eq!(keys(&list), [2]);
                list.move_to_ring(end);
                assert!(
                    list.pop_ring(end).is_none(),
                    "an empty list makes an empty ring"
                );
            });
        });
    }
}

//! A first-in first-out list of waiters from which any of them may leave at any time.
//!
//! The lock of the list's owner guards the list.
//!
//! Go: sema.go notifyList.head, chan.go waitq.
#![forbid(unsafe_code)]

use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::core::base::owner_cell::OwnerRef;
use crate::core::wait::waiter::Waiter;

/// See the file's header.
#[derive(Debug)]
pub(crate) struct WaitList {
    first: OwnerRef<Waiter>,
    last: OwnerRef<Waiter>,
}

// Nobody finds a list half changed after a panic: no code of the user's runs while it changes.
impl UnwindSafe for WaitList {}
impl RefUnwindSafe for WaitList {}

impl WaitList {
    pub(crate) const fn new() -> WaitList {
        WaitList {
            first: OwnerRef::none(),
            last: OwnerRef::none(),
        }
    }

    /// Without the lock a hint.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first.peek().is_none()
    }

    pub(crate) fn first(&self) -> Option<&'static Waiter> {
        self.first.get()
    }

    pub(crate) fn push_back(&self, w: &'static Waiter) {
        w.set_queued(true);
        w.next.set(None);
        w.prev.set(self.last.replace(Some(w)));
        match w.prev.get() {
            Some(before) => before.next.set(Some(w)),
            None => self.first.set(Some(w)),
        }
    }

    pub(crate) fn pop_front(&self) -> Option<&'static Waiter> {
        let w = self.first.get()?;
        self.unlink(w);
        Some(w)
    }

    /// Takes `w` out, from here or from the ring it was moved to.
    pub(crate) fn unlink(&self, w: &'static Waiter) {
        let (before, behind) = (w.prev.take(), w.next.take());
        match before {
            Some(b) => b.next.set(behind),
            None => self.first.set(behind),
        }
        match behind {
            Some(b) => b.prev.set(before),
            None => self.last.set(before),
        }
        w.set_queued(false);
    }

    /// Takes `w` out, if nobody has done so: it does not wait any longer.
    pub(crate) fn leave(&self, w: &'static Waiter) {
        if w.is_queued() {
            self.unlink(w);
        }
    }

    /// Moves all waiters out at once, into a ring through `end`, which itself is no waiter. In
    /// the ring as here, a waiter may leave by `unlink`.
    pub(crate) fn move_to_ring(&self, end: &'static Waiter) {
        let first = self.first.take().unwrap_or(end);
        let last = self.last.take().unwrap_or(end);
        end.next.set(Some(first));
        end.prev.set(Some(last));
        first.prev.set(Some(end));
        last.next.set(Some(end));
    }

    /// Takes the first one of `end`'s ring.
    pub(crate) fn pop_ring(&self, end: &'static Waiter) -> Option<&'static Waiter> {
        let w = end.next.get().filter(|w| !std::ptr::eq(*w, end))?;
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

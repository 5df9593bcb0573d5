//! The waiters of one root of the semaphore table: a treap of addresses, and behind each
//! address a first-in first-out list.
//!
//! The tree's nodes are the lists' first waiters. The tree is ordered by address, and as a heap
//! by a hash of the address, so that the expected depth is logarithmic for all addresses. The
//! root's lock guards everything.
//!
//! Go: sema.go semaRoot.queue, semaRoot.dequeue.
#![forbid(unsafe_code)]

use crate::core::base::owner_cell::OwnerRef;
use crate::core::wait::waiter::Waiter;

type Link = OwnerRef<Waiter>;

/// See the file's header.
#[derive(Debug)]
pub(crate) struct Tree(Link);

/// A well-mixed function of the address: the node's place in the heap order.
fn priority(key: usize) -> u64 {
    let x = (key as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (x ^ (x >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93)
}

impl Tree {
    pub(crate) const fn new() -> Tree {
        Tree(OwnerRef::none())
    }

    /// Queues `w` for its address: behind the others, or (`lifo`) in front of them.
    pub(crate) fn queue(&self, w: &'static Waiter, lifo: bool) {
        w.set_queued(true);
        w.same.set(None);
        let slot = self.find(w.key);
        match slot.get() {
            None => {
                w.last.set(Some(w));
                self.insert(w);
            }
            Some(first) if lifo => {
                w.same.set(Some(first));
                take_place(slot, first, w);
            }
            Some(first) => {
                if let Some(last) = first.last.get() {
                    last.same.set(Some(w));
                }
                first.last.set(Some(w));
            }
        }
    }

    /// Takes the first waiter for `key`.
    pub(crate) fn dequeue(&self, key: usize) -> Option<&'static Waiter> {
        let slot = self.find(key);
        let first = slot.get()?;
        match first.same.take() {
            Some(second) => take_place(slot, first, second),
            None => join(slot, first.prev.take(), first.next.take()),
        }
        first.set_queued(false);
        Some(first)
    }

    /// Takes all waiters for `key` out, as a chain through `same`; they count as queued until the
    /// caller says otherwise.
    pub(crate) fn dequeue_all(&self, key: usize) -> Option<&'static Waiter> {
        let slot = self.find(key);
        let first = slot.get()?;
        join(slot, first.prev.take(), first.next.take());
        Some(first)
    }

    /// The link that holds `key`'s node, or would.
    fn find(&self, key: usize) -> &Link {
        let mut slot = &self.0;
        while let Some(node) = slot.get() {
            slot = match key.cmp(&node.key) {
                std::cmp::Ordering::Equal => break,
                std::cmp::Ordering::Less => &node.prev,
                std::cmp::Ordering::Greater => &node.next,
            };
        }
        slot
    }

    /// For tests: both orders hold; its depth.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn check(&self) -> usize {
        depth(&self.0, 0, usize::MAX, u64::MAX)
    }

    /// A new address: goes down to where its priority belongs, and splits what is below.
    fn insert(&self, w: &'static Waiter) {
        let mut slot = &self.0;
        while let Some(node) = slot.get()
            && priority(node.key) >= priority(w.key)
        {
            slot = if w.key < node.key {
                &node.prev
            } else {
                &node.next
            };
        }
        let mut rest = slot.replace(Some(w));
        let (mut smaller, mut larger) = (&w.prev, &w.next);
        while let Some(node) = rest {
            if node.key < w.key {
                smaller.set(Some(node));
                smaller = &node.next;
                rest = smaller.get();
            } else {
                larger.set(Some(node));
                larger = &node.prev;
                rest = larger.get();
            }
        }
        smaller.set(None);
        larger.set(None);
    }
}

/// `new` becomes the tree's node of their address instead of `old`.
fn take_place(slot: &Link, old: &'static Waiter, new: &'static Waiter) {
    new.prev.set(old.prev.take());
    new.next.set(old.next.take());
    new.last.set(old.last.take());
    slot.set(Some(new));
}

/// Puts what is left of a removed node, all `a` smaller than all `b`, into its slot.
fn join(mut slot: &Link, mut a: Option<&'static Waiter>, mut b: Option<&'static Waiter>) {
    loop {
        match (a, b) {
            (Some(x), Some(y)) if priority(x.key) >= priority(y.key) => {
                slot.set(a);
                slot = &x.next;
                a = slot.get();
            }
            (Some(_), Some(y)) => {
                slot.set(b);
                slot = &y.prev;
                b = slot.get();
            }
            (left, right) => {
                slot.set(left.or(right));
                return;
            }
        }
    }
}

#[cfg(any(test, fuzzing))]
/// For tests: the depth below `slot`, after checking both orders.
fn depth(slot: &Link, low: usize, high: usize, above: u64) -> usize {
    let Some(node) = slot.get() else {
        return 0;
    };
    assert!((low..high).contains(&node.key) && priority(node.key) <= above);
    let here = priority(node.key);
    1 + depth(&node.prev, low, node.key, here).max(depth(&node.next, node.key + 1, high, here))
}

// Plain threads wait in these tests; the core alone cannot do that.
#[cfg(all(test, feature = "ext", not(loom)))]
mod tests {
    use super::*;
    use crate::core::base::fastrand::Choice;
    use crate::core::m::enter::enter;
    use std::collections::{BTreeMap, VecDeque};

    /// Keeps a waiter in scope for each recursion level, as waiting goroutines would.
    fn with_waiters<R>(
        keys: &mut impl Iterator<Item = usize>,
        mut got: Vec<&'static Waiter>,
        f: &mut dyn FnMut(&[&'static Waiter]) -> R,
    ) -> R {
        match keys.next() {
            None => f(&got),
            Some(key) => Waiter::on_stack(enter().current(), key, None, |w| {
                got.push(w);
                with_waiters(keys, got, f)
            }),
        }
    }

    #[test]
    fn a_random_run_agrees_with_a_map_of_queues() {
        let choice = Choice::new(11);
        let mut keys = (0..400).map(|_| choice.below(60) as usize * 8);
        with_waiters(&mut keys, vec![], &mut |waiters| {
            let tree = Tree::new();
            let mut model: BTreeMap<usize, VecDeque<*const Waiter>> = BTreeMap::new();
            let dequeue = |tree: &Tree, model: &mut BTreeMap<usize, VecDeque<_>>, key| {
                let got = tree.dequeue(key).map(std::ptr::from_ref);
                assert_eq!(got, model.get_mut(&key).and_then(VecDeque::pop_front));
            };
            let choice = Choice::new(12);
            for &w in waiters {
                let lifo = choice.below(4) == 0;
                tree.queue(w, lifo);
                let list = model.entry(w.key).or_default();
                let p = std::ptr::from_ref(w);
                if lifo {
                    list.push_front(p)
                } else {
                    list.push_back(p)
                }
                if choice.below(3) == 0 {
                    dequeue(&tree, &mut model, choice.below(60) as usize * 8);
                }
                tree.check();
            }
            for key in (0..60).map(|k| k * 8) {
                for _ in 0..=model.get(&key).map_or(0, VecDeque::len) {
                    dequeue(&tree, &mut model, key);
                }
                tree.check();
            }
            assert!(tree.0.get().is_none());
        });
    }

    #[test]
    fn neighbouring_addresses_make_a_shallow_tree() {
        let mut keys = (0..1000).map(|k| 0x7f00_0000 + k * 251 * 8);
        with_waiters(&mut keys, vec![], &mut |waiters| {
            let tree = Tree::new();
            waiters.iter().for_each(|w| tree.queue(w, false));
            let depth = tree.check();
            assert!(depth <= 40, "depth {depth} for 1000 addresses");
            for w in waiters {
                assert!(tree.dequeue(w.key).is_some_and(|got| std::ptr::eq(got, *w)));
            }
        });
    }
}

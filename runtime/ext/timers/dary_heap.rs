//! The 4-ary min-heap itself: keys and timers in one array. The heap's lock guards it.
//!
//! Four children are together on one cache line, so each level costs one line. Ties keep Go's
//! order: a timer moves up or down only past a *different* key.
//!
//! Go: time.go siftUp, siftDown, initHeap.
#![forbid(unsafe_code)]

use crate::core::base::owner_cell::{OwnerCell, OwnerRef};
use crate::core::sys::clock::Nanos;
use crate::core::sys::fatal::fatal;
use crate::ext::linux::stable_vec::Table;
use crate::ext::timers::runtime_timer::RuntimeTimer;

const ARITY: usize = 4;
/// Element 0 of the heap stands here, so that children 1 to 4 start a cache line.
const OFFSET: usize = ARITY - 1;

/// Atomics so that the array needs no unsafe code: Relaxed, under a lock.
struct Place<W: 'static> {
    key: OwnerCell<u64>,
    node: OwnerRef<RuntimeTimer<W>>,
}

/// A key and its timer.
struct Entry<W: 'static> {
    key: Nanos,
    node: &'static RuntimeTimer<W>,
}

impl<W> Clone for Entry<W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W> Copy for Entry<W> {}

impl<W: Sync> Place<W> {
    fn get(&self) -> Entry<W> {
        match self.node.get() {
            Some(node) => Entry {
                key: self.key.get(),
                node,
            },
            None => fatal!("timer heap: empty place"),
        }
    }

    fn set(&self, entry: Entry<W>) {
        self.key.set(entry.key);
        self.node.set(Some(entry.node));
    }
}

/// See the file's header. Positions are counted from 0.
pub(crate) struct DaryHeap<W: 'static> {
    table: Table<Place<W>>,
    len: OwnerCell<usize>,
}

impl<W> DaryHeap<W> {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len.get()
    }
}

impl<W: Sync> DaryHeap<W> {
    pub(crate) const fn new() -> DaryHeap<W> {
        DaryHeap {
            table: Table::new(),
            len: OwnerCell::zero(),
        }
    }

    /// The places in use.
    #[inline]
    fn places(&self) -> &[Place<W>] {
        let slots = self.table.slots();
        slots.get(OFFSET..OFFSET + self.len()).unwrap_or(&[])
    }

    #[inline]
    pub(crate) fn first(&self) -> Option<(Nanos, &'static RuntimeTimer<W>)> {
        let entry = self.places().first()?.get();
        Some((entry.key, entry.node))
    }

    /// The timer at position `i`.
    #[inline]
    pub(crate) fn node(&self, i: usize) -> &'static RuntimeTimer<W> {
        self.places()[i].get().node
    }

    /// Adds a timer and sorts it in.
    pub(crate) fn push(&self, key: Nanos, node: &'static RuntimeTimer<W>) {
        let at = self.push_unsorted(key, node);
        sift_up(self.places(), at);
    }

    /// Adds a timer at the end, for a `rebuild` to come; its position.
    pub(crate) fn push_unsorted(&self, key: Nanos, node: &'static RuntimeTimer<W>) -> usize {
        let len = self.len();
        while self.table.slots().len() <= OFFSET + len {
            self.table.push(Place {
                key: OwnerCell::zero(),
                node: OwnerRef::none(),
            });
        }
        self.len.set(len + 1);
        self.places()[len].set(Entry { key, node });
        len
    }

    /// Removes the first and sorts.
    pub(crate) fn pop_first(&self) {
        self.remove_unsorted(0);
        if self.len() > 0 {
            sift_down(self.places(), 0);
        }
    }

    /// Puts the last one into place `i`, and leaves it unsorted.
    pub(crate) fn remove_unsorted(&self, i: usize) {
        let places = self.places();
        let last = places.len() - 1;
        places[i].set(places[last].get());
        places[last].node.set(None);
        self.len.set(last);
    }

    /// A new key for the first, sorted.
    pub(crate) fn rekey_first(&self, key: Nanos) {
        let places = self.places();
        places[0].key.set(key);
        sift_down(places, 0);
    }

    /// A new key for place `i`, not sorted.
    pub(crate) fn rekey_unsorted(&self, i: usize, key: Nanos) {
        self.places()[i].key.set(key);
    }

    /// Sorts everything, in linear time.
    pub(crate) fn rebuild(&self) {
        let places = self.places();
        if places.len() > 1 {
            let last_parent = (places.len() - 2) / ARITY;
            (0..=last_parent).rev().for_each(|i| sift_down(places, i));
        }
    }

    /// For tests: no child is earlier than its parent.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn is_sorted(&self) -> bool {
        let places = self.places();
        (1..places.len()).all(|i| places[(i - 1) / ARITY].get().key <= places[i].get().key)
    }
}

fn sift_up<W: Sync>(places: &[Place<W>], mut at: usize) {
    let entry = places[at].get();
    while at > 0 {
        let parent = (at - 1) / ARITY;
        let above = places[parent].get();
        if entry.key >= above.key {
            break;
        }
        places[at].set(above);
        at = parent;
    }
    places[at].set(entry);
}

fn sift_down<W: Sync>(places: &[Place<W>], mut at: usize) {
    let entry = places[at].get();
    loop {
        let first = at * ARITY + 1;
        let mut least = entry.key;
        let mut child = at;
        for (i, place) in places.iter().enumerate().skip(first).take(ARITY) {
            let key = place.key.get();
            if key < least {
                least = key;
                child = i;
            }
        }
        if child == at {
            break;
        }
        places[at].set(places[child].get());
        at = child;
    }
    places[at].set(entry);
}

impl<W> std::fmt::Debug for DaryHeap<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DaryHeap({})", self.len())
    }
}

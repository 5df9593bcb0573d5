//! The two orders of a select's cases: the order in which it looks at them, and the order in
//! which it locks their channels.
//!
//! Go: select.go pollorder, lockorder.
#![forbid(unsafe_code)]

use crate::core::base::fastrand::Choice;
use crate::core::m::enter::NoPreempt;

/// Chooses for foreign threads.
static CHOICE: Choice = Choice::new(0x5e1e_c7ed);

const INLINE: usize = 16;

/// Numbers of cases; few of them need no allocation.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    few: [u16; INLINE],
    more: Vec<u16>,
    len: usize,
}

impl Order {
    /// From first to last. Allocates when there are many.
    #[track_caller]
    pub(crate) fn straight(len: usize) -> Order {
        assert!(
            len < usize::from(u16::MAX) - 2,
            "too many operations in a select"
        );
        let mut few = [0; INLINE];
        (0..).zip(&mut few).for_each(|(i, place)| *place = i);
        let more = if len > INLINE {
            (0..len as u16).collect()
        } else {
            Vec::new()
        };
        Order { few, more, len }
    }

    pub(crate) fn as_slice(&self) -> &[u16] {
        if self.len > INLINE {
            &self.more
        } else {
            &self.few[..self.len]
        }
    }

    fn as_mut_slice(&mut self) -> &mut [u16] {
        if self.len > INLINE {
            &mut self.more
        } else {
            &mut self.few[..self.len]
        }
    }

    /// Any order, each as likely.
    pub(crate) fn shuffle(&mut self, rt: &NoPreempt) {
        let choice = rt.m().map_or(&CHOICE, |m| m.choice());
        let order = self.as_mut_slice();
        for i in 1..order.len() {
            order.swap(i, choice.below(i as u32 + 1) as usize);
        }
    }

    /// By a number of each case; those with the same number stay in their order. Allocates
    /// when there are many.
    pub(crate) fn sorted_by(&self, key: impl Fn(usize) -> usize) -> Order {
        let mut sorted = self.clone();
        let order = sorted.as_mut_slice();
        if order.len() > INLINE {
            order.sort_by_key(|&i| key(i as usize));
            return sorted;
        }
        for i in 1..order.len() {
            let mut at = i;
            while at > 0 && key(order[at - 1] as usize) > key(order[at] as usize) {
                order.swap(at - 1, at);
                at -= 1;
            }
        }
        sorted
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::core::m::enter::enter;
    use std::collections::HashMap;

    #[test]
    fn sorting_keeps_all_cases() {
        for len in [0, 1, 5, INLINE, INLINE + 1, 100] {
            let order = Order::straight(len).sorted_by(|i| i * 7 % 13);
            let keys: Vec<usize> = order
                .as_slice()
                .iter()
                .map(|&i| i as usize * 7 % 13)
                .collect();
            assert!(keys.is_sorted());
            let mut all = order.as_slice().to_vec();
            all.sort_unstable();
            assert_eq!(all, Order::straight(len).as_slice());
        }
    }

    #[test]
    fn every_order_is_as_likely() {
        let mut seen = HashMap::new();
        for _ in 0..24_000 {
            let mut order = Order::straight(4);
            order.shuffle(&enter());
            *seen.entry(order.as_slice().to_vec()).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), 24);
        assert!(seen.values().all(|&n| (680..1320).contains(&n)), "{seen:?}");
    }
}

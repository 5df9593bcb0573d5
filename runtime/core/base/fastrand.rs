//! Random choices: a small generator for each M, and the steal order over the Ps.
//!
//! Every random decision of the scheduler comes from here, so that a deterministic mode has only
//! one place to seed.
//!
//! Go: rand.go cheaprand, proc.go randomOrder.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// A wyrand generator: not for secrets, fast, good enough to spread thieves. For
/// one thread at a time; an atomic only so that statics can hold it.
#[derive(Debug)]
pub(crate) struct Choice(AtomicU64);

impl Choice {
    pub(crate) const fn new(seed: u64) -> Choice {
        Choice(AtomicU64::new(seed))
    }

    /// A random 32-bit number.
    pub(crate) fn next_u32(&self) -> u32 {
        let s = self.0.load(Relaxed).wrapping_add(0xa076_1d64_78bd_642f);
        self.0.store(s, Relaxed);
        let wide = u128::from(s) * u128::from(s ^ 0xe703_7ed1_a0b4_28db);
        ((wide >> 64) as u64 ^ wide as u64) as u32
    }

    /// A random number below `n`, without division bias worth speaking of.
    pub(crate) fn below(&self, n: u32) -> u32 {
        ((u64::from(self.next_u32()) * u64::from(n)) >> 32) as u32
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Visits `0..count` once each, starting anywhere, with a random stride coprime to `count`.
#[derive(Debug)]
pub(crate) struct RandomOrder {
    count: u32,
    strides: Vec<u32>,
}

impl RandomOrder {
    pub(crate) fn new(count: u32) -> RandomOrder {
        let strides = (1..=count).filter(|&s| gcd(s, count) == 1).collect();
        RandomOrder { count, strides }
    }

    /// The order that the random number `r` picks.
    pub(crate) fn start(&self, r: u32) -> impl Iterator<Item = usize> + use<> {
        let count = self.count;
        let strides = self.strides.len() as u32;
        let stride = if strides == 0 {
            1
        } else {
            self.strides[(r / count.max(1) % strides) as usize]
        };
        let first = if count == 0 { 0 } else { r % count };
        (0..count).scan(first, move |pos, _| {
            let here = *pos;
            *pos = (here + stride) % count;
            Some(here as usize)
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Go: TestStealOrder.
    #[test]
    fn every_order_visits_each_p_once() {
        for count in 1..=64u32 {
            let order = RandomOrder::new(count);
            let mut seen = HashSet::new();
            for r in 0..count * order.strides.len() as u32 {
                let visited: Vec<usize> = order.start(r).collect();
                let unique: HashSet<usize> = visited.iter().copied().collect();
                assert_eq!(unique.len(), count as usize);
                seen.insert(visited);
            }
            if count >= 3 {
                assert!(order.strides.len() >= 2);
                assert_eq!(seen.len(), count as usize * order.strides.len());
            }
        }
    }

    #[test]
    fn below_stays_below() {
        let choice = Choice::new(7);
        assert!((0..10_000).all(|_| choice.below(5) < 5));
    }
}

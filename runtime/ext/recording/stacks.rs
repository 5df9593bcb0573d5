//! The stacks of goroutines that gave up the CPU, for profiles: each once, by a number that fits into a
//! record. Only where they are asked for.
//!
//! A stack's place in the table follows from its hash, and is taken by a compare-and-swap: M's on several
//! CPUs note stacks without a lock, and allocate nothing.
#![forbid(unsafe_code)]

use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64};

/// Different stacks, and frames of each: 1 MiB.
const STACKS: usize = 4096;
pub(crate) const FRAMES: usize = 32;
/// How far a stack may be from the place that its hash names.
const TRIES: usize = 64;

#[derive(Debug)]
struct Stack {
    /// 0: free.
    hash: AtomicU64,
    /// How many frames are there; 0: they are being written.
    len: AtomicU64,
    frames: [AtomicU64; FRAMES],
}

static WANTED: AtomicBool = AtomicBool::new(false);
static TABLE: OnceLock<Box<[Stack]>> = OnceLock::new();

/// From now on stacks are noted, or not any more. Allocates.
pub(crate) fn want(wanted: bool) {
    if wanted {
        TABLE.get_or_init(|| (0..STACKS).map(|_| Stack::new()).collect());
    }
    WANTED.store(wanted, Relaxed);
}

pub(crate) fn wanted() -> bool {
    WANTED.load(Relaxed)
}

/// The number of this stack; 0: there is no room for it.
pub(crate) fn number_of(frames: &[usize]) -> u16 {
    TABLE.get().map_or(0, |table| find(table, frames))
}

/// The frames of the stack with this number.
pub(crate) fn stack(number: u16) -> Vec<usize> {
    let stack = TABLE
        .get()
        .and_then(|table| table.get(usize::from(number).checked_sub(1)?));
    stack.map_or(Vec::new(), Stack::read)
}

fn hash_of(frames: &[usize]) -> u64 {
    let mix = |hash: u64, &frame: &usize| {
        (hash ^ frame as u64)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29)
    };
    frames.iter().fold(frames.len() as u64, mix).max(1)
}

fn find(table: &[Stack], frames: &[usize]) -> u16 {
    let hash = hash_of(frames);
    for i in 0..TRIES {
        let at = (hash as usize).wrapping_add(i) % table.len();
        let taken = table[at].hash.compare_exchange(0, hash, Relaxed, Relaxed);
        if taken.is_ok() {
            table[at].write(frames);
        }
        if taken.is_ok() || taken == Err(hash) {
            return at as u16 + 1;
        }
    }
    0
}

impl Stack {
    fn new() -> Stack {
        Stack {
            hash: AtomicU64::new(0),
            len: AtomicU64::new(0),
            frames: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// By who has taken it.
    fn write(&self, frames: &[usize]) {
        for (place, &frame) in self.frames.iter().zip(frames) {
            place.store(frame as u64, Relaxed);
        }
        self.len.store(frames.len() as u64, Release); // pairs(trace-stack): read
    }

    fn read(&self) -> Vec<usize> {
        let len = self.len.load(Acquire) as usize; // pairs(trace-stack): write's Release
        let frames = self.frames.iter().take(len);
        frames.map(|frame| frame.load(Relaxed) as usize).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_stacks_have_one_number() {
        let table: Vec<Stack> = (0..2).map(|_| Stack::new()).collect();
        let one = find(&table, &[1, 2, 3]);
        let two = find(&table, &[1, 2, 4]);
        assert_eq!(find(&table, &[1, 2, 3]), one);
        assert!(one != two && one > 0 && two > 0);
        assert_eq!(table[usize::from(two) - 1].read(), [1, 2, 4]);
        assert_eq!(find(&table, &[5]), 0, "it is full");
    }
}

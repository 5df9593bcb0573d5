//! Three rings of four, whose owners and thieves take turns, beside three queues of the standard
//! library.
//!
//! The first byte says how far the counters are from their overflow. Then each byte is an
//! operation (the low three bits) on a ring (the next two) with another one (the next two).
#![forbid(unsafe_code)]

use std::collections::VecDeque;

use crate::core::p::ring::{NumberCell, Ring, half};
use crate::fuzz::input::Input;

const CAP: usize = 4;
const RINGS: usize = 3;
/// Of a refill.
const MOST: usize = 3;

/// The target: see the file's header.
#[allow(unreachable_pub, reason = "public for the fuzzer")]
pub fn ring(bytes: &[u8]) {
    let mut input = Input(bytes);
    let Some(before) = input.byte() else { return };
    let start = 0u32.wrapping_sub(u32::from(before));
    let rings: [Ring<NumberCell, CAP>; RINGS] =
        std::array::from_fn(|_| Ring::starting_at(start));
    let mut queues: [VecDeque<u32>; RINGS] = Default::default();
    let mut next = 1;
    while let Some(byte) = input.byte() {
        let one = usize::from(byte >> 3 & 3) % RINGS;
        let other = usize::from(byte >> 5 & 3) % RINGS;
        match byte & 7 {
            0..=2 => {
                let pushed = rings[one].push(next);
                assert_eq!(pushed, queues[one].len() < CAP, "push");
                if pushed {
                    queues[one].push_back(next);
                }
                next += 1;
            }
            3 | 4 => {
                let expect = queues[one].pop_front();
                let got = rings[one].pop();
                assert_eq!(got.map(|(item, _)| item), expect, "pop");
                let hint = got.and_then(|(_, hint)| hint);
                assert_eq!(hint, queues[one].front().copied(), "the next one");
            }
            5 => {
                let mut got = vec![];
                let n = rings[one].take_share(half, |_, item| got.push(item));
                let half = queues[one].len().div_ceil(2);
                assert!(queues[one].drain(..half).eq(got), "take_share");
                assert_eq!(n as usize, half);
            }
            6 if queues[one].is_empty() && one != other => {
                let most = queues[other].len().min(MOST);
                let mut taken: VecDeque<u32> = queues[other].drain(..most).collect();
                let first = rings[one].refill(&rings[other], MOST as u32);
                assert_eq!(first, taken.pop_front(), "refill");
                queues[one] = taken;
            }
            // A thief has no work of its own.
            _ if queues[one].is_empty() && one != other => {
                let size = queues[other].len().div_ceil(2);
                let mut stolen: VecDeque<u32> = queues[other].drain(..size).collect();
                let got = rings[one].steal(&rings[other], half);
                let expect = stolen.pop_back().map(|newest| (newest, size as u32));
                assert_eq!(got, expect, "steal");
                queues[one] = stolen;
            }
            _ => (),
        }
        for (ring, queue) in rings.iter().zip(&queues) {
            assert_eq!(ring.len(), queue.len());
            assert_eq!(ring.is_empty_and(|| true), queue.is_empty());
            assert!(!ring.is_empty_and(|| false));
        }
    }
}

//! Jobs in batches, each started on its own, as fork and join: what pools of threads are for. How a batch
//! runs is the only thing that differs from side to side.

use std::ops::Range;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::compute::{compute, micros};
use crate::outcome::{Outcome, check, sum_below, timed};

const BATCH: u64 = 1000;

/// The numbers of a batch, and the sum that each job adds its number to.
pub(crate) type Batch<'a> = (Range<u64>, &'a AtomicU64);

pub(crate) fn jobs(n: u64, run: impl Fn(Batch<'_>)) -> Outcome {
    let n = n / BATCH * BATCH + BATCH;
    let sum = AtomicU64::new(0);
    timed(|| {
        for start in (0..n).step_by(BATCH as usize) {
            run((start..start + BATCH, &sum));
        }
        check(sum.load(Relaxed), sum_below(n));
        n
    })
}

/// Computes for 1 µs, and says so.
pub(crate) fn job(i: u64, sum: &AtomicU64) {
    compute(micros(1));
    sum.fetch_add(i, Relaxed);
}

//! How long goroutines wait in run queues: a histogram, which grows from the first time that somebody
//! asks for it. Until then it costs nothing.
//!
//! One wait of eight is timed. Whoever makes a goroutine runnable owns it at that moment, and writes the
//! time into `waits_for`, which nobody needs in a run queue; the M that runs it takes the time out
//! again. `TIMED` in the goroutine's word `stay` sends that M here.
//!
//! Go: runtime2.go gTrackingPeriod, proc.go casgstatus; histogram.go timeHistogram.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::g::goroutine::GRef;
use crate::core::m::current::this_m;
use crate::core::sys::clock::{Nanos, nanotime};
use crate::ext::looks::{self, LATENCY, looks};
use crate::ext::pins::TIMED;

/// One wait of so many is timed. Go: gTrackingPeriod.
const PERIOD: u32 = 8;
/// Waits below this are alike: 2^6 ns.
const LOWEST: u32 = 6;
/// From 64 ns to 18 minutes, in steps of a quarter of a power of two.
const OCTAVES: u32 = 34;
pub(crate) const BUCKETS: usize = 4 * OCTAVES as usize + 2;

struct Latency {
    /// When it began: a time before this is none.
    since: AtomicU64,
    counts: [AtomicU64; BUCKETS],
}

static LATENCY_OF: Latency = Latency {
    since: AtomicU64::new(0),
    counts: [const { AtomicU64::new(0) }; BUCKETS],
};

/// Begins to time. True: it did not before. The caller then stops the world, and lets all goroutines
/// be [`watch`]ed.
pub(crate) fn begin() -> bool {
    let first = LATENCY_OF
        .since
        .compare_exchange(0, nanotime(), Relaxed, Relaxed)
        .is_ok();
    if first {
        looks::begin(LATENCY);
    }
    first
}

/// Its runs are looked at from now on. By whoever owns it.
pub(crate) fn watch(g: GRef) {
    g.stay.set(g.stay.get() | TIMED);
}

pub(crate) fn watch_if_timed(g: GRef) {
    if looks(LATENCY) {
        watch(g);
    }
}

/// It has its number, and is about to be put into a queue.
pub(crate) fn spawned(g: GRef) {
    watch(g);
    becomes_runnable(g);
}

/// By whoever has the right to put it into a queue.
pub(crate) fn becomes_runnable(g: GRef) {
    if !g.is_thread() {
        let timed = this_m().is_some_and(|m| {
            m.made_ready.add(1);
            m.made_ready.get().is_multiple_of(PERIOD)
        });
        g.waits_for
            .set(if timed { nanotime() as usize | 1 } else { 0 });
    }
}

/// An M is about to run it.
pub(crate) fn runs(g: GRef) {
    let ready = g.waits_for.take() as u64;
    let now = nanotime();
    // Odd: what is waited for was an address. It may be one if it was woken as we began.
    if ready & 1 == 1 && (LATENCY_OF.since.load(Relaxed)..=now).contains(&ready) {
        LATENCY_OF.counts[bucket(now - ready)].fetch_add(u64::from(PERIOD), Relaxed);
    }
}

/// Of each bucket, how many waits: so many as were timed, times eight.
pub(crate) fn counts() -> [u64; BUCKETS] {
    std::array::from_fn(|i| LATENCY_OF.counts[i].load(Relaxed))
}

fn bucket(wait: Nanos) -> usize {
    if wait < 1 << LOWEST {
        return 0;
    }
    let octave = wait.ilog2();
    let quarter = wait >> (octave - 2) & 3;
    let index = 4 * (octave - LOWEST) as usize + quarter as usize + 1;
    index.min(BUCKETS - 1)
}

/// The shortest wait in a bucket, in nanoseconds.
pub(crate) fn lower_bound(bucket: usize) -> Nanos {
    match bucket.checked_sub(1) {
        None => 0,
        Some(n) => (4 + n as u64 % 4) << (n as u32 / 4 + LOWEST - 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucket_begins_where_it_says() {
        for i in 0..BUCKETS {
            assert_eq!(bucket(lower_bound(i)), i);
            assert!(i == 0 || bucket(lower_bound(i) - 1) == i - 1);
        }
        assert_eq!(
            (bucket(0), bucket(63), bucket(u64::MAX)),
            (0, 0, BUCKETS - 1)
        );
        assert_eq!((lower_bound(1), lower_bound(5)), (64, 128));
    }
}

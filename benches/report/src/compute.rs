//! Computing for about so long: steps of a generator of random numbers, counted and not timed, so that
//! a task that loses its CPU does not do less.

use std::hint::black_box;
use std::sync::OnceLock;
use std::time::Instant;

/// So many steps.
pub(crate) fn compute(count: u64) {
    let mut x = black_box(count) | 1;
    for _ in 0..count {
        x = (x ^ (x >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    black_box(x);
}

/// How many steps take so many microseconds here. The fastest of some tries: a slow one was disturbed.
pub(crate) fn micros(micros: u64) -> u64 {
    static FOR_A_MILLISECOND: OnceLock<u64> = OnceLock::new();
    let count = FOR_A_MILLISECOND.get_or_init(|| {
        const STEPS: u64 = 100_000;
        let tries = (0..20).map(|_| {
            let start = Instant::now();
            compute(STEPS);
            start.elapsed().as_nanos() as u64
        });
        STEPS * 1_000_000 / tries.min().unwrap_or(1).max(1)
    });
    micros * count / 1000
}

//! What a workload answers.

use std::io;
use std::time::{Duration, Instant};

/// So many operations took so long.
pub(crate) struct Outcome {
    pub(crate) took: Duration,
    pub(crate) operations: u64,
}

/// What a crowd of tasks was like.
pub(crate) struct Crowd {
    /// How many there were, and why not more.
    pub(crate) alive: u64,
    pub(crate) stopped: Option<io::Error>,
    /// To start them all and see them arrive; to let them go and see them end.
    pub(crate) start: Duration,
    pub(crate) end: Duration,
}

/// Times `f`, which answers how many operations it did.
pub(crate) fn timed(f: impl FnOnce() -> u64) -> Outcome {
    let start = Instant::now();
    let operations = f();
    Outcome {
        took: start.elapsed(),
        operations,
    }
}

/// Every workload checks its result; a wrong one ends the measurement.
#[track_caller]
pub(crate) fn check(got: u64, want: u64) {
    assert_eq!(got, want, "wrong result");
}

/// The sum of all numbers below `n`: what many workloads must find.
pub(crate) fn sum_below(n: u64) -> u64 {
    n * n.saturating_sub(1) / 2
}

//! Orders that are known at one P, unless a time slice ends: it may end anywhere, for whoever runs, when
//! the machine is busy. So a program waits for what it supposes, and its order is asked for more than once.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{LIMIT, check_at, yield_until};

/// At one P one of ten runs of the program gives this order.
#[track_caller]
pub(crate) fn in_order<T: PartialEq + Debug + Send + Sync>(
    expected: &[T],
    program: impl Fn() -> Vec<T> + Sync,
) {
    check_at(&[1], LIMIT, || {
        let mut seen = Vec::new();
        let mut as_expected = || {
            // A program's own assertions count on whole slices, too; its panic is kept for the report.
            let order = catch_unwind(AssertUnwindSafe(&program)).ok();
            let equal = order.as_deref() == Some(expected);
            seen.push(order);
            equal
        };
        assert!((0..10).any(|_| as_expected()), "{seen:?}");
    });
}

/// Until so many goroutines wait for this reason. One yield is enough if no slice ends.
#[track_caller]
pub(crate) fn until_waiting(count: usize, reason: &str) {
    yield_until(&format!("{count} goroutines wait: {reason}"), || {
        let all = gosched::goroutines();
        let wait = |g: &&gosched::GoroutineInfo| g.wait_reason == Some(reason);
        all.iter().filter(wait).count() >= count
    });
}

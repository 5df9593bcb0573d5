//! Work that all comes from one P. With two Ps a good balance needs half the time of one; what
//! is missing to that is the price of stealing. Not measured: tasks that spawn tasks.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use gosched::sync::WaitGroup;

use super::timed;

/// About a microsecond that needs no memory: each step waits for the one before, and
/// no compiler can shorten it.
pub(super) fn work() {
    let mut x = black_box(1u64);
    for _ in 0..500 {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    black_box(x);
}

/// An operation: one task of about a microsecond, started by a goroutine that starts them all.
pub(super) fn balance(n: u64) -> Duration {
    let done = Arc::new(WaitGroup::new());
    timed(|| {
        done.add(n as isize);
        for _ in 0..n {
            let done = Arc::clone(&done);
            gosched::go(move || {
                work();
                done.done();
            });
        }
        done.wait();
    })
}

pub(super) fn balance_threads(n: u64) -> Duration {
    let done = Arc::new(WaitGroup::new());
    timed(|| {
        done.add(n as isize);
        for _ in 0..n {
            let done = Arc::clone(&done);
            std::thread::spawn(move || {
                work();
                done.done();
            });
        }
        done.wait();
    })
}

//! The workloads on goroutines.

pub(crate) use gosched::{channel, sync, thread};

#[path = "channels.rs"]
pub(crate) mod channels;
#[path = "crowd.rs"]
pub(crate) mod crowd;
#[path = "late.rs"]
pub(crate) mod late;
#[path = "meetings.rs"]
pub(crate) mod meetings;
#[path = "tasks.rs"]
pub(crate) mod tasks;
#[path = "work.rs"]
pub(crate) mod work;

/// A goroutine for each job.
pub(crate) mod pool {
    use crate::compute::{micros, sum_of};
    use crate::outcome::{Outcome, check, timed};

    const BATCH: u64 = 1000;

    pub(crate) fn jobs(n: u64) -> Outcome {
        let n = n / BATCH * BATCH + BATCH;
        let sum = gosched::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
        timed(|| {
            for start in (0..n).step_by(BATCH as usize) {
                gosched::thread::scope(|s| {
                    for i in start..start + BATCH {
                        let sum = &sum;
                        s.spawn(move || sum_of(sum, i, micros(1)));
                    }
                });
            }
            check(
                sum.load(std::sync::atomic::Ordering::Relaxed),
                n * (n - 1) / 2,
            );
            n
        })
    }
}

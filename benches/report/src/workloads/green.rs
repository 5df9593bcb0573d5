//! The workloads on goroutines.

pub(crate) use gosched::{channel, net, sync, thread};

#[path = "channels.rs"]
pub(crate) mod channels;
#[path = "crowd.rs"]
pub(crate) mod crowd;
#[path = "echo.rs"]
pub(crate) mod echo;
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
    use crate::outcome::Outcome;
    use crate::workloads::pool::{self, job};

    pub(crate) fn jobs(n: u64) -> Outcome {
        pool::jobs(n, |(numbers, sum)| {
            gosched::thread::scope(|s| {
                for i in numbers {
                    s.spawn(move || job(i, sum));
                }
            });
        })
    }
}

//! How late a sleeper wakes beside tasks that compute. Compiled for goroutines and for OS threads (see
//! `workloads/mod.rs`); mini has no sleep that lets others run.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::sync::Arc;
use super::thread;
use crate::compute::{compute, micros};
use crate::gauge::look;
use crate::outcome::{Outcome, check};

/// The lateness that one sleep in a hundred exceeds, as the time of each.
pub(crate) fn lateness(n: u64) -> Outcome {
    const TASKS: u64 = 8;
    const NAP: Duration = Duration::from_millis(1);
    let (stop, count) = (Arc::new(AtomicBool::new(false)), micros(10));
    let busy = |_| {
        let stop = Arc::clone(&stop);
        thread::spawn(move || {
            while !stop.load(Relaxed) {
                compute(count);
            }
            1
        })
    };
    let tasks: Vec<_> = (0..TASKS).map(busy).collect();
    look();
    let nap = |_| {
        let start = Instant::now();
        thread::sleep(NAP);
        start.elapsed().saturating_sub(NAP)
    };
    let mut late: Vec<Duration> = (0..n.max(1)).map(nap).collect();
    stop.store(true, Relaxed);
    check(tasks.into_iter().map(|h| h.join().unwrap()).sum(), TASKS);
    late.sort_unstable();
    Outcome {
        took: late[(late.len() - 1) * 99 / 100] * late.len() as u32,
        operations: late.len() as u64,
    }
}

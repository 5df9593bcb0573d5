//! Many tasks alive at once, all waiting at one door: what one costs, from 1 to 1,000,000.
//! Compiled for goroutines and for OS threads (see `workloads/mod.rs`).

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use super::sync::{Arc, RwLock};
use super::thread;
use crate::outcome::{Crowd, check};

/// What all of them share. The door is a lock that is held until they may go.
#[derive(Default)]
struct Hall {
    door: RwLock<()>,
    arrived: AtomicU64,
    left: AtomicU64,
}

/// Starts `n` tasks, or as many as there can be; calls `full` when all wait, and `alive` now and
/// then before. Then lets them go.
pub(crate) fn crowd(n: u64, mut alive: impl FnMut(u64), full: impl FnOnce()) -> Crowd {
    let hall = Arc::new(Hall::default());
    let door = hall.door.write().unwrap();
    let began = Instant::now();
    let (mut started, mut stopped) = (0, None);
    while started < n && stopped.is_none() {
        let here = Arc::clone(&hall);
        let task = move || {
            here.arrived.fetch_add(1, Relaxed);
            drop(here.door.read().unwrap());
            here.left.fetch_add(1, Relaxed);
        };
        match thread::Builder::new().spawn(task) {
            Ok(_) => started += 1,
            Err(error) => stopped = Some(error),
        }
        if started % 1000 == 0 {
            wait_for(&hall.arrived, started);
            alive(started);
        }
    }
    wait_for(&hall.arrived, started);
    let start = began.elapsed();
    full();
    let began = Instant::now();
    drop(door);
    wait_for(&hall.left, started);
    check(hall.left.load(Relaxed), started);
    Crowd {
        alive: started,
        stopped,
        start,
        end: began.elapsed(),
    }
}

fn wait_for(count: &AtomicU64, all: u64) {
    while count.load(Relaxed) < all {
        thread::yield_now();
    }
}

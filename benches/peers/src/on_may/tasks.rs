//! Birth, yield, park and stacks on may; operations as in `benches/workloads`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use may::coroutine::{current, park, sleep, yield_now};
use may::sync::{Mutex, WaitGroup};

use super::{hundred, spawn};
use crate::extra::work;
use crate::workloads::{scaled, timed};

pub(super) fn find(id: &str) -> Option<fn(u64) -> Duration> {
    Some(match id {
        "spawn/join" => join,
        "spawn/wait" => |n| batches(n, 1000, || ()),
        "spawn/burst" => |n| batches(n, n, || ()),
        "wait/8" => |n| batches(8 * n, 8, || ()),
        "steal/balance" => |n| batches(n, n, work),
        "sleep/crowd" => |n| batches(n, n, || sleep(Duration::from_millis(10))),
        "spawn/fib" => fork_join,
        "yield/1000" => crowd,
        "yield/alone" => |n| timed(|| (0..n).for_each(|_| yield_now())),
        "yield/pair" => |n| {
            timed(|| {
                let yields = move || (0..n.div_ceil(2)).for_each(|_| yield_now());
                let other = spawn(yields);
                yields();
                other.join().unwrap();
            })
        },
        "wake/all" => wake_all,
        "park/ping_pong" => |n| timed(|| pair(n)),
        "park/ping_pong_100" => |n| hundred(n, pair),
        "stack/recycle" => |n| timed(|| (0..n).for_each(|_| spawn(|| ()).join().unwrap())),
        "stack/new" => new,
        _ => return None,
    })
}

fn join(n: u64) -> Duration {
    timed(|| {
        let mut sum = 0;
        for start in (0..n).step_by(1000) {
            let batch = start..n.min(start + 1000);
            let handles: Vec<_> = batch.map(|i| spawn(move || i)).collect();
            sum += handles.into_iter().map(|h| h.join().unwrap()).sum::<u64>();
        }
        assert_eq!(sum, n * n.saturating_sub(1) / 2);
    })
}

/// Tasks that nobody joins; so many are waited for at a time.
fn batches(n: u64, batch: u64, task: fn()) -> Duration {
    timed(|| {
        for start in (0..n).step_by(batch as usize) {
            let all = WaitGroup::new();
            for _ in start..n.min(start + batch) {
                let one = all.clone();
                spawn(move || {
                    task();
                    drop(one);
                });
            }
            all.wait();
        }
    })
}

fn fork_join(n: u64) -> Duration {
    fn fib(k: u32) -> u64 {
        if k < 2 {
            return 1;
        }
        let left = spawn(move || fib(k - 1));
        fib(k - 2) + left.join().unwrap()
    }
    let (mut k, mut leaves, mut next) = (2, 2, 3);
    while next - 1 <= n {
        (k, leaves, next) = (k + 1, next, leaves + next);
    }
    scaled(timed(|| assert_eq!(fib(k), leaves)), leaves - 1, n)
}

fn crowd(n: u64) -> Duration {
    let each = n.div_ceil(1000);
    let took = timed(|| {
        let task = move || (0..each).map(|_| yield_now()).count() as u64;
        let all: Vec<_> = (0..1000).map(|_| spawn(task)).collect();
        let sum: u64 = all.into_iter().map(|h| h.join().unwrap()).sum();
        assert_eq!(sum, each * 1000);
    });
    scaled(took, each * 1000, n)
}

/// Its `park` may come back early, so a flag says whose turn it is.
fn pair(turns: u64) {
    let turn_of_pong = Arc::new(AtomicBool::new(false));
    let rounds = turns.div_ceil(2);
    let wait_for = |turn: &AtomicBool, pong| {
        while turn.load(Relaxed) != pong {
            park();
        }
    };
    let (ping, turn) = (current(), Arc::clone(&turn_of_pong));
    let pong = spawn(move || {
        for _ in 0..rounds {
            wait_for(&turn, true);
            turn.store(false, Relaxed);
            ping.unpark();
        }
    });
    for _ in 0..rounds {
        turn_of_pong.store(true, Relaxed);
        pong.coroutine().unpark();
        wait_for(&turn_of_pong, false);
    }
    pong.join().unwrap();
}

fn new(n: u64) -> Duration {
    let door = Arc::new(Mutex::new(()));
    let held = door.lock().unwrap();
    let mut left = None;
    let took = timed(|| left = Some(parked(n, &door)));
    drop(held);
    left.into_iter().for_each(WaitGroup::wait);
    took
}

/// Its channels' receivers are not woken all at once: each leaves the door to the next.
fn wake_all(n: u64) -> Duration {
    let door = Arc::new(Mutex::new(()));
    let held = door.lock().unwrap();
    let left = parked(n, &door);
    sleep(Duration::from_millis(1));
    timed(|| {
        drop(held);
        left.wait();
    })
}

/// So many coroutines that wait at a door, and who waits for their end.
fn parked(n: u64, door: &Arc<Mutex<()>>) -> WaitGroup {
    let (arrived, left) = (WaitGroup::new(), WaitGroup::new());
    for _ in 0..n {
        let (arrived, left, door) = (arrived.clone(), left.clone(), Arc::clone(door));
        spawn(move || {
            drop(arrived);
            drop(door.lock().unwrap());
            drop(left);
        });
    }
    arrived.wait();
    left
}

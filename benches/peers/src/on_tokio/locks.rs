//! tokio's own mutex and rwlock, which a task may hold while it waits; operations as in
//! `benches/workloads`.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, RwLock};
use tokio::task::yield_now;

use crate::workloads::scaled;

const TASKS: u64 = 8;

pub(super) async fn run(id: &str, n: u64) -> Option<Duration> {
    Some(match id {
        "mutex/uncontended" => uncontended(n).await,
        "mutex/contended" => contended(n, false).await,
        "mutex/hand_over" => contended(n, true).await,
        "rwlock/read_mostly" => read_and_write(n, 100).await,
        "rwlock/rare_writes" => read_and_write(n, 1000).await,
        _ => return None,
    })
}

async fn uncontended(n: u64) -> Duration {
    let m = Mutex::new(0);
    let began = Instant::now();
    for _ in 0..n {
        *black_box(&m).lock().await += 1;
    }
    let took = began.elapsed();
    assert_eq!(m.into_inner(), n);
    took
}

async fn contended(n: u64, yields: bool) -> Duration {
    let m = Arc::new(Mutex::new(0));
    let each = n.div_ceil(TASKS);
    let task = |_| {
        let m = Arc::clone(&m);
        tokio::spawn(async move {
            for _ in 0..each {
                let mut held = m.lock().await;
                *held += 1;
                if yields {
                    yield_now().await;
                }
            }
        })
    };
    let began = Instant::now();
    let all: Vec<_> = (0..TASKS).map(task).collect();
    for one in all {
        one.await.unwrap();
    }
    let took = began.elapsed();
    assert_eq!(*m.lock().await, each * TASKS);
    scaled(took, each * TASKS, n)
}

async fn read_and_write(n: u64, every: u64) -> Duration {
    let lock = Arc::new(RwLock::new(0));
    let each = n.div_ceil(TASKS);
    let task = |_| {
        let lock = Arc::clone(&lock);
        tokio::spawn(async move {
            for i in 0..each {
                if i % every == 0 {
                    *lock.write().await += 1;
                } else {
                    black_box(*lock.read().await);
                }
            }
        })
    };
    let began = Instant::now();
    let all: Vec<_> = (0..TASKS).map(task).collect();
    for one in all {
        one.await.unwrap();
    }
    let took = began.elapsed();
    assert_eq!(*lock.read().await, each.div_ceil(every) * TASKS);
    scaled(took, each * TASKS, n)
}

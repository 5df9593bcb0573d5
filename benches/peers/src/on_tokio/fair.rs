//! `fair.rs` with `async`: tokio can neither take a worker from a task that computes nor from
//! one that blocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::extra::{MILLISECOND, NAP, OVER, hog, ideal, late, work};
use crate::resident::resident;

pub(super) async fn run(id: &str, procs: usize, n: u64) -> Option<f64> {
    match id {
        "fair/hogs" => Some(beside(2 * procs, n, hog).await),
        "fair/blocking" => Some(beside(2 * procs, n, blocker).await),
        "gap/undeclared" => Some(gap(n, || async { std::thread::sleep(NAP) }).await),
        "gap/declared" => Some(gap(n, declared).await),
        "sleep/accuracy" => Some(accuracy(n).await),
        "steal/unbalanced" => Some(unbalanced(procs, n).await),
        "memory/parked" => Some(parked(n).await),
        _ => None,
    }
}

async fn beside(others: usize, n: u64, other: fn()) -> f64 {
    for _ in 0..others {
        tokio::spawn(async move { other() });
    }
    let sleeper = async move {
        let mean = sleeps(n).await;
        OVER.store(true, Relaxed);
        mean
    };
    tokio::spawn(sleeper).await.unwrap()
}

fn blocker() {
    while !OVER.load(Relaxed) {
        std::thread::sleep(5 * MILLISECOND);
    }
}

async fn sleeps(n: u64) -> f64 {
    let mut sum = 0.0;
    for _ in 0..n {
        let began = Instant::now();
        sleep(MILLISECOND).await;
        sum += late(began);
    }
    sum / n as f64
}

async fn declared() {
    let nap = tokio::task::spawn_blocking(|| std::thread::sleep(NAP));
    nap.await.unwrap();
}

async fn gap<F: Future<Output = ()>>(n: u64, block: fn() -> F) -> f64 {
    let ticker = tokio::spawn(async {
        let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
        while !OVER.load(Relaxed) {
            sleep(MILLISECOND).await;
            let now = Instant::now();
            longest = longest.max(now - last);
            last = now;
        }
        longest
    });
    sleep(20 * MILLISECOND).await;
    for _ in 0..n {
        block().await;
        sleep(5 * MILLISECOND).await;
    }
    OVER.store(true, Relaxed);
    ticker.await.unwrap().as_micros() as f64
}

async fn accuracy(n: u64) -> f64 {
    let all: Vec<_> = (0..100).map(|_| tokio::spawn(sleeps(n))).collect();
    let mut sum = 0.0;
    for one in all {
        sum += one.await.unwrap();
    }
    sum / 100.0
}

async fn unbalanced(procs: usize, n: u64) -> f64 {
    let ideal = ideal(n, procs);
    let count = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let task = |_| {
        let count = Arc::clone(&count);
        tokio::spawn(async move {
            work();
            count.fetch_add(1, Relaxed);
        })
    };
    let all: Vec<_> = (0..n).map(task).collect();
    for one in all {
        one.await.unwrap();
    }
    let took = began.elapsed();
    assert_eq!(count.load(Relaxed), n);
    took.as_secs_f64() / ideal.as_secs_f64()
}

async fn parked(n: u64) -> f64 {
    let shared = Arc::new((Mutex::new(()), AtomicU64::new(0)));
    let held = shared.0.lock().await;
    let before = resident().unwrap();
    let task = |_| {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            shared.1.fetch_add(1, Relaxed);
            drop(shared.0.lock().await);
        })
    };
    let all: Vec<_> = (0..n).map(task).collect();
    while shared.1.load(Relaxed) < n {
        sleep(MILLISECOND).await;
    }
    let bytes = (resident().unwrap() - before) / n as f64;
    drop(held);
    for one in all {
        one.await.unwrap();
    }
    bytes
}

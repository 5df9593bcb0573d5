//! Birth, yield, park and stacks on tokio; operations as in `benches/workloads`.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::AcqRel};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore};
use tokio::task::yield_now;
use tokio::time::sleep;

use super::hundred;
use crate::extra::work;
use crate::workloads::scaled;

pub(super) async fn run(id: &str, n: u64) -> Option<Duration> {
    let began = Instant::now();
    match id {
        "spawn/join" => join(n).await,
        "spawn/wait" => batches(n, 1000, || async {}).await,
        "spawn/burst" => batches(n, n, || async {}).await,
        "wait/8" => batches(8 * n, 8, || async {}).await,
        "steal/balance" => batches(n, n, || async { work() }).await,
        "sleep/crowd" => batches(n, n, || sleep(Duration::from_millis(10))).await,
        "spawn/fib" => return Some(fork_join(n).await),
        "yield/1000" => return Some(crowd(n).await),
        "yield/alone" => yields(n).await,
        "yield/pair" => {
            let other = tokio::spawn(yields(n.div_ceil(2)));
            yields(n.div_ceil(2)).await;
            other.await.unwrap();
        }
        "wake/all" => return Some(wake_all(n).await),
        "park/ping_pong" => pair(n).await,
        "park/ping_pong_100" => hundred(n, pair).await,
        "stack/recycle" => recycle(n).await,
        "stack/new" => return Some(new(n).await),
        _ => return None,
    }
    Some(began.elapsed())
}

/// Waits until so many have said `done`.
#[derive(Default)]
struct Group {
    left: AtomicU64,
    none: Notify,
}

impl Group {
    fn of(n: u64) -> Arc<Group> {
        let left = AtomicU64::new(n);
        Arc::new(Group {
            left,
            none: Notify::new(),
        })
    }

    fn done(&self) {
        // What each did before is seen by who waits.
        if self.left.fetch_sub(1, AcqRel) == 1 {
            self.none.notify_one();
        }
    }

    async fn wait(&self) {
        self.none.notified().await;
    }
}

async fn join(n: u64) {
    let mut sum = 0;
    for start in (0..n).step_by(1000) {
        let batch = start..n.min(start + 1000);
        let handles: Vec<_> = batch.map(|i| tokio::spawn(async move { i })).collect();
        for handle in handles {
            sum += handle.await.unwrap();
        }
    }
    assert_eq!(sum, n * n.saturating_sub(1) / 2);
}

/// Tasks that nobody joins; so many are waited for at a time.
async fn batches<F: Future<Output = ()> + Send + 'static>(n: u64, batch: u64, task: fn() -> F) {
    for start in (0..n).step_by(batch as usize) {
        let size = batch.min(n - start);
        let group = Group::of(size);
        for _ in 0..size {
            let group = Arc::clone(&group);
            tokio::spawn(async move {
                task().await;
                group.done();
            });
        }
        group.wait().await;
    }
}

async fn fork_join(n: u64) -> Duration {
    fn fib(k: u32) -> Pin<Box<dyn Future<Output = u64> + Send>> {
        Box::pin(async move {
            if k < 2 {
                return 1;
            }
            let left = tokio::spawn(fib(k - 1));
            fib(k - 2).await + left.await.unwrap()
        })
    }
    let (mut k, mut leaves, mut next) = (2, 2, 3);
    while next - 1 <= n {
        (k, leaves, next) = (k + 1, next, leaves + next);
    }
    let began = Instant::now();
    assert_eq!(fib(k).await, leaves);
    scaled(began.elapsed(), leaves - 1, n)
}

async fn yields(n: u64) {
    for _ in 0..n {
        yield_now().await;
    }
}

async fn crowd(n: u64) -> Duration {
    let each = n.div_ceil(1000);
    let began = Instant::now();
    let all: Vec<_> = (0..1000).map(|_| tokio::spawn(yields(each))).collect();
    for one in all {
        one.await.unwrap();
    }
    scaled(began.elapsed(), each * 1000, n)
}

/// `Notify` is tokio's park and unpark.
async fn pair(turns: u64) {
    let (ping, pong) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let rounds = turns.div_ceil(2);
    let (at_ping, at_pong) = (Arc::clone(&ping), Arc::clone(&pong));
    let other = tokio::spawn(async move {
        for _ in 0..rounds {
            at_pong.notified().await;
            at_ping.notify_one();
        }
    });
    for _ in 0..rounds {
        pong.notify_one();
        ping.notified().await;
    }
    other.await.unwrap();
}

async fn recycle(n: u64) {
    for _ in 0..n {
        tokio::spawn(async {}).await.unwrap();
    }
}

async fn new(n: u64) -> Duration {
    let began = Instant::now();
    let (door, left) = parked(n).await;
    let took = began.elapsed();
    door.close();
    left.wait().await;
    took
}

async fn wake_all(n: u64) -> Duration {
    let (door, left) = parked(n).await;
    sleep(Duration::from_millis(1)).await;
    let began = Instant::now();
    door.close();
    left.wait().await;
    began.elapsed()
}

/// So many tasks that wait at a door, and who waits for their end.
async fn parked(n: u64) -> (Arc<Semaphore>, Arc<Group>) {
    let (arrived, left) = (Group::of(n), Group::of(n));
    let door = Arc::new(Semaphore::new(0));
    for _ in 0..n {
        let (arrived, left) = (Arc::clone(&arrived), Arc::clone(&left));
        let door = Arc::clone(&door);
        tokio::spawn(async move {
            arrived.done();
            _ = door.acquire().await; // until it is closed
            left.done();
        });
    }
    arrived.wait().await;
    (door, left)
}

//! tokio's mpsc channels; operations as in `benches/workloads`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::sync::mpsc::{self, Receiver, channel, unbounded_channel};

use super::hundred;

pub(super) async fn run(id: &str, n: u64) -> Option<Duration> {
    let began = Instant::now();
    match id {
        "chan/ping_pong" => pair(n).await,
        "chan/ping_pong_100" => hundred(n, pair).await,
        "chan/spsc_128" => transfer(n, 1).await,
        "chan/mpmc_128" => transfer(n, 4).await,
        "chan/spsc_unbounded" => unbounded(n, 1).await,
        "chan/mpmc_unbounded" => unbounded(n, 4).await,
        "chan/select_4" => select_4(n).await,
        _ => return None,
    }
    Some(began.elapsed())
}

async fn pair(turns: u64) {
    let ((ping, mut at_pong), (pong, mut at_ping)) = (channel(1), channel(1));
    let other = tokio::spawn(async move {
        while let Some(turn) = at_pong.recv().await {
            pong.send(turn).await.unwrap();
        }
    });
    for round in 0..turns.div_ceil(2) {
        ping.send(round).await.unwrap();
        assert_eq!(at_ping.recv().await, Some(round));
    }
    drop(ping);
    other.await.unwrap();
}

/// A receiver of one or of several tasks.
enum Shared<R> {
    Mine(R),
    Ours(Arc<Mutex<R>>),
}

impl<R> Shared<R> {
    fn split(receiver: R, tasks: u64) -> Vec<Shared<R>> {
        if tasks == 1 {
            return vec![Shared::Mine(receiver)];
        }
        let ours = Arc::new(Mutex::new(receiver));
        (0..tasks)
            .map(|_| Shared::Ours(Arc::clone(&ours)))
            .collect()
    }
}

/// Sums up what comes until the channel is closed.
macro_rules! sum {
    ($shared:expr) => {
        async move {
            let (mut shared, mut sum) = ($shared, 0);
            loop {
                let value = match &mut shared {
                    Shared::Mine(receiver) => receiver.recv().await,
                    Shared::Ours(receiver) => receiver.lock().await.recv().await,
                };
                match value {
                    Some(value) => sum += value,
                    None => return sum,
                }
            }
        }
    };
}

async fn transfer(n: u64, tasks: u64) {
    let (to, from) = channel(128);
    for first in 0..tasks {
        let to = to.clone();
        tokio::spawn(async move {
            for i in (first..n).step_by(tasks as usize) {
                to.send(i).await.unwrap();
            }
        });
    }
    drop(to);
    let shares = Shared::split(from, tasks).into_iter();
    let all: Vec<_> = shares.map(|share| tokio::spawn(sum!(share))).collect();
    check(all, n).await;
}

async fn unbounded(n: u64, tasks: u64) {
    let (to, from): (mpsc::UnboundedSender<u64>, _) = unbounded_channel();
    for first in 0..tasks {
        let to = to.clone();
        tokio::spawn(async move {
            (first..n)
                .step_by(tasks as usize)
                .for_each(|i| to.send(i).unwrap());
        });
    }
    drop(to);
    let shares = Shared::split(from, tasks).into_iter();
    let all: Vec<_> = shares.map(|share| tokio::spawn(sum!(share))).collect();
    check(all, n).await;
}

async fn check(sums: Vec<tokio::task::JoinHandle<u64>>, n: u64) {
    let mut all = 0;
    for sum in sums {
        all += sum.await.unwrap();
    }
    assert_eq!(all, n * n.saturating_sub(1) / 2);
}

async fn select_4(n: u64) {
    let source = |first: u64| {
        let (to, from) = channel(16);
        tokio::spawn(async move {
            for i in (first..n).step_by(4) {
                to.send(i).await.unwrap();
            }
        });
        from
    };
    let [mut a, mut b, mut c, mut d]: [Receiver<u64>; 4] = [0, 1, 2, 3].map(source);
    let (mut sum, mut got) = (0, 0);
    while got < n {
        let value = tokio::select! {
            Some(value) = a.recv() => value,
            Some(value) = b.recv() => value,
            Some(value) = c.recv() => value,
            Some(value) = d.recv() => value,
        };
        sum += value;
        got += 1;
    }
    assert_eq!(sum, n * n.saturating_sub(1) / 2);
}

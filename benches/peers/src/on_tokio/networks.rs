//! Many tasks joined by channels of capacity 1; operations as in `benches/workloads`.

use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::workloads::{scaled, sieve_size};

pub(super) async fn run(id: &str, n: u64) -> Option<Duration> {
    Some(match id {
        "net/sieve" => sieve(n).await,
        "net/daisy" => daisy(n).await,
        "net/skynet" => skynet(n).await,
        _ => return None,
    })
}

async fn sieve(n: u64) -> Duration {
    let (count, last, hops) = sieve_size(n);
    let began = Instant::now();
    let (to, mut end) = channel(1);
    tokio::spawn(async move {
        for i in 2u32.. {
            if to.send(i).await.is_err() {
                return;
            }
        }
    });
    let mut prime = 0;
    for _ in 0..count {
        prime = end.recv().await.unwrap();
        let (to, next) = channel(1);
        let from = std::mem::replace(&mut end, next);
        tokio::spawn(filter(prime, from, to));
    }
    assert_eq!(prime, last);
    scaled(began.elapsed(), hops, n)
}

async fn filter(prime: u32, mut from: Receiver<u32>, to: Sender<u32>) {
    while let Some(i) = from.recv().await {
        if i % prime != 0 && to.send(i).await.is_err() {
            return;
        }
    }
}

async fn daisy(n: u64) -> Duration {
    let began = Instant::now();
    let (mut to, mut first) = channel(1);
    for _ in 0..n {
        let (next_to, mut from) = channel(1);
        let to = std::mem::replace(&mut to, next_to);
        tokio::spawn(async move {
            let value: u64 = from.recv().await.unwrap();
            to.send(value + 1).await.unwrap();
        });
    }
    to.send(0).await.unwrap();
    assert_eq!(first.recv().await, Some(n));
    began.elapsed()
}

async fn skynet(n: u64) -> Duration {
    let leaves = 10u64.pow(n.max(1).ilog10());
    let began = Instant::now();
    let (to, mut sum) = channel(1);
    tokio::spawn(node(to, 0, leaves));
    assert_eq!(sum.recv().await, Some(leaves * (leaves - 1) / 2));
    scaled(began.elapsed(), (leaves * 10 - 1) / 9, n)
}

fn node(up: Sender<u64>, first: u64, leaves: u64) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        if leaves == 1 {
            return up.send(first).await.unwrap();
        }
        let (to, mut sums) = channel(1);
        for child in 0..10 {
            let size = leaves / 10;
            tokio::spawn(node(to.clone(), first + child * size, size));
        }
        let mut sum = 0;
        for _ in 0..10 {
            sum += sums.recv().await.unwrap();
        }
        up.send(sum).await.unwrap();
    })
}

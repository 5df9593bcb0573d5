//! The workloads on tokio, multi-threaded, as one writes them for it: tasks are futures, an
//! unbuffered channel is one of capacity 1, and several receivers share one under a mutex.

use std::time::Duration;

use crate::system::per;

mod fair;
mod locks;
mod messages;
mod networks;
mod tasks;

pub(crate) fn run(id: &str, procs: usize, n: u64) -> Option<f64> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(procs)
        .enable_time()
        .build()
        .expect("tokio starts");
    let id = id.to_owned();
    // As a task: what `block_on` itself runs is outside of the workers.
    let main = async move {
        match operations(&id, n).await {
            Some(took) => Some(per(took, n)),
            None => fair::run(&id, procs, n).await,
        }
    };
    runtime.block_on(async { tokio::spawn(main).await.expect("the workload ends well") })
}

async fn operations(id: &str, n: u64) -> Option<Duration> {
    let mut took = tasks::run(id, n).await;
    if took.is_none() {
        took = locks::run(id, n).await;
    }
    if took.is_none() {
        took = messages::run(id, n).await;
    }
    if took.is_none() {
        took = networks::run(id, n).await;
    }
    took
}

/// A hundred pairs at once, with `n` turns in all.
async fn hundred<F: Future<Output = ()> + Send + 'static>(n: u64, pair: fn(u64) -> F) {
    let all: Vec<_> = (0..100)
        .map(|_| tokio::spawn(pair(n.div_ceil(100))))
        .collect();
    for one in all {
        one.await.unwrap();
    }
}

//! All workloads through criterion: `cargo bench --bench suite -- mutex` runs those whose id has
//! `mutex` in it. Ids: `spawn/join/p1`, `spawn/join/p2` (so many Ps), `spawn/join/std` (OS
//! threads), `spawn/join/mini1`, `mini2` (`runtime/mini`). Few samples and short ones: the whole suite takes about two minutes; numbers to
//! publish come from `benches/compare.rs`.
#![allow(unsafe_code, reason = "the door into the runtime")]
#![allow(missing_docs, reason = "criterion's macros")]

use std::time::Duration;

use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use workloads::mini::on_mini;
use workloads::{PROCS, ROWS, on_goroutines};

#[allow(dead_code, reason = "the sizes of runs are for compare.rs")]
mod workloads;

/// `work` with no fewer than a twentieth of the operations that `compare` does. With few of them
/// criterion would measure what is done once: a thousand goroutines that yield once each get a stack each.
fn enough(most: u64, n: u64, work: impl Fn(u64) -> Duration) -> Duration {
    let did = n.max(most / 20);
    work(did).mul_f64(n as f64 / did as f64)
}

fn all(c: &mut Criterion) {
    for row in ROWS {
        let mut group = c.benchmark_group(row.id);
        group.sampling_mode(SamplingMode::Flat); // an operation is not worth a run of its own
        for procs in PROCS {
            group.bench_function(format!("p{procs}"), |b| {
                b.iter_custom(|n| {
                    enough(row.n, n, |n| on_goroutines(row.goroutines, procs, n))
                });
            });
        }
        for procs in PROCS
            .into_iter()
            .filter(|_| on_mini(row.id, 1, 1).is_some())
        {
            group.bench_function(format!("mini{procs}"), |b| {
                b.iter_custom(|n| {
                    enough(row.n, n, |n| {
                        on_mini(row.id, procs, n).expect("mini has it")
                    })
                });
            });
        }
        group.bench_function("std", |b| b.iter_custom(row.threads));
        group.finish();
    }
}

criterion_group! {
    name = suite;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
        .without_plots();
    targets = all
}
criterion_main!(suite);

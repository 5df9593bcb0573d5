//! runtime/api/err_group.rs: a pool of workers that ends at the first error.
//! A producer feeds jobs into a channel, workers do them. What to notice: nobody counts messages
//! or sets a flag to stop. The job that fails cancels the context; producer and workers wait for
//! that beside their channel, so all of them end by themselves, and `wait` has the error.

use clap::Parser;
use gosched::channel::{Receiver, Sender, bounded, select};
use gosched::context::{self, BoxError, Context};
use gosched::sync::ErrGroup;
use gosched_examples::{println, spinner};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Workers that end at the first error.
#[derive(Parser)]
struct Args {
    /// The number of the bad job
    #[arg(default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    bad: u64,
}

const WORKERS: usize = 4;

/// 1, 2, 3, ... without end: only the context stops it.
fn produce(ctx: &Context, jobs: &Sender<u64>) {
    for job in 1.. {
        select! {
            send(jobs, job) -> sent => if sent.is_err() { return },
            recv(ctx.done()) -> _ => return,
        }
    }
}

/// Does jobs until one fails, here or elsewhere.
fn work(
    ctx: &Context,
    jobs: &Receiver<u64>,
    bad: u64,
    done: &AtomicU64,
) -> Result<(), BoxError> {
    loop {
        select! {
            recv(jobs) -> job => {
                let Ok(job) = job else { return Ok(()) }; // the producer has gone
                if job == bad {
                    return Err(format!("job {job} is bad").into());
                }
                done.fetch_add(1, Relaxed);
            }
            recv(ctx.done()) -> _ => return Ok(()),
        }
    }
}

fn pool(bad: u64) {
    let (group, ctx) = ErrGroup::with_context(&context::background());
    let (sender, jobs) = bounded(WORKERS);
    let done = Arc::new(AtomicU64::new(0));
    for _ in 0..WORKERS {
        let (ctx, jobs, done) = (ctx.clone(), jobs.clone(), Arc::clone(&done));
        group.go(move || work(&ctx, &jobs, bad, &done));
    }
    let producer = ctx.clone();
    group.go(move || {
        produce(&producer, &sender);
        Ok(())
    });
    if let Err(error) = group.wait() {
        println!("error: {error}");
    }
    println!("{WORKERS} workers did {} jobs", done.load(Relaxed));
    let (end, cause) = (ctx.err().unwrap(), ctx.cause().unwrap());
    println!("the context ended: {end}; the cause: {cause}");
}

fn main() {
    let bad = Args::parse().bad;
    let live = spinner("four workers do jobs");
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    unsafe { gosched::run(|| pool(bad)) };
    live.finish_and_clear();
}

// $ cargo run --release --example worker_pool -- 1000
// error: job 1000 is bad
// 4 workers did ... jobs
// the context ended: context canceled; the cause: job 1000 is bad

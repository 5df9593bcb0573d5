//! runtime/ext/latency.rs: what the scheduler does, live, once a second: goroutines by state, threads, and
//! how long goroutines wait in run queues. Any program can have it: `gosched_examples::top` is one call, and
//! `gosched::metrics::read` is what it reads.
//! What to notice: half of the waits are short, and some last as long as a slice: hogs are in front of
//! them.

use std::time::{Duration, Instant};

use clap::Parser;
use gosched::channel::bounded;
use gosched::go;
use gosched::sync::{Arc, Mutex};
use gosched::thread::sleep;
use gosched_examples::top;

/// The scheduler's metrics, live.
#[derive(Parser)]
struct Args {
    /// For so many rounds
    #[arg(default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// ... of so many milliseconds
    #[arg(default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    millis: u64,
}

fn main() {
    let Args { rounds, millis } = Args::parse();
    let body = || {
        load();
        let watcher = top(Duration::from_millis(millis), rounds);
        while !watcher.is_finished() {
            sleep(Duration::from_millis(1));
        }
    };
    // SAFETY: nothing in the closure is tied to an OS thread.
    unsafe { gosched::Builder::new().procs(2).run(body) }
}

/// Something to see: pairs that talk, some that fight for a lock, hogs for half of the time.
fn load() {
    for _ in 0..10 {
        let (to, from) = bounded(0);
        go(move || _ = from.iter().map(std::hint::black_box::<u64>).max());
        go(move || {
            for n in 0.. {
                to.send(n).expect("the other one never ends");
                sleep(Duration::from_micros(200));
            }
        });
    }
    let lock = Arc::new(Mutex::new(0));
    for _ in 0..4 {
        let lock = Arc::clone(&lock);
        go(move || {
            loop {
                let mut held = lock.lock().expect("nobody panics");
                *held += 1;
                sleep(Duration::from_micros(100));
                drop(held);
            }
        });
    }
    for _ in 0..3 {
        go(|| {
            loop {
                let begin = Instant::now();
                while begin.elapsed() < Duration::from_millis(50) {
                    std::hint::spin_loop();
                }
                sleep(Duration::from_millis(50));
            }
        });
    }
}

// $ cargo run --release --example top -- 2 200
// goroutines   ...: ... run, ... in queues, ... in the kernel, ... wait; ... ever
// threads      ... at 2 Ps
// mutexes      ... slept for
// queued       ... times: half within ..., 99 of 100 within ...
// ...

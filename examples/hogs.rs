//! runtime/ext/preempt/preempt_signal.rs: four goroutines that never call anything share the processors all
//! the same. What to notice: each gets about as much, and the goroutine that sleeps beside them
//! wakes within some slices of 10 ms.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use clap::Parser;
use gosched::thread::{sleep, spawn};
use gosched_examples::{paint, println};

/// Endless loops share the processors.
#[derive(Parser)]
struct Args {
    /// How long, in tenths of a second
    #[arg(default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    tenths: u32,
}

const HOGS: usize = 4;

fn main() {
    let tenths = Args::parse().tenths;
    // SAFETY: nothing in the closure is tied to an OS thread.
    unsafe { gosched::Builder::new().procs(2).run(|| watch(tenths)) }
}

fn watch(tenths: u32) {
    let stop = Arc::new(AtomicBool::new(false));
    let counts: [Arc<AtomicU64>; HOGS] = Default::default();
    let hogs = counts.clone().map(|count| {
        let stop = Arc::clone(&stop);
        spawn(move || {
            while !stop.load(Relaxed) {
                count.store(count.load(Relaxed) + 1, Relaxed);
            }
        })
    });
    let mut late = Duration::ZERO;
    for tenth in 1..=tenths {
        let start = std::time::Instant::now();
        sleep(Duration::from_millis(100));
        late = late.max(start.elapsed() - Duration::from_millis(100));
        if tenth % 10 == 0 || tenth == tenths {
            show(&counts);
        }
    }
    stop.store(true, Relaxed);
    hogs.into_iter().for_each(|hog| hog.join().unwrap());
    println!("this goroutine's sleeps were {late:?} late at most");
}

fn show(counts: &[Arc<AtomicU64>]) {
    let counts: Vec<u64> = counts.iter().map(|count| count.load(Relaxed)).collect();
    let most = counts.iter().max().copied().unwrap_or(1).max(1);
    for (i, count) in counts.iter().enumerate() {
        let bar = "#".repeat((count * 40 / most) as usize);
        println!("hog {i} {:>6} million {}", count / 1_000_000, paint(i, bar));
    }
}

// $ cargo run --release --example hogs -- 10
// hog 0 ... million #...
// hog 1 ... million #...
// hog 2 ... million #...
// hog 3 ... million #...
// this goroutine's sleeps were ... late at most

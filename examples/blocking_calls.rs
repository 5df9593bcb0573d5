//! runtime/ext/preempt/handoff.rs: thousands of goroutines make blocking calls of std's, which know
//! nothing of goroutines.
//!
//! What to notice: the others go on meanwhile: the P is taken from a thread that is blocked in the kernel. Each
//! blocked call needs a thread, for as long as it blocks, so here at most 50 are in it at a
//! time. tokio would block a worker for each call, and with them everything, unless each is
//! wrapped in `spawn_blocking`; a thread for each would need 3,000 of them.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use clap::Parser;
use gosched::sync::{Semaphore, WaitGroup};
use gosched::thread::{spawn, yield_now};
use gosched_examples::println;

/// Blocking calls of std, which do not stop the other goroutines.
#[derive(Parser)]
struct Args {}

const GOROUTINES: usize = 3_000;

fn main() {
    Args::parse();
    // SAFETY: nothing in the closure is tied to an OS thread.
    unsafe { gosched::Builder::new().procs(1).run(calls) }
}

fn calls() {
    let at_once = Arc::new(Semaphore::new(50));
    let done = Arc::new(AtomicBool::new(false));
    let ticker = spawn({
        let done = Arc::clone(&done);
        move || longest_gap(&done)
    });
    let all = Arc::new(WaitGroup::new());
    for i in 0..GOROUTINES {
        let at_once = Arc::clone(&at_once);
        all.go(move || {
            let _one_of_50 = at_once.permit(1);
            call(i);
        });
    }
    all.wait();
    done.store(true, Relaxed);
    let (ticks, gap) = ticker.join().unwrap();
    let threads = gosched::metrics().threads;
    println!("{GOROUTINES} goroutines blocked, on 1 P and {threads} threads");
    println!("another one ticked {ticks} times meanwhile, {gap:?} apart at most");
}

fn call(i: usize) {
    match i % 3 {
        0 => std::thread::sleep(Duration::from_millis(5)),
        1 => {
            let mut text = String::new();
            let mut file = File::open("/proc/self/status").expect("Linux");
            file.read_to_string(&mut text).expect("text");
        }
        _ => std::thread::scope(|s| {
            s.spawn(|| std::thread::sleep(Duration::from_millis(2)));
        }),
    }
}

/// How often a goroutine that only yields comes round, and the longest it had to wait.
fn longest_gap(done: &AtomicBool) -> (u32, Duration) {
    let (mut ticks, mut gap, mut last) = (0, Duration::ZERO, Instant::now());
    while !done.load(Relaxed) {
        yield_now();
        let now = Instant::now();
        (ticks, gap, last) = (ticks + 1, gap.max(now - last), now);
    }
    (ticks, gap)
}

// $ cargo run --release --example blocking_calls
// 3000 goroutines blocked, on 1 P and ... threads
// another one ticked ... times meanwhile, ... apart at most

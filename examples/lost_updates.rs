//! runtime/api/sync/mutex.rs: eight goroutines count to a million together, and the sum is wrong. Each reads
//! the sum, adds one and writes it back; what others wrote in between is lost. Go's classic data race,
//! but without undefined behaviour: the read and the write are atomic, only the whole is not.
//! What to notice: how many are lost differs from run to run. It can happen at one P too, since a goroutine may
//! be stopped between its read and its write. Then the three cures: a lock, one atomic operation, and an
//! owner whom the others send to.
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use clap::Parser;
use gosched::channel::bounded;
use gosched::sync::Mutex;
use gosched::thread::{scope, yield_now};
use gosched_examples::{paint, println, spinner};

/// Counts that get lost, and three ways to keep them.
#[derive(Parser)]
struct Args {
    /// How often each of the eight goroutines counts
    #[arg(default_value_t = 125_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    each: u64,
}

const TASKS: u64 = 8;

/// Runs `count` in eight goroutines at once.
fn eight(each: u64, count: impl Fn() + Sync) {
    scope(|s| {
        for _ in 0..TASKS {
            s.spawn(|| {
                for i in 0..each {
                    count();
                    if i % 1000 == 0 {
                        yield_now();
                    }
                }
            });
        }
    });
}

fn lost(each: u64) -> u64 {
    let sum = AtomicU64::new(0);
    eight(each, || {
        let old = sum.load(Relaxed);
        sum.store(black_box(old + 1), Relaxed);
    });
    sum.into_inner()
}

fn locked(each: u64) -> u64 {
    let sum = Mutex::new(0);
    eight(each, || *sum.lock().unwrap() += 1);
    sum.into_inner().unwrap()
}

fn atomic(each: u64) -> u64 {
    let sum = AtomicU64::new(0);
    eight(each, || _ = sum.fetch_add(1, Relaxed));
    sum.into_inner()
}

fn owned(each: u64) -> u64 {
    let (to, counts) = bounded(64);
    for _ in 0..TASKS {
        let to = to.clone();
        gosched::go(move || (0..each).for_each(|_| to.send(1).unwrap()));
    }
    drop(to); // the owner's loop ends when the last sender has gone
    counts.iter().sum()
}

fn show(name: &str, each: u64, count: fn(u64) -> u64) {
    let live = spinner(name);
    let (sum, all) = (count(each), each * TASKS);
    live.finish_and_clear();
    let right = if sum == all {
        paint(3, "right")
    } else {
        paint(5, format!("{} are lost", all - sum))
    };
    println!("{name:<28} {TASKS} x {each} = {sum:>9}  {right}");
}

fn main() {
    let each = Args::parse().each;
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    unsafe {
        gosched::run(|| {
            show("read, add one, write", each, lost);
            show("under a mutex", each, locked);
            show("one atomic operation", each, atomic);
            show("sent to the owner", each, owned);
        });
    }
}

// $ cargo run --release --example lost_updates -- 1000
// read, add one, write ... 8 x 1000 = ...
// under a mutex                8 x 1000 =      8000  right
// one atomic operation         8 x 1000 =      8000  right
// sent to the owner            8 x 1000 =      8000  right

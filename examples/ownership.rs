//! runtime/core/wait/raw_mutex.rs: eight goroutines count to a million together. In Go they may write
//! one variable at the same time, and the sum comes out wrong; here that does not compile:
//!
//! ```text
//! let mut sum = 0;
//! scope(|s| for _ in 0..8 { s.spawn(|| sum += 1); });
//! error[E0499]: cannot borrow `sum` as mutable more than once at a time
//! ```
//!
//! So somebody has to own the sum: a mutex that lends it, a goroutine that others send to, each
//! goroutine a part of its own, or the processor (an atomic).
//! What to notice: all sums are right, and the price differs a hundredfold. Sharing nothing is
//! the cheapest; a channel costs the most a value, so send large ones: here, a thousand counts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use clap::Parser;
use gosched::channel::bounded;
use gosched::sync::Mutex;
use gosched::thread::{scope, spawn};
use gosched_examples::println;

/// Eight goroutines count to a million; who owns the sum?
#[derive(Parser)]
struct Args {}

const TASKS: u64 = 8;

fn a_mutex_lends_it(each: u64) -> u64 {
    let sum = Mutex::new(0);
    scope(|s| {
        for _ in 0..TASKS {
            s.spawn(|| (0..each).for_each(|_| *sum.lock().unwrap() += 1));
        }
    });
    sum.into_inner().unwrap()
}

/// Messages of `size`; the sum belongs to who receives, and nobody else can name it.
fn a_goroutine_has_it(each: u64, size: u64) -> u64 {
    let (to, counts) = bounded(64);
    for _ in 0..TASKS {
        let to = to.clone();
        gosched::go(move || (0..each / size).for_each(|_| to.send(size).unwrap()));
    }
    drop(to);
    counts.iter().sum()
}

fn the_processor_has_it(each: u64) -> u64 {
    let sum = AtomicU64::new(0);
    scope(|s| {
        for _ in 0..TASKS {
            s.spawn(|| (0..each).for_each(|_| _ = sum.fetch_add(1, Relaxed)));
        }
    });
    sum.into_inner()
}

fn each_has_a_part(each: u64) -> u64 {
    let count = move || {
        (0..each)
            .map(std::hint::black_box)
            .fold(0, |sum, _| sum + 1)
    };
    let parts: Vec<_> = (0..TASKS).map(|_| spawn(count)).collect();
    parts.into_iter().map(|part| part.join().unwrap()).sum()
}

fn show(name: &str, each: u64, count: impl FnOnce(u64) -> u64) {
    let start = Instant::now();
    let sum = count(each);
    let took = start.elapsed();
    let price = took.as_nanos() as f64 / sum as f64;
    let bar = "#".repeat((price.max(0.01) * 100.0).log2().ceil() as usize);
    println!("{name:<36} {sum:>8}  {price:>6.2} ns a count  {bar}");
    assert_eq!(sum, each * TASKS);
}

fn main() {
    Args::parse();
    let each = 125_000;
    println!("# is a doubling of the price");
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    unsafe {
        gosched::run(|| {
            show("a goroutine has it", each, |n| a_goroutine_has_it(n, 1));
            show("a goroutine has it, 1000 at a time", each, |n| {
                a_goroutine_has_it(n, 1000)
            });
            show("a mutex lends it", each, a_mutex_lends_it);
            show("the processor has it", each, the_processor_has_it);
            show("each has a part", each, each_has_a_part);
        });
    }
}

// $ cargo run --release --example ownership
// # is a doubling of the price
// a goroutine has it ...  1000000 ... ns a count  #...
// a goroutine has it, 1000 at a time ...  1000000 ... ns a count  #...
// a mutex lends it ...  1000000 ... ns a count  #...
// the processor has it ...  1000000 ... ns a count  #...
// each has a part ...  1000000 ... ns a count  #...

//! runtime/api/thread/join.rs: Fibonacci by fork and join, the worst way to compute it and a good
//! way to spawn: every call forks a goroutine for fib(n-1), computes fib(n-2) itself and joins.
//! What to notice: hundreds of thousands of goroutines, most of them waiting for another one, on
//! as many threads as there are CPUs; and what one costs from birth to join.

use std::time::Instant;

use clap::Parser;
use gosched::thread::spawn;
use gosched_examples::{println, spinner};

/// Fibonacci numbers by fork and join.
#[derive(Parser)]
struct Args {
    /// Which one; each takes 1.6 times as long as the one before
    #[arg(default_value_t = 25, value_parser = clap::value_parser!(u32).range(..=40))]
    n: u32,
}

fn fib(n: u32) -> u64 {
    if n < 2 {
        return u64::from(n);
    }
    let left = spawn(move || fib(n - 1));
    let right = fib(n - 2);
    left.join().expect("fib does not panic") + right
}

fn main() {
    let n = Args::parse().n;
    let live = spinner("forks and joins");
    // SAFETY: no value that is tied to an OS thread lives across a join.
    let (answer, took, now) = unsafe {
        gosched::run(|| {
            let start = Instant::now();
            let answer = fib(n);
            (answer, start.elapsed(), gosched::metrics())
        })
    };
    live.finish_and_clear();
    println!("fib({n}) = {answer}");
    let goroutines = now.created;
    println!(
        "{goroutines} goroutines on {} Ps and {} OS threads",
        now.gomaxprocs, now.threads
    );
    let each = took.as_nanos() / u128::from(goroutines);
    println!("{took:.1?}, {each} ns a goroutine, from spawn to join");
}

// $ cargo run --release --example fib -- 20
// fib(20) = 6765
// ... goroutines on ... Ps and ... OS threads
// ..., ... ns a goroutine, from spawn to join

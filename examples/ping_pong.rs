//! runtime/api/thread/parker.rs: two goroutines hand the turn to each other with `park` and `unpark`,
//! then two OS threads do the same. What to notice: a goroutine's turn is two switches in user
//! space; a thread's turn goes through the kernel, which has to put one to sleep and wake the
//! other.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use clap::Parser;
use gosched_examples::{paint, println, spinner};

/// Hands the turn to and fro, between goroutines and between threads.
#[derive(Parser)]
struct Args {
    /// Round trips
    #[arg(default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

fn goroutines(rounds: u32) -> Duration {
    use gosched::thread::{current, park, spawn};
    let ping = current();
    let pong = spawn(move || {
        for _ in 0..rounds {
            park();
            ping.unpark();
        }
    });
    let start = Instant::now();
    for _ in 0..rounds {
        pong.thread().unpark();
        park();
    }
    pong.join().expect("pong does not panic");
    start.elapsed()
}

/// The same with std's words. `park` may return early there, so the turn is a message.
fn threads(rounds: u32) -> Duration {
    let (to_pong, at_pong) = channel();
    let (to_ping, at_ping) = channel();
    let pong = std::thread::spawn(move || {
        for turn in at_pong {
            to_ping.send(turn).expect("ping waits for it");
        }
    });
    let start = Instant::now();
    for turn in 0..rounds {
        to_pong.send(turn).expect("pong waits for it");
        assert_eq!(at_ping.recv(), Ok(turn));
    }
    drop(to_pong);
    pong.join().expect("pong does not panic");
    start.elapsed()
}

fn main() {
    let rounds = Args::parse().rounds;
    let live = spinner("two goroutines, then two threads");
    // SAFETY: no value that is tied to an OS thread lives across a park.
    let ours = unsafe { gosched::run(|| goroutines(rounds)) } / rounds;
    let theirs = threads(rounds) / rounds;
    live.finish_and_clear();
    println!("{rounds} round trips, two turns each");
    let most = ours.max(theirs);
    for (i, (name, time)) in [("goroutines", ours), ("OS threads", theirs)]
        .into_iter()
        .enumerate()
    {
        let bar = "#".repeat((40.0 * time.div_duration_f32(most)).ceil() as usize);
        println!(
            "  2 {name}  {:>7} ns a round trip  {}",
            time.as_nanos(),
            paint(i, bar)
        );
    }
}

// $ cargo run --release --example ping_pong -- 10000
// 10000 round trips, two turns each
//   2 goroutines  ... ns a round trip  #...
//   2 OS threads  ... ns a round trip  #...

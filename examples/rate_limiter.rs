//! runtime/api/time/ticker.rs: nine requests come at once, then three more; no more than one in
//! 10 ms may pass. A ticker lets through one a tick; a bucket with room for four tokens, which a
//! ticker fills, lets as many pass at once after a quiet time.
//! What to notice: the limiter is a receive. Who must wait is a goroutine that sleeps in the
//! channel's queue and costs nothing; they pass in the order in which they came.

use std::time::{Duration, Instant};

use clap::Parser;
use gosched::channel::{Receiver, bounded, unbounded};
use gosched::thread::sleep;
use gosched::time::Ticker;
use gosched_examples::println;

/// Twelve requests, and two ways to let them through slowly.
#[derive(Parser)]
struct Args {}

const TICK: Duration = Duration::from_millis(10);

/// Requests of one kind pass when `limit` lets them: prints how many in each tick.
fn requests(name: &str, limit: impl Fn() + Send + Sync + 'static) {
    let limit = std::sync::Arc::new(limit);
    let (passed, log) = unbounded();
    let start = Instant::now();
    let come = |id: u32| {
        let (limit, passed) = (limit.clone(), passed.clone());
        gosched::go(move || {
            limit();
            passed.send((id, start.elapsed())).unwrap();
        });
    };
    (0..9).for_each(come);
    sleep(20 * TICK);
    (9..12).for_each(come);
    let log: Vec<(u32, Duration)> = log.iter().take(12).collect();
    let mut line = [0; 24];
    for (_, at) in &log {
        line[(at.div_duration_f32(TICK).round() as usize).min(23)] += 1;
    }
    let line: String = line
        .iter()
        .map(|&n| if n == 0 { ".".into() } else { n.to_string() })
        .collect();
    println!("{name:<9}|{line}|");
}

/// Tokens: four now, then one a tick, never more than four.
fn bucket() -> Receiver<()> {
    let (fill, tokens) = bounded(4);
    (0..4).for_each(|_| fill.send(()).unwrap());
    gosched::go(move || {
        let ticker = Ticker::new(TICK);
        // Ends when nobody has the bucket any more.
        while ticker.c().recv().is_ok() && fill.send(()).is_ok() {}
    });
    tokens
}

fn main() {
    Args::parse();
    println!("a column: 10 ms; how many passed in it");
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    unsafe {
        gosched::run(|| {
            requests("no limit", || ());
            let ticker = Ticker::new(TICK);
            requests("ticker", move || {
                let _ = ticker.c().recv();
            });
            let tokens = bucket();
            requests("bucket", move || tokens.recv().unwrap());
        });
    }
}

// $ cargo run --release --example rate_limiter
// a column: 10 ms; how many passed in it
// no limit |...|
// ticker   |...|
// bucket   |...|

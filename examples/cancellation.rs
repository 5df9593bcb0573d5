//! runtime/ext/chan/close.rs: a thousand goroutines search for a number whose hash ends in zeros.
//! The first that has one closes the channel `done`, on which nothing is ever sent: that wakes
//! all who wait for it, and whoever looks at it later sees it too. Go's contexts are made of
//! this.
//! What to notice: a close is a message to any number of receivers. Goroutines cannot be killed
//! from outside; each looks at `done`, in a `select!` when it waits, by `try_recv` when it
//! computes. After that none is left: a goroutine that nobody stops lives for ever.

use std::time::{Duration, Instant};

use clap::Parser;
use gosched::channel::{Receiver, Sender, TryRecvError, bounded, select, tick};
use gosched::sync::{Arc, WaitGroup};
use gosched_examples::{println, spinner as live};

/// A thousand goroutines search; the first to find something stops all.
#[derive(Parser)]
struct Args {
    /// Zeros at the end of the hash; one more is twice the work
    #[arg(default_value_t = 28, value_parser = clap::value_parser!(u32).range(..=40))]
    zeros: u32,
}

const SEARCHERS: u64 = 1000;

fn hash(mut x: u64) -> u64 {
    for _ in 0..3 {
        x = (x ^ (x >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    x
}

/// Computes: looks at `done` now and then.
fn search(me: u64, zeros: u32, found: &Sender<u64>, done: &Receiver<()>) {
    for (i, n) in (me + 1..).step_by(SEARCHERS as usize).enumerate() {
        if hash(n).trailing_zeros() >= zeros {
            let _ = found.try_send(n); // full: somebody was faster
            return;
        }
        if i % 100 == 0 && done.try_recv() == Err(TryRecvError::Disconnected) {
            return;
        }
        if i % 1000 == 0 {
            gosched::thread::yield_now();
        }
    }
}

/// Waits: `done` is one more case.
fn spinner(done: &Receiver<()>) {
    let (ticks, line) = (
        tick(Duration::from_millis(2)),
        live("a thousand goroutines search"),
    );
    let mut count = 0;
    loop {
        select! {
            recv(ticks) -> _ => count += 1,
            recv(done) -> _ => break,
        }
    }
    line.finish_and_clear();
    println!("the spinner turned, in ticks: {count}");
}

fn main() {
    let zeros = Args::parse().zeros;
    let life = || {
        let before = gosched::num_goroutine();
        let ((found, result), (cancel, done)) = (bounded(1), bounded(0));
        let all = Arc::new(WaitGroup::new());
        for me in 0..SEARCHERS {
            let (found, done) = (found.clone(), done.clone());
            all.go(move || search(me, zeros, &found, &done));
        }
        all.go(move || spinner(&done));
        let n: u64 = result.recv().expect("a searcher finds one");
        println!("hash({n}) ends in {} zeros", hash(n).trailing_zeros());
        let start = Instant::now();
        cancel.close();
        all.wait();
        println!("all ended {:.1?} after the close", start.elapsed());
        while gosched::num_goroutine() > before {
            gosched::thread::yield_now(); // the last one has said `done`, and is about to go
        }
        println!(
            "goroutines before: {before}, now: {}",
            gosched::num_goroutine()
        );
    };
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    unsafe { gosched::run(life) };
}

// $ cargo run --release --example cancellation -- 12
// hash(...) ends in ... zeros
// the spinner turned, in ticks: ...
// all ended ... after the close
// goroutines before: 1, now: 1

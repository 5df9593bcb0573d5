//! runtime/api/err_group.rs: twelve downloads, three at a time, with `ErrGroup::set_limit`. `go` waits until there is
//! room, so the loop that starts them goes at their pace.
//! What to notice: never more than three lines overlap. With `--bad 5` the fifth one fails: those that run
//! finish, the others see the cancelled context and do not begin, and `wait` returns the first error.
use std::time::{Duration, Instant};

use clap::Parser;
use gosched::context::{self, BoxError};
use gosched::sync::{Arc, ErrGroup, Mutex};
use gosched_examples::{Timeline, println};

/// Twelve downloads, three at a time.
#[derive(Parser)]
struct Args {
    /// The number of a download that fails
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=12))]
    bad: Option<u32>,
}

const MS: Duration = Duration::from_millis(1);

fn download(n: u32, bad: Option<u32>) -> Result<(), BoxError> {
    gosched::thread::sleep(MS * (4 + n * 7 % 10));
    if bad == Some(n) {
        return Err(format!("download {n}: connection refused").into());
    }
    Ok(())
}

fn downloads(bad: Option<u32>) {
    let (group, ctx) = ErrGroup::with_context(&context::background());
    group.set_limit(Some(3));
    let (log, start) = (Arc::new(Mutex::new(Vec::new())), Instant::now());
    for n in 1..=12 {
        let (ctx, log) = (ctx.clone(), log.clone());
        group.go(move || {
            if ctx.err().is_some() {
                return Ok(());
            }
            let began = Instant::now();
            let result = download(n, bad);
            log.lock()
                .unwrap()
                .push((n, began, Instant::now(), result.is_ok()));
            result
        });
    }
    let end = group.wait();
    let mut log = std::mem::take(&mut *log.lock().unwrap());
    log.sort_unstable();
    let mut timeline = Timeline::new(start, MS);
    for &(n, began, done, good) in &log {
        timeline.span(
            &format!("{n:>2}"),
            if good { '#' } else { '!' },
            Some(n as usize),
            began,
            done,
        );
    }
    timeline.print();
    let done = log.iter().filter(|one| one.3).count();
    match end {
        Ok(()) => println!("all {done} are there"),
        Err(error) => println!(
            "{done} are there, {} did not begin; {error}",
            12 - log.len()
        ),
    }
}

fn main() {
    let bad = Args::parse().bad;
    println!("#: a download   !: it failed   a column: 1 ms");
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    unsafe { gosched::run(move || downloads(bad)) };
}

// $ cargo run --release --example at_most_three
// #: a download   !: it failed   a column: 1 ms
//    1 |...#...
// ...
//   12 |...#...
// all 12 are there

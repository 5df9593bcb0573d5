//! runtime/api/sync/semaphore.rs: ten goroutines need a printer, and there are three. A semaphore counts the free
//! ones; a permit gives itself back when it is dropped, also by a panic.
//! What to notice: never more than three print. They come in the order in which they asked; and the large
//! job, which needs all three printers at once, is not overtaken by the small ones behind it.
use std::time::{Duration, Instant};

use clap::Parser;
use gosched::sync::{Mutex, Semaphore};
use gosched::thread::{scope, sleep};
use gosched_examples::{Timeline, println};

/// Ten jobs, three printers.
#[derive(Parser)]
struct Args {
    /// How many printers there are
    #[arg(default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=10))]
    printers: u8,
}

const MS: Duration = Duration::from_millis(1);
const JOBS: usize = 10;
/// This job needs all printers.
const LARGE: usize = 5;

fn main() {
    let printers = usize::from(Args::parse().printers);
    println!("#: prints   L: prints on all   .: waits for a printer   a column: 1 ms");
    let jobs = move || {
        let (free, start) = (Semaphore::new(printers), Instant::now());
        let log = Mutex::new(Vec::new());
        scope(|s| {
            for job in 0..JOBS {
                let (free, log) = (&free, &log);
                s.spawn(move || {
                    sleep(MS * job as u32);
                    let asked = Instant::now();
                    let permit = free.permit(if job == LARGE { printers } else { 1 });
                    let began = Instant::now();
                    sleep(8 * MS);
                    drop(permit);
                    log.lock()
                        .unwrap()
                        .push((job, asked, began, Instant::now()));
                });
            }
        });
        let mut log = log.into_inner().unwrap();
        log.sort_unstable();
        let mut timeline = Timeline::new(start, MS);
        for (job, asked, began, done) in log {
            let name = format!("job {job}");
            timeline.span(&name, '.', None, asked, began);
            let mark = if job == LARGE { 'L' } else { '#' };
            timeline.span(&name, mark, Some(job), began, done);
        }
        timeline.print();
    };
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    unsafe { gosched::run(jobs) };
}

// $ cargo run --release --example semaphore
// #: prints   L: prints on all   .: waits for a printer   a column: 1 ms
//   job 0 |...#...
// ...
//   job 5 |...LLL...
// ...
//   job 9 |...#...

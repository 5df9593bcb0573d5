//! runtime/ext/chan/recv.rs: fan-out and fan-in. Three goroutines take from one channel (fan-out), and send what
//! they make into another (fan-in), which main reads.
//! What to notice: no dispatcher. Whoever is free takes the next item, so the fast one does more. A channel
//! closes when its last sender is dropped: first main's, which ends the workers' loops, and with them
//! the workers' own senders, which ends main's.
use std::time::Duration;

use clap::Parser;
use gosched::channel::{bounded, unbounded};
use gosched_examples::{columns, paint, println};

/// One channel in, three workers, one channel out.
#[derive(Parser)]
struct Args {
    /// How many items
    #[arg(default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1000))]
    items: u32,
}

/// A worker and how many ms it needs for an item.
const WORKERS: [(&str, u64); 3] = [("fast", 1), ("medium", 2), ("slow", 6)];

fn main() {
    let items = Args::parse().items;
    let work = || {
        let (jobs, todo) = unbounded();
        let (results, done) = bounded(0);
        for (i, (_, ms)) in WORKERS.into_iter().enumerate() {
            let (todo, results) = (todo.clone(), results.clone());
            gosched::go(move || {
                for job in todo {
                    gosched::thread::sleep(Duration::from_millis(ms));
                    results.send((i, job)).unwrap();
                }
            });
        }
        drop(results);
        (0..items).for_each(|job| jobs.send(job).unwrap());
        drop(jobs);
        let all: Vec<(usize, u32)> = done.iter().collect();
        println!("who finished, in order:");
        let line = |part: &[(usize, u32)]| -> String {
            let letter = |&(i, _): &(usize, u32)| paint(i, WORKERS[i].0[..1].to_uppercase());
            part.iter().map(letter).collect()
        };
        all.chunks(columns().map_or(60, |all| all.clamp(12, 62) - 2))
            .for_each(|part| println!("  {}", line(part)));
        for (i, (name, _)) in WORKERS.into_iter().enumerate() {
            let count = all.iter().filter(|one| one.0 == i).count();
            println!(
                "{name:<7} {count:>3} {}",
                paint(i, "#".repeat(count.min(60)))
            );
        }
        let mut jobs: Vec<u32> = all.iter().map(|one| one.1).collect();
        jobs.sort_unstable();
        println!("each item came once: {}", jobs.into_iter().eq(0..items));
    };
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    unsafe { gosched::run(work) };
}

// $ cargo run --release --example fan
// who finished, in order:
//   ...
// fast   ...
// medium ...
// slow   ...
// each item came once: true

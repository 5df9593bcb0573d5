//! runtime/api/thread/join.rs: a pool of workers whose results come in the order of the jobs, although the workers
//! finish in another order.
//! What to notice: a job carries its own way back, a channel with room for one result. Main keeps these
//! channels in a queue, in order, and reads them one after the other. Nothing is sorted, and a result
//! that is early waits in its channel.
use std::collections::VecDeque;
use std::time::Duration;

use clap::Parser;
use gosched::channel::{Sender, bounded};
use gosched_examples::{paint, println};

/// Results in the order of the jobs.
#[derive(Parser)]
struct Args {
    /// How many jobs
    #[arg(default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=1000))]
    jobs: u32,
}

const WORKERS: usize = 4;

/// A word, and where the answer goes.
type Job = (u32, Sender<(usize, u32)>);

fn main() {
    let count = Args::parse().jobs;
    let pool = move || {
        let (jobs, todo) = bounded::<Job>(WORKERS);
        let (finished, finishes) = gosched::channel::unbounded();
        for worker in 0..WORKERS {
            let (todo, finished) = (todo.clone(), finished.clone());
            gosched::go(move || {
                for (n, back) in todo {
                    gosched::thread::sleep(Duration::from_millis(u64::from(n * 7 % 10)));
                    finished.send((worker, n)).unwrap();
                    back.send((worker, n * n)).unwrap();
                }
            });
        }
        drop(finished);
        let mut answers = VecDeque::new();
        for n in 1..=count {
            let (back, answer) = bounded(1);
            jobs.send((n, back)).unwrap();
            answers.push_back(answer);
        }
        drop(jobs);
        let answers: Vec<(usize, u32)> = answers
            .iter()
            .map(|answer| answer.recv().unwrap())
            .collect();
        let show = |all: &[(usize, u32)]| -> String {
            let words: Vec<String> = all.iter().map(|&(worker, n)| paint(worker, n)).collect();
            words.join(" ")
        };
        println!("finished: {}", show(&finishes.iter().collect::<Vec<_>>()));
        println!("squares:  {}", show(&answers));
        let right = answers
            .iter()
            .map(|one| one.1)
            .eq((1..=count).map(|n| n * n));
        println!("in order: {right}");
    };
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    unsafe { gosched::run(pool) };
}

// $ cargo run --release --example in_order
// finished: ...
// squares:  1 4 9 16 25 36 49 64 81 100 121 144
// in order: true

//! runtime/api/sync/barrier.rs: four goroutines work in rounds. Nobody begins the next round before all have
//! finished this one; then a barrier opens for all of them at once.
//! What to notice: each round takes as long as its slowest goroutine. One of the four is told that it is the
//! leader; it does what has to be done once between two rounds.
use std::time::{Duration, Instant};

use clap::Parser;
use gosched::sync::{Barrier, Mutex};
use gosched::thread::{scope, sleep};
use gosched_examples::{Timeline, println};

/// Rounds that nobody begins early.
#[derive(Parser)]
struct Args {
    /// How many rounds
    #[arg(default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=5))]
    rounds: u32,
}

const MS: Duration = Duration::from_millis(1);
const WORKERS: usize = 4;

/// How long worker `i` works in a round.
fn work(i: usize, round: u32) -> Duration {
    MS * (4 + (i as u32 * 5 + round * 3) % 13)
}

fn main() {
    let rounds = Args::parse().rounds;
    println!("1 2 3: works in this round   .: waits at the barrier   a column: 1 ms");
    let rounds_of_work = move || {
        let (barrier, start) = (Barrier::new(WORKERS), Instant::now());
        let log = Mutex::new(Vec::new());
        scope(|s| {
            for i in 0..WORKERS {
                let (barrier, log) = (&barrier, &log);
                s.spawn(move || {
                    for round in 1..=rounds {
                        let began = Instant::now();
                        sleep(work(i, round));
                        let done = Instant::now();
                        let leads = barrier.wait().is_leader();
                        log.lock().unwrap().push((
                            i,
                            round,
                            began,
                            done,
                            Instant::now(),
                            leads,
                        ));
                    }
                });
            }
        });
        let mut log = log.into_inner().unwrap();
        log.sort_unstable();
        let mut timeline = Timeline::new(start, MS);
        let mut leaders = 0;
        for (i, round, began, done, open, leads) in log {
            let name = format!("worker {i}");
            let digit = char::from_digit(round, 10).expect("five rounds at most");
            timeline.span(&name, digit, Some(round as usize), began, done);
            timeline.span(&name, '.', None, done, open);
            leaders += u32::from(leads);
        }
        timeline.print();
        println!("{rounds} rounds, {leaders} leaders");
    };
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    unsafe { gosched::run(rounds_of_work) };
}

// $ cargo run --release --example barrier
// 1 2 3: works in this round   .: waits at the barrier   a column: 1 ms
//   worker 0 |...1...
//   worker 1 |...1...
//   worker 2 |...1...
//   worker 3 |...1...
// 3 rounds, 3 leaders

//! Everything an ordinary program does, preempted every millisecond: allocation, printing,
//! std's locks and queues, maps, thread-locals, floating point and vector registers, files,
//! processes, threads, panics, recursion; with every result checked.
//!
//! A moment of it is recorded, and the trace is read back.
//!
//! 3 s at each number of Ps, or `TORTURE_SECS`. In a child process, as the time slice is set by
//! its environment, and as it prints into a pipe whose every line is checked here.
#![allow(
    unsafe_code,
    reason = "gosched::run is the unsafe door; vector registers"
)]

mod support;

#[path = "torture/units.rs"]
mod units;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use gosched::thread::{spawn, yield_now};
use support::child;
use support::read_back::Reader;
use support::watchdog::Watchdog;
use units::UNITS;

const NAME: &str = "preempted_every_millisecond";
/// Goroutines for each kind of work.
const EACH: usize = 3;

fn seconds() -> u64 {
    let text = std::env::var("TORTURE_SECS").unwrap_or_else(|_| "3".into());
    text.parse().expect("TORTURE_SECS: a number of seconds")
}

/// In the child.
fn torture() {
    println!(); // the harness has begun a line
    let end = Instant::now() + Duration::from_secs(seconds());
    let reader = Reader::start();
    let rounds: Vec<Arc<AtomicU64>> = UNITS.iter().map(|_| Arc::default()).collect();
    let mut all = Vec::new();
    for who in 0..EACH {
        for (&(_, unit), rounds) in UNITS.iter().zip(&rounds) {
            let rounds = Arc::clone(rounds);
            all.push(spawn(move || {
                let mut round = 0;
                while Instant::now() < end {
                    unit(who as u64, round);
                    round += 1;
                    if round % 4 == 0 {
                        yield_now();
                    }
                }
                rounds.fetch_add(round, Relaxed);
            }));
        }
    }
    all.into_iter().for_each(|h| h.join().unwrap());
    for ((name, _), rounds) in UNITS.iter().zip(&rounds) {
        println!("{} rounds of {name}", rounds.load(Relaxed));
    }
    println!("{} events of the scheduler read back", reader.events());
    println!("torture over");
}

#[test]
fn preempted_every_millisecond() {
    if let Some(ps) = child::role() {
        let builder = gosched::Builder::new().procs(ps.parse().unwrap());
        let limit = Duration::from_secs(seconds() + 180);
        let _dog = Watchdog::new(&format!("torture at {ps} Ps"), limit, gosched::dump);
        // SAFETY: no unit suspends while it holds anything that is tied to a thread.
        return unsafe { builder.run(torture) };
    }
    for ps in ["1", "2", "4"] {
        let mut command = child::again(NAME, ps);
        command.env("GOSCHED", "slice=1ms");
        let ended = child::run(&mut command, Duration::from_secs(seconds() + 240));
        let wrong = |why: &str| -> ! { panic!("{ps} Ps: {why}: {}", tail(&ended)) };
        if ended.status != Some(0) || !ended.stdout.contains("torture over") {
            wrong("it did not end well");
        }
        let printed = units::check_lines(&ended.stdout).unwrap_or_else(|e| wrong(&e));
        let mut summary = ended.stdout.lines().filter(|l| l.contains(" rounds of "));
        if summary.clone().any(|l| l.starts_with("0 ")) {
            wrong("something never ran");
        }
        let summary: Vec<_> = summary
            .by_ref()
            .map(|l| l.replace("rounds of ", ""))
            .collect();
        println!("{ps} Ps: {}; {printed} lines", summary.join(", "));
    }
}

/// What a child wrote last: enough to understand, not all of what it printed. A last word of
/// its own is where the story begins.
fn tail(ended: &child::Ended) -> String {
    let last = |text: &str| {
        let lines: Vec<&str> = text.lines().collect();
        let words = ["fatal error", "rule D", "watchdog"];
        let begins = lines
            .iter()
            .position(|l| words.iter().any(|w| l.contains(w)));
        let begins = begins.unwrap_or(lines.len().saturating_sub(25));
        let story = lines.iter().skip(begins).take(120).copied();
        story.collect::<Vec<_>>().join("\n")
    };
    format!(
        "status {:?}, signal {:?}, timed out: {}\n--- stdout\n{}\n--- stderr\n{}",
        ended.status,
        ended.signal,
        ended.timed_out,
        last(&ended.stdout),
        last(&ended.stderr)
    )
}

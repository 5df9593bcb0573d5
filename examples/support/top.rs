//! The scheduler's metrics, live: a block of lines a second, in place of the one before.
//!
//! A plain thread watches, so that it sees a program also when all Ps are busy.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::time::Duration;

use gosched::metrics::{self, Histogram, Value};

const LATENCIES: &str = "/sched/latencies:seconds";
const BAR: usize = 40;

/// Watches the program that it is called in: `rounds` times, one each `period`. Returns at once; the
/// handle ends when all are over.
pub fn top(period: Duration, rounds: u32) -> std::thread::JoinHandle<()> {
    let mut before = latencies();
    std::thread::spawn(move || {
        let mut last = 0;
        for _ in 0..rounds {
            std::thread::sleep(period);
            let now = latencies();
            let text = block(&now.since(&before));
            let text = crate::wrapped(&text, crate::columns().unwrap_or(usize::MAX));
            before = now;
            if std::io::stdout().is_terminal() && last > 0 {
                print!("\x1b[{last}A\x1b[J"); // up, and everything below away
            }
            last = text.lines().count();
            anstream::println!("{text}");
        }
    })
}

fn latencies() -> Histogram {
    match metrics::read(LATENCIES) {
        Some(Value::Histogram(histogram)) => histogram,
        _ => unreachable!("every version has it"),
    }
}

fn number(name: &str) -> f64 {
    match metrics::read(name) {
        Some(Value::Count(n)) => n as f64,
        Some(Value::Amount(n)) => n,
        _ => 0.0,
    }
}

/// `12 us`.
fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-6 => format!("{:.0} ns", s * 1e9),
        s if s < 1e-3 => format!("{:.0} us", s * 1e6),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s => format!("{s:.1} s"),
    }
}

fn block(waits: &Histogram) -> String {
    let mut text = String::new();
    let mut line = |label: &str, rest: String| {
        let _ = writeln!(text, "{} {rest}", crate::paint(0, format!("{label:<12}")));
    };
    let state = |name: &str| number(&format!("/sched/goroutines/{name}:goroutines"));
    line(
        "goroutines",
        format!(
            "{:.0}: {:.0} run, {:.0} in queues, {:.0} in the kernel, {:.0} wait; {:.0} ever",
            number("/sched/goroutines:goroutines"),
            state("running"),
            state("runnable"),
            state("not-in-go"),
            state("waiting"),
            number("/sched/goroutines-created:goroutines"),
        ),
    );
    line(
        "threads",
        format!(
            "{:.0} at {:.0} Ps",
            number("/sched/threads/total:threads"),
            number("/sched/gomaxprocs:threads")
        ),
    );
    line(
        "mutexes",
        format!(
            "{} slept for",
            time(number("/sync/mutex/wait/total:seconds"))
        ),
    );
    let of = |share| waits.quantile(share).map_or("-".to_owned(), time);
    line(
        "queued",
        format!(
            "{} times: half within {}, 99 of 100 within {}",
            waits.total(),
            of(0.5),
            of(0.99)
        ),
    );
    // One bar for each power of ten.
    let mut decades = [0_u64; 8];
    for (count, begin) in waits.counts.iter().zip(&waits.buckets) {
        let decade = (begin.max(1e-8).log10() + 8.0) as usize;
        decades[decade.min(7)] += count;
    }
    let most = decades.iter().max().copied().unwrap_or(0).max(1);
    for (i, count) in decades.iter().enumerate().filter(|(_, count)| **count > 0) {
        let from = time(10_f64.powi(i as i32 - 8));
        let bar = "#".repeat((count * BAR as u64).div_ceil(most) as usize);
        line(&format!("  {from:>7}.."), format!("{count:>9} {bar}"));
    }
    text
}

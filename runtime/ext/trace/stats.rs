//! What a recording comes to, in numbers.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use crate::ext::trace::lives::{Ended, Lives, State};

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stats {
    pub(crate) goroutines: usize,
    pub(crate) runs: usize,
    /// For each P, the share of the time in which it ran a goroutine.
    pub(crate) busy: BTreeMap<u32, f64>,
    /// How long goroutines that could run waited for a P: 50, 90, 99 and 100 per cent.
    pub(crate) latency: [u64; 4],
    /// Runs by the rule that chose them, the most frequent first.
    pub(crate) rules: Vec<(&'static str, usize)>,
    /// Time waited by reason, the longest first; and how often.
    pub(crate) waits: Vec<(&'static str, u64, usize)>,
    /// Runs whose P was taken.
    pub(crate) retaken: usize,
    /// What else there was: goroutines stolen, timers, searches, sleeps, stacks.
    pub(crate) besides: Vec<String>,
}

impl Stats {
    pub(crate) fn of(lives: &Lives) -> Stats {
        let mut stats = Stats {
            goroutines: lives.gs.len(),
            runs: lives.runs.len(),
            ..Stats::default()
        };
        let mut ran: BTreeMap<u32, u64> = lives.held.iter().map(|&(p, ..)| (p, 0)).collect();
        let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
        for run in &lives.runs {
            *ran.entry(run.p).or_default() += run.to - run.from;
            stats.retaken += usize::from(run.ended_by == Ended::Retaken);
            if let Some(rule) = run.rule {
                *rules.entry(rule.name()).or_default() += 1;
            }
        }
        let all = lives.end.max(1) as f64;
        stats.busy = ran.iter().map(|(&p, &t)| (p, t as f64 / all)).collect();
        stats.rules = rules.into_iter().collect();
        stats
            .rules
            .sort_by_key(|&(name, n)| (std::cmp::Reverse(n), name));
        let mut latencies = Vec::new();
        let mut waits: BTreeMap<&str, (u64, usize)> = BTreeMap::new();
        for life in lives.gs.values() {
            for (i, span) in life.spans.iter().enumerate() {
                match span.state {
                    State::Runnable if i + 1 < life.spans.len() => {
                        latencies.push(span.to - span.from);
                    }
                    State::Waiting(reason) => {
                        let (time, n) = waits.entry(reason.as_str()).or_default();
                        *time += span.to - span.from;
                        *n += 1;
                    }
                    _ => (),
                }
            }
        }
        latencies.sort_unstable();
        stats.besides = besides(lives);
        stats.latency = [50, 90, 99, 100].map(|percent| at_percent(&latencies, percent));
        stats.waits = waits.into_iter().map(|(why, (t, n))| (why, t, n)).collect();
        stats
            .waits
            .sort_by_key(|&(why, time, _)| (std::cmp::Reverse(time), why));
        stats
    }
}

fn besides(lives: &Lives) -> Vec<String> {
    let stolen: u32 = lives.steals.iter().map(|steal| steal.n).sum();
    let looked: u64 = lives.looks.iter().map(|look| look.to - look.from).sum();
    let largest = lives.grown.iter().map(|grown| grown.bytes).max();
    let all = [
        (
            lives.steals.len(),
            "steals",
            format!(" ({stolen} goroutines)"),
        ),
        (lives.timers.len(), "timers", String::new()),
        (
            lives.looks.len(),
            "searches for work",
            format!(" ({})", time(looked)),
        ),
        (lives.sleeps.len(), "sleeps of Ms", String::new()),
        (
            lives.grown.len(),
            "larger stacks",
            format!(" (to {} KiB)", largest.unwrap_or(0) >> 10),
        ),
    ];
    let all = all.into_iter().filter(|(n, ..)| *n > 0);
    all.map(|(n, what, more)| format!("{what} {n}{more}"))
        .collect()
}

/// Three digits or so, with the unit that fits.
pub(crate) fn time(nanos: u64) -> String {
    match nanos {
        0..10_000 => format!("{nanos} ns"),
        10_000..10_000_000 => format!("{} us", nanos / 1_000),
        10_000_000..10_000_000_000 => format!("{} ms", nanos / 1_000_000),
        _ => format!("{} s", nanos / 1_000_000_000),
    }
}

/// The least that so many per cent are not above.
fn at_percent(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_there() {
        let sorted: Vec<u64> = (1..=10).collect();
        assert_eq!(
            [50, 90, 99, 100].map(|p| at_percent(&sorted, p)),
            [5, 9, 10, 10]
        );
        assert_eq!(at_percent(&[], 50), 0);
        assert_eq!(at_percent(&[7], 1), 7);
    }
}

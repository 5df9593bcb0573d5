//! What is measured in which order, and when to stop: first the crowds, then rounds of all
//! workloads, goroutines and threads in turn, as many as fit into the time.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};

use crate::child::{CROWD, System};
use crate::gauge;
use crate::sample::Sample;
use crate::words;
use crate::workloads::{self, Workload};

pub(crate) struct Report {
    /// And how busy it was before we made it so.
    pub(crate) machine: String,
    pub(crate) quick: bool,
    /// Which part of the CPU time others used, before and after we measured.
    pub(crate) busy: [f64; 2],
    pub(crate) rows: Vec<Row>,
    pub(crate) growth: Growth,
    pub(crate) procs: Vec<Procs>,
}

/// The samples of a workload, one a round.
pub(crate) struct Row {
    pub(crate) workload: &'static Workload,
    /// In the order of `System::ALL`; none for mini, if mini does not have it.
    samples: [Vec<Sample>; 5],
}

impl Row {
    pub(crate) fn on(&self, system: System) -> &[Sample] {
        &self.samples[system as usize]
    }
}

/// A workload on goroutines, at more and more Ps.
pub(crate) struct Procs {
    pub(crate) workload: &'static Workload,
    /// As many as `PROCS`.
    pub(crate) samples: Vec<Vec<Sample>>,
}

pub(crate) const PROCS: [u32; 5] = [1, 2, 4, 8, 16];
/// What is measured at more and more Ps.
const AT_MORE_PROCS: [&str; 5] = ["spawn", "yield", "ping-pong", "crossing", "work-10us"];

/// Crowds of tasks: (how many were asked for, what it was like).
#[derive(Default)]
pub(crate) struct Growth {
    pub(crate) green: Vec<(u64, Sample)>,
    pub(crate) os: Vec<(u64, Sample)>,
}

/// How much a run does. Times are the last moment to begin something.
struct Size {
    rounds: u32,
    /// A measurement has so many times fewer operations.
    divisor: u64,
    largest: [u64; 2],
    crowds_until: Duration,
    rounds_until: Duration,
    procs_until: Duration,
    /// Seconds for one measurement.
    limit: u32,
}

const FULL: Size = Size {
    rounds: 15,
    divisor: 1,
    largest: [1_000_000, 1_000_000],
    crowds_until: Duration::from_secs(60),
    rounds_until: Duration::from_secs(180),
    procs_until: Duration::from_secs(200),
    limit: 30,
};

const QUICK: Size = Size {
    rounds: 5,
    divisor: 4,
    largest: [100_000, 10_000],
    crowds_until: Duration::from_secs(8),
    rounds_until: Duration::from_secs(22),
    procs_until: Duration::from_secs(26),
    limit: 8,
};

/// Bytes that a task of a crowd needs at most, kernel memory included.
fn needs(on: System) -> u64 {
    match on {
        System::Os => 40 << 10,
        _ => 6 << 10,
    }
}

pub(crate) fn run(only: &str, quick: bool) -> Result<Report> {
    let size = if quick { QUICK } else { FULL };
    let chosen = workloads::ALL.iter().filter(|w| w.name.contains(only));
    let new = |workload| Row {
        workload,
        samples: Default::default(),
    };
    let mut rows: Vec<Row> = chosen.map(new).collect();
    let crowds = CROWD.contains(only);
    let names = || {
        workloads::ALL
            .iter()
            .map(|w| w.name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    ensure!(
        crowds || !rows.is_empty(),
        "no such workload; there are: {}, {CROWD}",
        names()
    );
    let (machine, before, began) = (words::machine(), gauge::busy(), Instant::now());
    let growth = match crowds {
        true => grow(&size, began)?,
        false => Growth::default(),
    };
    repeat(&mut rows, &size, began)?;
    let procs = at_more_procs(&rows, &size, began)?;
    Ok(Report {
        machine,
        quick,
        busy: [before, gauge::busy()],
        rows,
        growth,
        procs,
    })
}

fn grow(size: &Size, began: Instant) -> Result<Growth> {
    let mut growth = Growth::default();
    let bar = bar("crowds", 14);
    for n in (0..7).map(|power| 10u64.pow(power)) {
        for on in [System::Green, System::Os] {
            let series = match on {
                System::Os => &mut growth.os,
                _ => &mut growth.green,
            };
            bar.inc(1);
            let ended = series
                .last()
                .is_some_and(|(_, last)| last.stopped.is_some());
            let late = began.elapsed() > size.crowds_until;
            if ended || late || n > size.largest[usize::from(on == System::Os)] {
                continue;
            }
            bar.set_message(format!("{n} {}", name(on)));
            series.push((n, crowd(on, n, size.limit)?));
        }
    }
    bar.finish_and_clear();
    Ok(growth)
}

/// A crowd of `n`, or of as many as there can be: when it cannot be so large, a smaller one is
/// measured, and its sample says why it is not larger.
fn crowd(on: System, n: u64, limit: u32) -> Result<Sample> {
    let fits = gauge::memory_free() / 2 / needs(on);
    let take = |_| Sample::take(CROWD, on, n.min(fits), limit);
    // Small crowds are over in no time, so a single one says little.
    let mut samples = (0..if n > 1000 { 1 } else { 5 })
        .map(take)
        .collect::<Result<Vec<_>>>()?;
    samples.sort_by(|a, b| a.nanos.total_cmp(&b.nanos));
    let mut sample = samples.swap_remove(samples.len() / 2);
    if fits < n {
        sample
            .stopped
            .get_or_insert_with(|| "no memory for more".into());
    }
    // std ends the whole process when a new thread finds no memory for its signal stack.
    let enough = sample.alive - 1000.0;
    if !sample.is_whole() && enough > 0.0 {
        let stopped = sample.stopped;
        sample = Sample::take(CROWD, on, enough as u64, limit)?;
        sample.stopped = stopped;
    }
    Ok(sample)
}

fn repeat(rows: &mut [Row], size: &Size, began: Instant) -> Result<()> {
    let bar = bar("workloads", u64::from(size.rounds) * rows.len() as u64 * 5);
    for round in 0..size.rounds {
        for row in &mut *rows {
            // The first round is for all; then who goes first changes, too.
            let late = round > 0 && began.elapsed() > size.rounds_until;
            let mut order = System::ALL;
            if round % 2 == 1 {
                order.reverse();
            }
            for on in order.into_iter().filter(|_| !late) {
                if on == System::Mini && row.workload.mini.is_none() {
                    bar.inc(1);
                    continue;
                }
                bar.set_message(format!("{} on {}", row.workload.name, name(on)));
                let n = match on {
                    System::Os | System::OsOne => row.workload.os_n,
                    _ => row.workload.green_n,
                };
                let name = row.workload.name;
                row.samples[on as usize].push(Sample::take(
                    name,
                    on,
                    n / size.divisor,
                    size.limit,
                )?);
                bar.inc(1);
            }
        }
    }
    bar.finish_and_clear();
    Ok(())
}

/// On goroutines, with 1 to 16 Ps; more Ps than CPUs are there to be seen.
fn at_more_procs(rows: &[Row], size: &Size, began: Instant) -> Result<Vec<Procs>> {
    let chosen = rows.iter().map(|row| row.workload);
    let chosen = chosen.filter(|workload| AT_MORE_PROCS.contains(&workload.name));
    let new = |workload| Procs {
        workload,
        samples: vec![Vec::new(); PROCS.len()],
    };
    let mut all: Vec<Procs> = chosen.map(new).collect();
    let rounds = size.rounds.min(5);
    let bar = bar("Ps", u64::from(rounds) * (all.len() * PROCS.len()) as u64);
    for round in 0..rounds {
        for row in &mut all {
            let late = round > 0 && began.elapsed() > size.procs_until;
            for (procs, series) in PROCS.into_iter().zip(&mut row.samples) {
                bar.inc(1);
                if late {
                    continue;
                }
                let (name, n) = (row.workload.name, row.workload.green_n / size.divisor);
                bar.set_message(format!("{name} at {procs}"));
                let green = System::Green;
                series.push(Sample::take_at(name, green, n, size.limit, Some(procs))?);
            }
        }
    }
    bar.finish_and_clear();
    Ok(all)
}

pub(crate) fn name(on: System) -> &'static str {
    match on {
        System::Green => "goroutines",
        System::Mini => "mini",
        System::Os => "OS threads",
        System::GreenOne => "goroutines, one CPU",
        System::OsOne => "OS threads, one CPU",
    }
}

fn bar(what: &'static str, len: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix:9} {bar:30} {pos}/{len} {elapsed} {msg}");
    let bar = ProgressBar::new(len).with_style(style.expect("a template"));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar.with_prefix(what)
}

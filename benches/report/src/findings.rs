//! What was found, in sentences: the first thing on the page. And whether to believe it.

use crate::child::System;
use crate::markdown::{STEADY, speed_up};
use crate::plan::{Report, Row};
use crate::sample::{median, spread};
use crate::words::{bytes, faster, short, time};

/// Others may use this part of the CPUs, and the numbers can still be trusted.
const QUIET: f64 = 0.1;

/// The sentences, most important first.
pub(crate) fn found(report: &Report) -> Vec<String> {
    let mut all = Vec::new();
    let row = |name: &str| report.rows.iter().find(|row| row.workload.name == name);
    if let Some(row) = row("spawn")
        && let Some(ratio) = speed_up(row)
    {
        let [green, os] = [System::Green, System::Os].map(|on| time(nanos(row, on)));
        all.push(format!(
            "To start and join a goroutine takes {green}, a thread {os}: goroutines are {}.",
            faster(ratio)
        ));
    }
    let growth = [&report.growth.green, &report.growth.os].map(|series| {
        let large = series.iter().rfind(|(n, s)| *n >= 1000 && s.is_whole());
        large.map(|(_, sample)| sample.bytes)
    });
    if let [Some(green), Some(os)] = growth {
        all.push(format!(
            "One that waits needs {} of memory, a thread {}, the kernel's part included.",
            bytes(green),
            bytes(os)
        ));
    }
    if let Some(row) = row("ping-pong")
        && let (Some(free), Some(one)) = (speed_up(row), on_one_cpu(row))
    {
        all.push(format!(
            "A message to and fro is {} than between threads, and {} where both have one CPU: \
             much of the first number is the time that a sleeping CPU takes to wake.",
            faster(free),
            faster(one)
        ));
    }
    let works = report
        .rows
        .iter()
        .filter(|row| row.workload.name.starts_with("work-"));
    let works: Vec<String> = works
        .filter_map(|row| Some(format!("{} {}", row.workload.name, faster(speed_up(row)?))))
        .collect();
    if !works.is_empty() {
        all.push(format!(
            "The more a task computes, the less it matters what it runs on: {}.",
            works.join(", ")
        ));
    }
    all.push(match losers(report) {
        losers if losers.is_empty() => "No row is faster on threads.".into(),
        losers => format!("Threads are as fast or faster in: {}.", names(&losers)),
    });
    all
}

fn names(rows: &[&Row]) -> String {
    let names: Vec<&str> = rows.iter().map(|row| row.workload.name).collect();
    names.join(", ")
}

fn nanos(row: &Row, on: System) -> f64 {
    median(row.on(on), |s| s.nanos)
}

/// How many times less an operation takes on goroutines, when both sides have one CPU.
pub(crate) fn on_one_cpu(row: &Row) -> Option<f64> {
    let [green, os] = [System::GreenOne, System::OsOne].map(|on| nanos(row, on));
    (green > 0.0 && os > 0.0).then_some(os / green)
}

/// Rows that goroutines do not win.
pub(crate) fn losers(report: &Report) -> Vec<&Row> {
    let lost = |row: &&Row| speed_up(row).is_some_and(|ratio| ratio < 1.05);
    report.rows.iter().filter(lost).collect()
}

/// Why not to believe the numbers, if there is a reason.
pub(crate) fn doubts(report: &Report) -> Option<String> {
    let [before, after] = report.busy;
    let unsteady = |row: &&Row| {
        let both = [System::Green, System::Os];
        both.iter()
            .any(|&on| spread(row.on(on), |s| s.nanos) >= STEADY)
    };
    let unsteady = report.rows.iter().filter(unsteady).count();
    let busy = before.max(after) > QUIET;
    let shaky = unsteady * 2 > report.rows.len();
    (busy || shaky).then(|| {
        let percent = |part: f64| format!("{} %", short((100.0 * part).round()));
        let why = match busy {
            true => "This machine was busy",
            false => "The times vary, though little else ran here",
        };
        format!(
            "{why}: others used {} of its CPU time before, and {} after the measurement, and \
             {unsteady} of {} rows vary by more than {}. Do not trust these numbers; measure \
             again.",
            percent(before),
            percent(after),
            report.rows.len(),
            percent(STEADY)
        )
    })
}

//! The report as text: `report.md`, and what is printed.

use std::borrow::Borrow;
use std::fmt::Write;

use crate::child::System;
use crate::findings::{doubts, found, losers, on_one_cpu};
use crate::plan::{PROCS, Report, Row, name};
use crate::sample::{Sample, median, quantile, spread};
use crate::words::{bytes, faster, limits, short, time, whole};

/// Rows whose times vary more than this from round to round are marked.
pub(crate) const STEADY: f64 = 0.15;

pub(crate) fn render(report: &Report) -> String {
    let mut text = format!("# Goroutines beside OS threads\n\n{}.\n", report.machine);
    if let Some(doubts) = doubts(report) {
        let _ = writeln!(text, "\n**{doubts}**");
    }
    text.push('\n');
    for sentence in found(report) {
        let _ = writeln!(text, "- {sentence}");
    }
    if !report.rows.is_empty() {
        text.push_str(&table(&headings(), report.rows.iter().map(cells)));
        let _ = writeln!(text, "\n{LEGEND}");
        for row in losers(report) {
            let _ = writeln!(text, "\n{}: {}.", row.workload.name, row.workload.why);
        }
    }
    if !report.procs.is_empty() {
        text.push_str("\n## From 1 to 16 Ps\n");
        text.push_str(&table(&procs_headings(), procs_cells(report)));
        let _ = writeln!(text, "\n{}", procs_words());
    }
    if !report.growth.green.is_empty() {
        text.push_str("\n## From 1 to 1,000,000 tasks that are alive at once\n");
        text.push_str(&table(&growth_headings(), growth_cells(report)));
        let _ = writeln!(text, "\n{}.", limits());
    }
    text
}

pub(crate) const LEGEND: &str = "Medians over the rounds; in brackets the middle half of them. ~: times vary by more than 15 %. \
    One CPU: all threads of the process on one. CPU time: of all threads together, kernel included. mini: the thousand lines of \
    runtime/mini, where it has the means. Switches: the kernel's, for 1000 operations. Threads: of the process while the \
    tasks were alive.";

pub(crate) fn headings() -> Vec<&'static str> {
    vec![
        "workload",
        "one operation",
        "goroutines",
        "mini",
        "OS threads",
        "",
        "one CPU: goroutines",
        "one CPU: OS threads",
        "",
        "CPU time: goroutines",
        "CPU time: OS threads",
        "switches: goroutines",
        "switches: OS threads",
        "threads: goroutines",
        "threads: OS threads",
    ]
}

pub(crate) fn cells(row: &Row) -> Vec<String> {
    let mut cells = vec![
        row.workload.name.to_owned(),
        row.workload.operation.to_owned(),
    ];
    let range = |on: System| match row.on(on) {
        [] => "–".into(),
        samples if samples.len() < 3 || on == System::Mini => shown(samples, |s| s.nanos, time),
        samples => {
            let [low, high] = [0.25, 0.75].map(|at| quantile(samples, |s| s.nanos, at));
            let middle = shown(samples, |s| s.nanos, time);
            format!("{middle} ({} to {})", time(low), time(high))
        }
    };
    cells.extend([System::Green, System::Mini, System::Os].map(range));
    cells.push(speed_up(row).map_or("–".into(), |ratio| {
        let steady = BOTH
            .iter()
            .all(|&on| spread(row.on(on), |s| s.nanos) < STEADY);
        format!("{}{}", if steady { "" } else { "~ " }, faster(ratio))
    }));
    cells.extend(
        [System::GreenOne, System::OsOne].map(|on| shown(row.on(on), |s| s.nanos, time)),
    );
    cells.push(on_one_cpu(row).map_or("–".into(), faster));
    cells.extend(BOTH.map(|on| match row.on(on).iter().any(|s| s.cpu > 0.0) {
        true => shown(row.on(on), |s| s.cpu, time),
        false => "–".into(),
    }));
    cells.extend(BOTH.map(|on| shown(row.on(on), |s| s.switches, short)));
    cells.extend(BOTH.map(|on| shown(row.on(on), |s| s.threads, whole)));
    cells
}

const BOTH: [System; 2] = [System::Green, System::Os];

/// How many times less an operation takes on goroutines; nothing if one side has no result.
pub(crate) fn speed_up(row: &Row) -> Option<f64> {
    let [green, os] = BOTH.map(|on| median(row.on(on), |s| s.nanos));
    (green > 0.0 && os > 0.0).then_some(os / green)
}

fn shown(samples: &[Sample], of: fn(&Sample) -> f64, show: fn(f64) -> String) -> String {
    match samples.iter().find_map(|s| s.stopped.clone()) {
        Some(why) => why,
        None => show(median(samples, of)),
    }
}

pub(crate) fn growth_headings() -> Vec<&'static str> {
    vec![
        "tasks",
        "on",
        "start and end, each",
        "memory, each",
        "switches for 1000",
        "threads",
        "",
    ]
}

pub(crate) fn growth_cells(report: &Report) -> Vec<Vec<String>> {
    let growth = &report.growth;
    let both = [(System::Green, &growth.green), (System::Os, &growth.os)];
    let rows = both.into_iter().flat_map(|(on, series)| {
        series.iter().map(move |(n, s)| {
            let alive = if s.stopped.is_some() {
                s.alive
            } else {
                *n as f64
            };
            let mut row = vec![whole(alive), name(on).replace(' ', "\u{a0}")];
            if s.is_whole() {
                row.extend([
                    time(s.nanos),
                    bytes(s.bytes),
                    short(s.switches),
                    whole(s.threads),
                ]);
            } else {
                row.extend(["–"; 4].map(str::to_owned));
            }
            let end = s
                .stopped
                .as_ref()
                .map(|why| format!("of {}: {why}", whole(*n as f64)));
            row.push(end.unwrap_or_default());
            row
        })
    });
    rows.collect()
}

pub(crate) fn procs_headings() -> Vec<String> {
    let columns = PROCS.map(|procs| {
        if procs == 1 {
            "1 P".into()
        } else {
            format!("{procs} Ps")
        }
    });
    std::iter::once("workload".into()).chain(columns).collect()
}

pub(crate) fn procs_cells(report: &Report) -> Vec<Vec<String>> {
    let row = |row: &crate::plan::Procs| {
        let mut cells = vec![row.workload.name.to_owned()];
        let one = median(&row.samples[0], |s| s.nanos);
        cells.extend(row.samples.iter().enumerate().map(|(i, samples)| {
            let nanos = median(samples, |s| s.nanos);
            match i {
                0 => shown(samples, |s| s.nanos, time),
                _ if nanos > 0.0 && one > 0.0 => {
                    format!("{} ({})", time(nanos), faster(one / nanos))
                }
                _ => shown(samples, |s| s.nanos, time),
            }
        }));
        cells
    };
    report.procs.iter().map(row).collect()
}

pub(crate) fn procs_words() -> String {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let more = PROCS.iter().filter(|&&procs| procs as usize > cpus).count();
    let note = if more > 0 {
        format!(
            "This process may use {cpus} CPUs: more Ps than that are over-subscribed. They cannot be faster, and show what \
             is lost when the kernel takes a CPU from a thread that holds a P."
        )
    } else {
        format!("This process may use {cpus} CPUs.")
    };
    format!("Goroutines only; one operation, and how it compares with 1 P. {note}")
}

fn table(headings: &[impl Borrow<str>], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut text = String::from("\n");
    let _ = writeln!(text, "| {} |", headings.join(" | "));
    let _ = writeln!(text, "|{}", "---|".repeat(headings.len()));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

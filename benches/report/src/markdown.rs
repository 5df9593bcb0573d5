//! The report as text: `report.md`, and what is printed.

use std::fmt::Write;

use crate::child::System;
use crate::plan::{Report, Row, name};
use crate::sample::{Sample, median, spread};
use crate::words::{bytes, faster, limits, short, time, whole};

/// Rows whose times vary more than this from round to round are marked.
pub(crate) const STEADY: f64 = 0.15;

pub(crate) fn render(report: &Report) -> String {
    let mut text = format!("# Goroutines beside OS threads\n\n{}.\n", report.machine);
    if !report.rows.is_empty() {
        text.push_str(&table(&headings(), report.rows.iter().map(cells)));
        text.push_str("\nMedians over the rounds. mini: the thousand lines of runtime/mini. ~: times vary by more than 15 %. Switches: the kernel's, for 1000\noperations. Threads: of the process.\n");
    }
    if !report.growth.green.is_empty() {
        text.push_str("\n## From 1 to 1,000,000 tasks that are alive at once\n");
        text.push_str(&table(&growth_headings(), growth_cells(report)));
        let _ = writeln!(text, "\n{}.", limits());
    }
    text
}

pub(crate) fn headings() -> Vec<&'static str> {
    vec![
        "workload",
        "one operation",
        "goroutines",
        "mini",
        "OS threads",
        "",
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
    let times = [&row.green, &row.mini, &row.os];
    cells.extend(times.map(|samples| match samples.is_empty() {
        true => "–".into(),
        false => shown(samples, |s| s.nanos, time),
    }));
    cells.push(speed_up(row).map_or("–".into(), |ratio| {
        let steady = [&row.green, &row.os]
            .iter()
            .all(|s| spread(s, |s| s.nanos) < STEADY);
        format!("{}{}", if steady { "" } else { "~ " }, faster(ratio))
    }));
    cells.extend([&row.green, &row.os].map(|samples| shown(samples, |s| s.switches, short)));
    cells.extend([&row.green, &row.os].map(|samples| shown(samples, |s| s.threads, whole)));
    cells
}

/// How many times less an operation takes on goroutines; nothing if one side has no result.
pub(crate) fn speed_up(row: &Row) -> Option<f64> {
    let [green, os] = [&row.green, &row.os].map(|samples| median(samples, |s| s.nanos));
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

fn table(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut text = String::from("\n");
    let _ = writeln!(text, "| {} |", headings.join(" | "));
    let _ = writeln!(text, "|{}", "---|".repeat(headings.len()));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

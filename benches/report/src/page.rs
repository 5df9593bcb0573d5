//! The report as a page that stands alone: style, charts and tables in one file.

use std::time::Duration;

use anyhow::Result;
use maud::{Markup, PreEscaped, html};

use crate::charts::{self, Pair};
use crate::child::System;
use crate::findings::{doubts, found, losers};
use crate::frame::frame;
use crate::markdown::{
    LEGEND, cells, growth_cells, growth_headings, headings, procs_cells, procs_headings,
    procs_words, speed_up,
};
use crate::plan::{Report, Row};
use crate::sample::{Sample, median, quantile};
use crate::timelines::Timeline;
use crate::words::{bytes, faster, limits, short, time, whole};

pub(crate) fn render(
    report: &Report,
    timelines: &[Timeline],
    took: Duration,
) -> Result<String> {
    let body = html! {
        h1 { b.go { "Goroutines" } " (and " b.mini { "mini" } ") beside " b.os { "OS threads" } }
        p { "The same programs, compiled once with gosched and once with "
            code { "std::thread" } " and crossbeam-channel." }
        @if let Some(doubts) = doubts(report) { p.doubts role="alert" { (doubts) } }
        ul.found { @for sentence in found(report) { li { (sentence) } } }
        p.soft { (report.machine) "; measured in " (took.as_secs()) " seconds"
            @if report.quick { " (quick: fewer operations and rounds)" } "." }
        @if !report.rows.is_empty() { (operations(report)?) }
        @if !report.growth.green.is_empty() { (crowds(report)?) }
        @if !report.procs.is_empty() {
            h2 { "From 1 to 16 Ps" }
            (table(&procs_headings(), procs_cells(report), &[0]))
            p.soft { (procs_words()) }
        }
        @if !timelines.is_empty() { (links(timelines)) }
        (method())
    };
    Ok(frame("gosched: goroutines beside OS threads", "", &body))
}

fn operations(report: &Report) -> Result<Markup> {
    let pair = |row: &Row, of: fn(&Sample) -> f64, note: String| Pair {
        name: row.workload.name.to_owned(),
        green: median(row.on(System::Green), of),
        mini: median(row.on(System::Mini), of),
        os: median(row.on(System::Os), of),
        one_cpu: [System::GreenOne, System::OsOne].map(|on| median(row.on(on), of)),
        ranges: [System::Green, System::Os]
            .map(|on| [0.25, 0.75].map(|at| quantile(row.on(on), of, at))),
        note,
    };
    let times: Vec<Pair> = report
        .rows
        .iter()
        .map(|row| {
            let note = speed_up(row).map_or("no result".into(), faster);
            pair(row, |s| s.nanos, note)
        })
        .collect();
    let switches: Vec<Pair> = report
        .rows
        .iter()
        .map(|row| {
            let [green, os] =
                [System::Green, System::Os].map(|on| short(median(row.on(on), |s| s.switches)));
            pair(row, |s| s.switches, format!("{green} : {os}"))
        })
        .collect();
    let times = charts::pairs(&times, 1.0, time, "time per operation")?;
    let switches = charts::pairs(
        &switches,
        0.01,
        short,
        "context switches per 1000 operations",
    )?;
    Ok(html! {
        h2 { "One operation" }
        div.charts {
            (figure("Time of one operation", &times, "On the clock, on a scale of powers of ten: \
                each line is ten times the one before. Further left is better. A bar behind a dot is the middle half of \
                the rounds; a ring is the same with one CPU for all threads of the process."))
            (figure("The kernel's context switches, for 1000 operations", &switches, "How often the kernel took the \
                CPU from one thread to give it to another. Goroutines switch without the kernel; \
                what is left is waking and sleeping of idle threads."))
        }
        (table(&headings(), report.rows.iter().map(cells).collect(), &[0, 1]))
        p.soft { (LEGEND) }
        @if !losers(report).is_empty() {
            h3 { "Where threads are as fast or faster, and why" }
            dl { @for row in losers(report) { dt { (row.workload.name) } dd { (row.workload.why) "." } } }
        }
    })
}

fn crowds(report: &Report) -> Result<Markup> {
    let chart = |of, show, base, label| charts::growth(&report.growth, of, show, base, label);
    let times = chart(|s| s.nanos, time, 10.0, "time per task as tasks grow")?;
    let memory = chart(|s| s.bytes, bytes, 4.0, "memory per task as tasks grow")?;
    let threads = chart(|s| s.threads, whole, 10.0, "threads used as tasks grow")?;
    let switches = chart(
        |s| s.switches,
        short,
        10.0,
        "context switches per 1000 tasks as tasks grow",
    )?;
    Ok(html! {
        h2 { "From 1 to 1,000,000 tasks" }
        p { "So many tasks are started, wait at one door until all are there, and are let go." }
        div.charts {
            (figure("Time for each", &times, "To start it, see it arrive, wake it and see it end."))
            (figure("Memory for each", &memory, "Resident memory, page tables, and the kernel's \
                stack of 16 KiB for each thread. The first tasks bear what the runtime needs."))
            (figure("Threads of the process", &threads, "While all tasks were waiting."))
            (figure("The kernel's context switches, for 1000 tasks", &switches, "From start to end. \
                Where a line has no dot, there was none."))
        }
        (table(&growth_headings(), growth_cells(report), &[1, 6]))
        p.soft { (limits()) "." }
    })
}

fn figure(title: &str, svg: &str, caption: &str) -> Markup {
    html! {
        figure {
            h3 { (title) }
            div.soft { b.go { "● goroutines" } "  " b.mini { "● mini" } "  " b.os { "● OS threads" } "  ○ one CPU" }
            (PreEscaped(svg))
            figcaption { (caption) }
        }
    }
}

/// The columns in `text` hold words.
fn table(headings: &[impl AsRef<str>], rows: Vec<Vec<String>>, text: &[usize]) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead { tr { @for (i, heading) in headings.iter().enumerate() {
                    th.left[text.contains(&i)] { (heading.as_ref()) }
                } } }
                tbody { @for row in &rows {
                    tr { @for (i, cell) in row.iter().enumerate() {
                        td.text[text.contains(&i)] { (cell) }
                    } }
                } }
            }
        }
    }
}

fn links(timelines: &[Timeline]) -> Markup {
    let rows = |of: fn(&Timeline) -> &str| {
        html! { p { @for one in timelines { a href=(of(one)) { (one.name) } " " } } }
    };
    let mut missing: Vec<_> = timelines
        .iter()
        .filter_map(|one| one.missing.as_ref())
        .collect();
    missing.dedup();
    html! {
        h2 { "Who ran when" }
        p { "A short run of each workload on goroutines and on OS threads, on one scale of time: which goroutine ran on \
            which P, and which thread the kernel ran on which CPU." }
        (rows(|one| &one.beside))
        p { "Goroutines alone, more of them: who woke whom, who stole what, and which rule chose each run." }
        (rows(|one| &one.goroutines))
        @for words in missing { p.soft { "OS threads: " (words) "." } }
    }
}

fn method() -> Markup {
    html! {
        h2 { "How it was measured" }
        p { "Every measurement is a process of its own, goroutines and threads in turn, so that a \
            busy machine troubles both alike. Each workload runs once to warm up, is timed, and \
            checks its result. Most repeat a single operation with nothing else to do: they \
            compare schedulers, and do not foretell what a real program gains. Those called \
            work, computing, workers and pool compute." }
        p.soft { "Again: " code { "cargo run --release -p gosched-report" } ", with "
            code { "--quick" } " or " code { "--only NAME" } ". The programs are in "
            code { "benches/report/src/workloads" } "." }
    }
}

//! Two timelines of each workload, from short runs of it that are recorded, as pages that the report links: one of
//! goroutines alone, with all that gosched records; and one of goroutines beside OS threads.

use std::env::current_exe;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::beside;
use crate::child::System;
use crate::plan::Row;
use crate::seen::Seen;

/// The folder beside the report, and what stands there.
const FOLDER: &str = "timelines";

/// So much shorter is the run than a measurement: some thousands of events, which a page shows at once.
const SHORTER: u64 = 100;
const LIMIT: &str = "20";

/// Of a workload: where its two pages are, from the report.
pub(crate) struct Timeline {
    pub(crate) name: &'static str,
    pub(crate) beside: String,
    pub(crate) goroutines: String,
    /// What is missing of the threads.
    pub(crate) missing: Option<String>,
}

/// Makes them, in the order of the rows.
pub(crate) fn make(rows: &[Row], out: &Path) -> Result<Vec<Timeline>> {
    let folder = out.join(FOLDER);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    rows.iter().map(|row| timeline(row, out)).collect()
}

fn timeline(row: &Row, out: &Path) -> Result<Timeline> {
    let workload = row.workload;
    let name = workload.name;
    let [beside, goroutines] = ["", "-goroutines"].map(|end| format!("{name}{end}.html"));
    let n = |n| n / SHORTER + 8;
    let folder = out.join(FOLDER);
    record(name, n(workload.green_n), &folder.join(&goroutines))?;
    let take = |on| Seen::take(name, on, n(workload.os_n), LIMIT);
    let (green, os) = (take(System::Green)?, take(System::Os)?);
    let page = beside::page(name, workload.operation, &green, &os, &goroutines);
    fs::write(folder.join(&beside), page)?;
    Ok(Timeline {
        name,
        beside: format!("{FOLDER}/{beside}"),
        goroutines: format!("{FOLDER}/{goroutines}"),
        missing: os.missing.into_iter().next(),
    })
}

fn record(name: &str, n: u64, page: &Path) -> Result<()> {
    let ended = Command::new(current_exe().context("my own path")?)
        .env("GOSCHED", format!("trace={}", page.display()))
        .args([
            "--work",
            name,
            "--on",
            &System::Green.arg(),
            "--n",
            &n.to_string(),
        ])
        .args(["--limit", LIMIT])
        .stdin(Stdio::null())
        .output()
        .context("cannot start myself")?;
    let said = String::from_utf8_lossy(&ended.stderr);
    ensure!(
        ended.status.success() && page.is_file(),
        "no timeline of {name}: {said}"
    );
    Ok(())
}

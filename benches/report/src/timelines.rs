//! A timeline of each workload, from a short run of it that is recorded: a page of its own, which the report
//! links.
//!
//! Of goroutines only. What the kernel does with OS threads is known to the kernel: `perf sched record` shows
//! it, where a user may read that.

use std::env::current_exe;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::child::System;
use crate::plan::Row;

/// The folder beside the report, and what stands there.
pub(crate) const FOLDER: &str = "timelines";

/// So much shorter is the run than a measurement: some thousands of events, which a page shows at once.
const SHORTER: u64 = 100;
const LIMIT: &str = "20";

/// Makes them, and returns the pages' names in the order of the rows.
pub(crate) fn make(rows: &[Row], out: &Path) -> Result<Vec<(&'static str, String)>> {
    let folder = out.join(FOLDER);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut made = Vec::new();
    for row in rows {
        let name = row.workload.name;
        let page = format!("{FOLDER}/{name}.html");
        record(name, row.workload.green_n / SHORTER + 8, &out.join(&page))?;
        made.push((name, page));
    }
    Ok(made)
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

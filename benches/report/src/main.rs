//! `cargo run --release -p gosched-report`: the same programs on goroutines and on OS threads,
//! side by side, as pictures: `target/report/index.html`, and `report.md` beside it.
//!
//! Every measurement is a process of its own (this program again, see `child.rs`), goroutines
//! and threads in turn, so that a busy machine troubles both alike. Each workload checks its
//! result; a wrong one ends its process and is shown as such.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;

mod gauge;
mod compute;
mod outcome;
mod switches;
mod workloads;
mod child;
mod sample;
mod plan;
mod words;
mod seen;
mod frame;
mod beside;
mod timelines;
mod findings;
mod charts;
mod markdown;
mod page;

/// Green threads beside OS threads: measures both and draws the result.
#[derive(Parser)]
struct Args {
    /// Fewer operations and rounds, crowds up to 100,000: under half a minute
    #[arg(long)]
    quick: bool,
    /// Only workloads with this in their name; `crowd` is the growth from 1 to 1,000,000 tasks
    #[arg(long, default_value = "")]
    only: String,
    /// Where to put the report [default: target/report]
    #[arg(long)]
    out: Option<PathBuf>,
    /// One measurement, in this process: a workload's name (what the program does to itself)
    #[arg(long, hide = true, requires_all = ["on", "n"])]
    work: Option<String>,
    #[arg(long, hide = true)]
    on: Option<child::System>,
    #[arg(long, hide = true)]
    n: Option<u64>,
    /// Not how long it took, but who ran when
    #[arg(long, hide = true)]
    seen: bool,
    /// Seconds after which a measurement gives up
    #[arg(long, hide = true, default_value_t = 60)]
    limit: u32,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let (Some(work), Some(on), Some(n)) = (&args.work, args.on, args.n) {
        return match args.seen {
            true => seen::record(work, on, n, args.limit),
            false => child::measure(work, on, n, args.limit),
        };
    }
    let began = Instant::now();
    let report = plan::run(&args.only, args.quick)?;
    let out = args.out.unwrap_or_else(|| target().join("report"));
    fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    let text = markdown::render(&report);
    let page = out.join("index.html");
    let timelines = timelines::make(&report.rows, &out)?;
    fs::write(&page, page::render(&report, &timelines, began.elapsed())?)?;
    fs::write(out.join("report.md"), &text)?;
    println!("{text}");
    println!("The pictures: {}", page.display());
    Ok(())
}

/// The folder that cargo builds in: this program is in `release` below it.
fn target() -> PathBuf {
    let me = std::env::current_exe().unwrap_or_default();
    me.ancestors()
        .nth(2)
        .map_or_else(|| "target".into(), PathBuf::from)
}

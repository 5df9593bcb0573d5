//! The workloads of `benches/workloads` on gosched, mini, tokio, may and Go, side by side:
//!
//! ```text
//! cd benches/peers
//! cargo run --release                       Go too, if a `go` is found
//! cargo run --release -- --go /usr/local/go/bin/go --only chan --rounds 9
//! ```
//!
//! Every measurement is a process of its own, all systems in turn; each checks its result. The
//! table shows medians and, for each peer, ours divided by theirs: below 1 we are ahead.
#![allow(unsafe_code, reason = "the door into the runtimes")]

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use system::System;

#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with benches/compare.rs; not all is used here"
)]
#[path = "../../workloads/mod.rs"]
mod workloads;
mod extra;
mod on_gosched;
mod on_may;
mod on_std;
mod on_tokio;
mod resident;
mod system;
mod rows;
mod measure;
mod table;

/// gosched beside tokio, may and Go.
#[derive(Parser)]
struct Args {
    /// The go command [default: the one on PATH, if there is one]
    #[arg(long)]
    go: Option<PathBuf>,
    /// Measurements of each kind; the table shows medians
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only workloads with this in their id
    #[arg(long, default_value = "")]
    only: String,
    /// CPU time of all threads instead of time on the clock: steadier on a busy machine, but the
    /// start of the process is in it
    #[arg(long)]
    cpu: bool,
    /// A quarter of the operations
    #[arg(long)]
    quick: bool,
    /// One measurement, in this process: a workload's id
    #[arg(long, hide = true, requires = "on")]
    work: Option<String>,
    #[arg(long, hide = true)]
    on: Option<System>,
    #[arg(long, hide = true, default_value_t = 1)]
    procs: usize,
    #[arg(long, hide = true, default_value_t = 100_000)]
    n: u64,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let (Some(work), Some(on)) = (&args.work, args.on) {
        return system::one(work, on, args.procs, args.n);
    }
    let rows = rows::all(&args.only, if args.quick { 4 } else { 1 });
    let go = measure::build_go(args.go)?;
    let results = measure::all(&rows, go.as_ref(), args.rounds, args.cpu)?;
    println!("{}", table::render(&rows, &results, go.is_some()));
    Ok(())
}

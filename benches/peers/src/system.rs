//! The systems that are compared, and one measurement on one of them.

use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;

use crate::workloads::mini::on_mini;
use crate::{on_gosched, on_may, on_std, on_tokio};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum System {
    Gosched,
    /// `runtime/mini`, what it has the means for.
    Mini,
    Tokio,
    May,
    /// Programs of its own, in `go/`.
    Go,
    /// OS threads, on as many CPUs as the others have workers.
    Std,
}

pub(crate) const ALL: [System; 6] = [
    System::Gosched,
    System::Mini,
    System::Tokio,
    System::May,
    System::Go,
    System::Std,
];

impl System {
    pub(crate) fn name(self) -> &'static str {
        match self {
            System::Gosched => "gosched",
            System::Mini => "mini",
            System::Tokio => "tokio",
            System::May => "may",
            System::Go => "Go",
            System::Std => "std",
        }
    }

    /// Only what can be preempted, and hands its P over, gets through hogs and blocking calls.
    pub(crate) fn may_starve(self) -> bool {
        matches!(self, System::Tokio | System::May)
    }
}

/// The exit status when a system does not have the workload.
pub(crate) const MISSING: i32 = 3;

/// Prints what was measured: nanoseconds per operation, or what `rows.rs` says.
pub(crate) fn one(work: &str, on: System, procs: usize, n: u64) -> Result<()> {
    let found = match on {
        System::Gosched => on_gosched::run(work, procs, n),
        System::Mini => on_mini(work, procs, n).map(|took| per(took, n)),
        System::Tokio => on_tokio::run(work, procs, n),
        System::May => on_may::run(work, procs, n),
        System::Std => on_std::run(work, procs, n),
        System::Go => None,
    };
    match found {
        Some(value) => println!("{value}"),
        None => std::process::exit(MISSING),
    }
    Ok(())
}

/// Nanoseconds per operation.
pub(crate) fn per(took: Duration, n: u64) -> f64 {
    took.as_nanos() as f64 / n as f64
}

//! One measurement, in a process of its own. It prints lines of `key value`, which `sample.rs`
//! reads; if it is killed, those that it printed before still count.
#![allow(unsafe_code, reason = "the door into the runtime")]

use std::io::Write;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::gauge::{self, Usage};
use crate::outcome::Outcome;
use crate::workloads::{self, Work, green, os};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum System {
    /// gosched: goroutines
    Green,
    /// runtime/mini
    Mini,
    /// `std::thread`
    Os,
    /// Goroutines, all of the process on one CPU
    GreenOne,
    /// `std::thread`, all of the process on one CPU
    OsOne,
}

impl System {
    /// In the order in which a round measures them.
    pub(crate) const ALL: [System; 5] = [
        System::Green,
        System::Mini,
        System::Os,
        System::GreenOne,
        System::OsOne,
    ];

    /// As clap spells it on the command line.
    pub(crate) fn arg(self) -> String {
        let value = self.to_possible_value().expect("no variant is hidden");
        value.get_name().to_owned()
    }
}

pub(crate) const CROWD: &str = "crowd";

pub(crate) fn measure(name: &str, on: System, n: u64, limit: u32) -> Result<()> {
    gauge::give_up_after(limit);
    if matches!(on, System::GreenOne | System::OsOne) {
        gauge::stay_on_one_cpu().context("cannot stay on one CPU")?;
    }
    if name == CROWD {
        return match on {
            // SAFETY: no value that is tied to an OS thread lives across a wait.
            System::Green => unsafe { gosched::run(|| crowd(on, n)) },
            System::Os => crowd(on, n),
            _ => anyhow::bail!("{on:?} has no crowd"),
        };
    }
    let workload = workloads::find(name)?;
    match on {
        // SAFETY: as above.
        System::Green | System::GreenOne => unsafe {
            gosched::run(|| operations(workload.green, n))
        },
        System::Mini => {
            let work = workload
                .mini
                .with_context(|| format!("mini has no {name}"))?;
            // SAFETY: no workload uses a thread-local.
            unsafe { gosched_mini::run(move || operations(work, n)) }
        }
        System::Os | System::OsOne => operations(workload.os, n),
    }
}

fn operations(work: Work, n: u64) -> Result<()> {
    work(n / 50 + 1); // warm-up: threads of the runtime, first stacks, code
    let before = Usage::now();
    let Outcome { took, operations } = work(n);
    let used = Usage::now().since(before);
    let per = |all: f64| all / operations as f64;
    say("nanos", per(took.as_nanos() as f64))?;
    say("cpu", per(used.nanos as f64))?;
    say("switches", per(1000.0 * used.switches as f64))?;
    say("threads", gauge::most_threads())
}

fn crowd(on: System, n: u64) -> Result<()> {
    let before = (Usage::now(), gauge::memory());
    let mut bytes = 0;
    // Lines for the case that the system ends us instead of saying no.
    let alive = |alive| {
        let _ = say("alive", alive);
    };
    let full = || {
        gauge::look();
        bytes = gauge::memory() - before.1;
    };
    let crowd = match on {
        System::Os => os::crowd::crowd(n, alive, full),
        _ => green::crowd::crowd(n, alive, full),
    };
    let used = Usage::now().since(before.0);
    let per = |all: f64| all / crowd.alive as f64;
    say("alive", crowd.alive)?;
    say("nanos", per((crowd.start + crowd.end).as_nanos() as f64))?;
    say("cpu", per(used.nanos as f64))?;
    say("switches", per(1000.0 * used.switches as f64))?;
    say("bytes", per(bytes as f64))?;
    say("threads", gauge::most_threads())?;
    if let Some(error) = crowd.stopped {
        say("stopped", error)?;
    }
    Ok(())
}

pub(crate) fn say(key: &str, value: impl std::fmt::Display) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{key} {value}")?;
    Ok(out.flush()?)
}

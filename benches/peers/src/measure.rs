//! Starts the measurements, all systems in turn, and gathers what they print.
#![allow(unsafe_code, reason = "getrusage")]

use std::collections::BTreeMap;
use std::env::current_exe;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::rows::Row;
use crate::system::{ALL, MISSING, System};
use crate::workloads::PROCS;

/// What came of a measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Sample {
    Value(f64),
    /// No end within the limit.
    Starves,
    /// The system does not have it.
    Missing,
    /// It failed: a wrong result, a crash.
    Wrong,
}

pub(crate) type Results = BTreeMap<(&'static str, usize, System), Vec<Sample>>;

/// Go's programs: one with the ids of `benches/workloads`, one with those of `extra.rs`.
pub(crate) struct Go {
    shared: PathBuf,
    extra: PathBuf,
}

/// Builds Go's programs beside this one. Without `go` given and none on PATH: nothing.
pub(crate) fn build_go(go: Option<PathBuf>) -> Result<Option<Go>> {
    let found = Command::new("go").arg("version").output().is_ok();
    let Some(go) = go.or_else(|| found.then(|| "go".into())) else {
        eprintln!("no go on PATH: without Go (--go PATH)");
        return Ok(None);
    };
    let me = current_exe()?;
    let build = |source: &str| -> Result<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("go");
        let out = me.with_file_name(format!("go-{}", source.replace('/', "-")));
        let mut command = Command::new(&go);
        command
            .args(["build", "-o"])
            .arg(&out)
            .arg(folder.join(source));
        let status = command.status().context("cannot start go")?;
        ensure!(status.success(), "go build of {source} failed");
        Ok(out)
    };
    Ok(Some(Go {
        shared: build("main.go")?,
        extra: build("extra/main.go")?,
    }))
}

pub(crate) fn all(rows: &[Row], go: Option<&Go>, rounds: usize, cpu: bool) -> Result<Results> {
    let mut results = Results::new();
    for round in 1..=rounds {
        for row in rows {
            eprint!("\rround {round} of {rounds}: {:<30}", row.id);
            for procs in PROCS {
                for on in ALL {
                    let per_operation = cpu && row.unit.is_empty();
                    let cpu_for = per_operation.then(|| row.operations(on));
                    if let Some(mut command) = command(row, on, procs, go)? {
                        let series = results.entry((row.id, procs, on)).or_default();
                        // What starved once or is not there is not tried again.
                        let hopeless = [Sample::Starves, Sample::Missing, Sample::Wrong];
                        if !series.last().is_some_and(|last| hopeless.contains(last)) {
                            series.push(take(&mut command, cpu_for)?);
                        }
                    }
                }
            }
        }
    }
    eprintln!("\r{:<60}", "");
    Ok(results)
}

/// Under coreutils' `timeout`, which also ends a process that handles all signals.
fn command(row: &Row, on: System, procs: usize, go: Option<&Go>) -> Result<Option<Command>> {
    let mut command = Command::new("timeout");
    let limit = row.limit(on).as_secs().to_string();
    command.args(["--signal=KILL", &limit]);
    match (on, go) {
        (System::Go, None) => return Ok(None),
        (System::Go, Some(go)) => {
            let extra = !row.unit.is_empty();
            command.arg(if extra { &go.extra } else { &go.shared });
            command.args(["--on", &format!("p{procs}")]);
        }
        _ => {
            command.arg(current_exe()?);
            let name = on.name().to_lowercase();
            command.args(["--on", &name, "--procs", &procs.to_string()]);
        }
    }
    command.args(["--work", row.id, "--n", &row.operations(on).to_string()]);
    Ok(Some(command))
}

/// With `cpu_for` so many operations: CPU time of one, instead of what the child says.
fn take(command: &mut Command, cpu_for: Option<u64>) -> Result<Sample> {
    let before = cpu_of_children();
    let output = command.output().context("cannot start `timeout`")?;
    let used = cpu_of_children() - before;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(match (output.status.code(), text.trim().parse()) {
        (Some(0), Ok(value)) => Sample::Value(cpu_for.map_or(value, |n| used / n as f64)),
        // `timeout` kills itself too when it kills with KILL.
        (None | Some(137), _) => Sample::Starves,
        (Some(MISSING | 2), _) => Sample::Missing, // 2: Go says that it does not know the id
        _ => {
            let words = String::from_utf8_lossy(&output.stderr);
            eprintln!("\n{command:?}: {}\n{words}", output.status);
            Sample::Wrong
        }
    })
}

/// Nanoseconds of CPU that all children which have ended have used.
fn cpu_of_children() -> f64 {
    // SAFETY: all zeros is a valid `rusage`.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: it gets a `rusage` of ours.
    unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage) };
    let nanos = |t: libc::timeval| t.tv_sec as f64 * 1e9 + t.tv_usec as f64 * 1e3;
    nanos(usage.ru_utime) + nanos(usage.ru_stime)
}

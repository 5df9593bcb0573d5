//! Sockets on gosched, Go, tokio, may and OS threads, side by side:
//!
//! ```text
//! cd benches/peers
//! cargo run --release --bin net -- --go /usr/local/go/bin/go
//! cargo run --release --bin net -- --only echo --secs 0.5 --rounds 5
//! ```
//!
//! Server and clients are tasks of one process, except in the workloads `serve-*` and `beside`, where the clients
//! are another process and the same for all systems: those have servers alone. Every measurement is a process
//! of its own, all systems in turn, and lasts so long after the last client has begun. The table shows medians.
//! Every answer is compared with its request. Where an answer takes long, as with 9,000 connections, so must the
//! measurement (`--secs 8`).
#![allow(unsafe_code, reason = "the doors into the runtimes")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};
use outcome::{Outcome, Workload};

mod blocking_sockets;
mod from_outside;
mod on_tokio;
mod outcome;
#[path = "../../resident.rs"]
mod resident;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum System {
    Gosched,
    Go,
    Tokio,
    May,
    Threads,
}

const ALL: [System; 5] = [
    System::Gosched,
    System::Go,
    System::Tokio,
    System::May,
    System::Threads,
];

/// Sockets of gosched, Go, tokio, may and std.
#[derive(Parser)]
struct Args {
    /// The go command
    #[arg(long)]
    go: Option<PathBuf>,
    /// Measurements of each kind
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long each lasts
    #[arg(long, default_value_t = 1.0)]
    secs: f64,
    /// Only workloads with this in their name
    #[arg(long, default_value = "")]
    only: String,
    #[arg(long, default_value_t = 2)]
    procs: usize,
    #[arg(long, hide = true)]
    on: Option<System>,
    /// The server's process: no clients
    #[arg(long, hide = true)]
    server: bool,
    /// Go's program, which is the server
    #[arg(long, hide = true)]
    program: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    from_outside::many_descriptors();
    if let (Some(on), true) = (args.on, args.server) {
        from_outside::end_with_clients();
        serve(on, args.procs);
    }
    let all = Workload::all().into_iter();
    let named = |w: &Workload| match args.on {
        Some(_) => w.name == args.only,
        None => w.name.contains(&args.only),
    };
    let workloads: Vec<Workload> = all.filter(named).collect();
    if let Some(on) = args.on {
        let [workload] = &workloads[..] else {
            anyhow::bail!("one workload, please");
        };
        println!("{}", one(&args, on, workload)?);
        return Ok(());
    }
    let go = build_go(args.go.as_deref())?;
    let mut results: BTreeMap<(usize, System), Vec<Outcome>> = BTreeMap::new();
    for round in 1..=args.rounds {
        for (i, workload) in workloads.iter().enumerate() {
            eprint!("\rround {round} of {}: {:<20}", args.rounds, workload.name);
            for on in ALL {
                if on == System::Threads && workload.busy > 64 {
                    continue; // thousands of threads that compete: for minutes, and at others' cost
                }
                let outcome = measure(&args, on, workload, go.as_deref())?;
                results.entry((i, on)).or_default().extend(outcome);
            }
        }
    }
    eprintln!("\r{:<60}", "");
    println!(
        "| workload | | {} |",
        ALL.map(|on| format!("{on:?}")).join(" | ")
    );
    println!("|---|---{}|", "|---:".repeat(ALL.len()));
    for (i, workload) in workloads.iter().enumerate() {
        let of = |on| results.get(&(i, on)).map_or(&[][..], Vec::as_slice);
        print!("{}", outcome::rows(workload, ALL.map(of)));
    }
    Ok(())
}

fn one(args: &Args, on: System, workload: &Workload) -> Result<Outcome> {
    let (procs, time) = (args.procs, Duration::from_secs_f64(args.secs));
    if workload.kind.is_from_outside() {
        let mut server = vec!["--server".into(), "--procs".into(), procs.to_string()];
        let program = match &args.program {
            Some(go) => go.clone(),
            None => {
                server.extend(["--on".into(), name(on)]);
                std::env::current_exe()?
            }
        };
        return from_outside::run(&program, &server, workload, time);
    }
    Ok(match on {
        System::Gosched => blocking_sockets::on_gosched(workload, procs, time),
        System::May => blocking_sockets::on_may(workload, procs, time),
        System::Threads => blocking_sockets::on_threads(workload, time),
        System::Tokio => on_tokio::run(workload, procs, time),
        System::Go => unreachable!("a program of its own"),
    })
}

fn serve(on: System, procs: usize) {
    match on {
        System::Gosched => blocking_sockets::serve_on_gosched(procs),
        System::May => blocking_sockets::serve_on_may(procs),
        System::Threads => blocking_sockets::serve_on_threads(),
        System::Tokio => on_tokio::serve_all(procs),
        System::Go => unreachable!("a program of its own"),
    }
}

fn name(on: System) -> String {
    format!("{on:?}").to_lowercase()
}

/// `None`: it failed, or took too long.
fn measure(
    args: &Args,
    on: System,
    workload: &Workload,
    go: Option<&Path>,
) -> Result<Option<Outcome>> {
    let mut command = Command::new("timeout");
    command.args(["--signal=KILL", "30"]);
    let ours = std::env::current_exe()?;
    match (on, go) {
        (System::Go, None) => return Ok(None),
        (System::Go, Some(go)) if workload.kind.is_from_outside() => {
            command.arg(ours).args(["--on", "go", "--program"]).arg(go)
        }
        (System::Go, Some(go)) => command.arg(go),
        _ => command.arg(ours).args(["--on", &name(on)]),
    };
    command.args(["--only", workload.name, "--secs", &args.secs.to_string()]);
    command.args(["--procs", &args.procs.to_string()]);
    let output = command.stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then(|| text.parse()).transpose()
}

fn build_go(go: Option<&Path>) -> Result<Option<PathBuf>> {
    let Some(go) = go else { return Ok(None) };
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("go/net/main.go");
    let out = std::env::current_exe()?.with_file_name("go-net");
    let mut command = Command::new(go);
    let status = command.args(["build", "-o"]).arg(&out).arg(source).status();
    ensure!(
        status.context("cannot start go")?.success(),
        "go build failed"
    );
    Ok(Some(out))
}

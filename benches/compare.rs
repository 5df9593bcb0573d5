//! gosched, Go, OS threads and mini side by side, as a table for `docs/benchmarks.md`:
//!
//! ```text
//! cargo bench --bench compare -- --go /usr/local/go/bin/go
//! cargo bench --bench compare -- --go ... --only yield --rounds 15
//! cargo bench --bench compare -- --go ... --ranges  (the table of README.md)
//! cargo bench --bench compare -- --instructions     (needs valgrind)
//! ```
//!
//! Every measurement is a process of its own, ours and Go's in turn, so that a busy machine
//! troubles both alike. The table shows medians of nanoseconds per operation, on the clock and
//! in CPU time of all threads together; the latter hardly changes when others use the machine
//! too, but has the start of the process in it. Instructions are callgrind's count with 2N
//! operations less that with N, which leaves out start and end. A workload that cannot do just any
//! number of operations (a tree) does another one, and says which.
#![allow(unsafe_code, reason = "the door into the runtime, getrusage")]

use std::collections::BTreeMap;
use std::env::current_exe;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser;
use workloads::mini::on_mini;
use workloads::{PROCS, ROWS, Row, on_goroutines, operations};

mod workloads;

/// gosched beside Go and OS threads.
#[derive(Parser)]
struct Args {
    /// The go command
    #[arg(long)]
    go: Option<PathBuf>,
    /// Measurements of each kind; the table shows medians
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Only workloads with this in their id
    #[arg(long, default_value = "")]
    only: String,
    /// The README's rows: the lowest and the highest time, and threads on one CPU too
    #[arg(long, requires = "go")]
    ranges: bool,
    /// Count instructions instead of time
    #[arg(long)]
    instructions: bool,
    /// One measurement, in this process: a workload's id
    #[arg(long, requires = "on")]
    work: Option<String>,
    /// Where it runs: p1, p2; std, and std1 on one CPU; mini1, mini2
    #[arg(long)]
    on: Option<String>,
    /// So many operations
    #[arg(long, default_value_t = 100_000)]
    n: u64,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let args = Args::parse();
    if let (Some(id), Some(on)) = (&args.work, &args.on) {
        return one(id, on, args.n);
    }
    let rows = ROWS.iter().filter(|row| row.id.contains(&args.only));
    let rows: Vec<Row> = rows.copied().collect();
    match (&args.go, args.instructions) {
        (_, true) => print_instructions(&rows),
        (Some(go), false) if args.ranges => print_ranges(&rows, &build_peer(go), args.rounds),
        (Some(go), false) => print_times(&rows, &build_peer(go), args.rounds),
        (None, false) => println!("compare: nothing to do without --go PATH or --instructions"),
    }
}

/// A single measurement: prints nanoseconds per operation.
fn one(id: &str, on: &str, n: u64) {
    let row = ROWS
        .iter()
        .find(|row| row.id == id)
        .expect("a workload's id");
    let procs = |text: &str| text.parse().expect("p1, p2, mini1, mini2");
    if on == "std1" {
        stay_on_one_cpu();
    }
    let took = match (on.strip_prefix('p'), on.strip_prefix("mini")) {
        (Some(ps), _) => on_goroutines(row.goroutines, procs(ps), n),
        (_, Some(ps)) => on_mini(id, procs(ps), n).expect("mini has it"),
        _ => (row.threads)(n),
    };
    println!("{} {}", took.as_nanos() as f64 / n as f64, operations(n));
}

/// Every thread that this one starts runs on the CPU that it is on now.
fn stay_on_one_cpu() {
    // SAFETY: all zeros is a valid `cpu_set_t`: no CPU.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: no memory is involved.
    let cpu = unsafe { libc::sched_getcpu() };
    let cpu = usize::try_from(cpu).expect("Linux says which CPU it is");
    // SAFETY: it writes a bit of our set; the kernel gave the number.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: the set is ours, and as long as we say.
    let done = unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) };
    assert_eq!(
        done,
        0,
        "sched_setaffinity: {}",
        std::io::Error::last_os_error()
    );
}

fn has_mini(row: &Row) -> bool {
    on_mini(row.id, 1, 1).is_some()
}

/// Builds `benches/peers/go` outside of the source tree.
fn build_peer(go: &Path) -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-peer");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/go/main.go");
    let status = Command::new(go)
        .args(["build", "-o"])
        .arg(&out)
        .arg(source)
        .status();
    assert!(status.expect("go starts").success(), "go build failed");
    out
}

/// Nanoseconds per operation: on the clock, of CPU.
type Sample = (f64, f64);

fn measure(program: &Path, row: &Row, on: &str, n: u64) -> Sample {
    let args = ["--work", row.id, "--on", on, "--n", &n.to_string()];
    let before = cpu_of_children();
    let output = Command::new(program).args(args).output();
    let output = output.expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let nanos = text.split_whitespace().next().unwrap_or_default().parse();
    let nanos = nanos.unwrap_or_else(|_| panic!("{program:?} {args:?}: {output:?}"));
    (nanos, (cpu_of_children() - before) / n as f64)
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

fn print_times(rows: &[Row], peer: &Path, rounds: usize) {
    let me = current_exe().expect("my own path");
    let mut samples: BTreeMap<(&str, &str, &str), Vec<Sample>> = BTreeMap::new();
    for round in 1..=rounds {
        for row in rows {
            eprint!("\rround {round} of {rounds}: {:<30}", row.id);
            let mut add =
                |who, on, sample| samples.entry((row.id, on, who)).or_default().push(sample);
            for on in ["p1", "p2"] {
                add("gosched", on, measure(&me, row, on, row.n));
                add("go", on, measure(peer, row, on, row.n));
            }
            for on in ["mini1", "mini2"] {
                if has_mini(row) {
                    add("mini", on, measure(&me, row, on, row.n));
                }
            }
            add("std", "std", measure(&me, row, "std", row.threads_n));
        }
    }
    eprintln!("\r{:<60}", "");
    println!(
        "| workload | P | gosched | Go | ratio | CPU: gosched | Go | ratio | std::thread | mini | mini : Go |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for row in rows {
        let (threads, _) = medians(&samples[&(row.id, "std", "std")]);
        for (procs, on) in PROCS.iter().zip(["p1", "p2"]) {
            let ours = medians(&samples[&(row.id, on, "gosched")]);
            let go = medians(&samples[&(row.id, on, "go")]);
            let on_mini = if on == "p1" { "mini1" } else { "mini2" };
            let mini = samples.get(&(row.id, on_mini, "mini"));
            let mini = mini.map(|samples| medians(samples).0);
            println!(
                "| `{}` | {procs} | {} | {} | **{:.2}** | {} | {} | **{:.2}** | {} | {} | {} |",
                row.id,
                number(ours.0),
                number(go.0),
                ours.0 / go.0,
                number(ours.1),
                number(go.1),
                ours.1 / go.1,
                number(threads),
                mini.map_or("–".into(), number),
                mini.map_or("–".into(), |mini| format!("**{:.2}**", mini / go.0)),
            );
        }
    }
}

/// The rows of the README's table.
const RANGED: [&str; 7] = [
    "spawn/wait",
    "spawn/join",
    "yield/1000",
    "park/ping_pong",
    "chan/ping_pong",
    "mutex/uncontended",
    "stack/new",
];

fn print_ranges(rows: &[Row], peer: &Path, rounds: usize) {
    let me = current_exe().expect("my own path");
    println!("| workload | gosched | Go | std::thread | std::thread, one CPU |");
    println!("|---|---|---|---|---|");
    for row in RANGED
        .iter()
        .filter_map(|id| rows.iter().find(|row| row.id == *id))
    {
        let mut samples: [Vec<f64>; 4] = Default::default();
        for round in 1..=rounds {
            eprint!("\rround {round} of {rounds}: {:<30}", row.id);
            let columns = [
                (me.as_path(), "p1", row.n),
                (peer, "p1", row.n),
                (me.as_path(), "std", row.threads_n),
                (me.as_path(), "std1", row.threads_n),
            ];
            for (column, (program, on, n)) in samples.iter_mut().zip(columns) {
                column.push(measure(program, row, on, n).0);
            }
        }
        let cells = samples.map(|column| range(&column));
        eprint!("\r{:<60}\r", "");
        println!("| `{}` | {} |", row.id, cells.join(" | "));
    }
}

/// `50 to 61`: the lowest and the highest; one number if both look alike.
fn range(nanos: &[f64]) -> String {
    let low = number(nanos.iter().copied().fold(f64::INFINITY, f64::min));
    let high = number(nanos.iter().copied().fold(0.0, f64::max));
    if low == high {
        low
    } else {
        format!("{low} to {high}")
    }
}

fn medians(samples: &[Sample]) -> Sample {
    let median = |pick: fn(&Sample) -> f64| {
        let mut all: Vec<f64> = samples.iter().map(pick).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    (median(|sample| sample.0), median(|sample| sample.1))
}

fn number(nanos: f64) -> String {
    if nanos < 20.0 {
        format!("{nanos:.1}")
    } else {
        format!("{nanos:.0}")
    }
}

fn print_instructions(rows: &[Row]) {
    println!("| workload | instructions an operation, one P | on mini |\n|---|---|---|");
    for row in rows {
        let per_op = |on| instructions(row, on);
        let mini = match has_mini(row) {
            true => format!("{:.0}", per_op("mini1")),
            false => "–".into(),
        };
        println!("| `{}` | {:.0} | {mini} |", row.id, per_op("p1"));
    }
}

/// Of one operation: in a run with more of them less those in a run with fewer.
fn instructions(row: &Row, on: &str) -> f64 {
    let few = (row.n / 100).max(100);
    let (least, done) = count(row, on, few);
    // Twice as many; or ten times, for a tree with ten children at each node.
    let mut runs = [2, 10].map(|times| times * few).into_iter();
    let more = runs.find_map(|n| Some(count(row, on, n)).filter(|(_, more)| *more > done));
    let (most, more) = more.expect("more operations are more");
    (most - least) / (more - done)
}

/// All instructions of a run with about `n` operations; and how many it did.
fn count(row: &Row, on: &str, n: u64) -> (f64, f64) {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(current_exe().expect("my own path"))
        .args(["--work", row.id, "--on", on, "--n", &n.to_string()])
        .output()
        .expect("valgrind starts");
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().find_map(|line| line.split_once("Collected :"));
    let (_, number) = line.unwrap_or_else(|| panic!("no count: {text}"));
    let said = String::from_utf8_lossy(&output.stdout);
    let did = said.split_whitespace().nth(1).map(str::parse);
    let did = did.and_then(Result::ok).expect("how many it did");
    (number.trim().parse().expect("a number"), did)
}

//! runtime/core/sched/find.rs: which goroutine runs next, step by step, the same as in Go. Runs a recorded
//! program at one P, and shows what it did beside what Go did.
//! What to notice: after `go`, the new goroutine is not the next to run; main goes on. When main yields or
//! blocks, the *last* one that was started runs first (`runnext`), then the others in order. And
//! the two columns are equal, to the last step.
//!
//! The programs were recorded from Go ([tests/conformance](../tests/conformance/README.md), where the operations
//! are explained). The log is a shared file mapping, so it survives a deadlock and a panic.

mod log;
mod program;
mod show;
mod on_gosched;
mod on_mini;

/// What came of an operation that does not wait.
pub(crate) enum Try<T> {
    Done(T),
    Blocks,
    Closed,
}

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use program::{Op, Program};

/// Runs a program that was recorded from Go, and shows both schedules side by side.
#[derive(Parser)]
struct Args {
    /// The program
    #[arg(default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/conformance/10000.prog"))]
    program: PathBuf,
    /// Only leave the log of the run in this file; unused bytes are NUL
    log: Option<PathBuf>,
    /// What to run the program on
    #[arg(default_value = "gosched")]
    system: System,
    /// Show this many steps
    #[arg(long, default_value_t = 40)]
    steps: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum System {
    Gosched,
    /// runtime/mini, as far as it has what the program needs
    Mini,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let Some(log) = &args.log else {
        return show::side_by_side(&args.program, args.steps);
    };
    match run(&args.program, log, args.system == System::Mini) {
        Err(words) => {
            eprintln!("{words}");
            ExitCode::FAILURE
        }
        Ok(code) => code,
    }
}

/// Runs the program in this process, and ends the process with it.
fn run(path: &Path, log: &Path, on_mini: bool) -> Result<ExitCode, String> {
    let named = |path: &Path, e: String| format!("{}: {e}", path.display());
    let text = std::fs::read_to_string(path).map_err(|e| named(path, e.to_string()))?;
    let program = program::parse(&text).map_err(|e| named(path, e))?;
    if on_mini && waits_on_a_condvar(&program) {
        eprintln!("mini has no condition variables");
        return Ok(ExitCode::from(65));
    }
    let file = log::Log::create(log).map_err(|e| named(log, e.to_string()))?;
    if on_mini {
        on_mini::interpreter::World::new(program, file).run()
    } else {
        on_gosched::interpreter::World::new(program, file).run()
    }
}

fn waits_on_a_condvar(program: &Program) -> bool {
    let mut ops = program.scripts.iter().flatten();
    ops.any(|op| matches!(op, Op::CondWait(_)))
}

// $ cargo run --release --example schedule -- tests/conformance/10000.prog --steps 12
// step  gosched                         Go
//    1  0 start 0                       0 start 0
//    2  0 y                             0 y
//    3  0 trysend 1 full                0 trysend 1 full
//    4  0 go 1                          0 go 1
//    5  0 go 2                          0 go 2
//    6  0 go 3                          0 go 3
//    7  3 start 3                       3 start 3
//    8  3 signal 0                      3 signal 0
//    9  3 broadcast 0                   3 broadcast 0
//   10  1 start 3                       1 start 3
//   11  1 signal 0                      1 signal 0
//   12  1 broadcast 0                   1 broadcast 0
// ... more
// ... steps, all equal

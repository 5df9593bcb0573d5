//! Runs a recorded program at one P and leaves its log: shows `runtime/core/sched/find.rs` at work.
//!
//! ```text
//! cargo run --release --example schedule -- tests/conformance/10000.prog /tmp/log
//! ```
//!
//! With `mini` as a third word it runs on `runtime/mini` instead, as far as mini has what the
//! program needs.
//!
//! The programs were recorded from Go (`tests/conformance/README.md`); the log, the exit status
//! and the first line of stderr are the same here, step by step. The log is a shared file
//! mapping, so it survives a deadlock and a panic; what is not used of it is NUL.

mod log;
mod program;
mod on_gosched;
mod on_mini;

/// What came of an operation that does not wait.
pub(crate) enum Try<T> {
    Done(T),
    Blocks,
    Closed,
}

use std::process::ExitCode;

use program::{Op, Program};

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let (program, log, on_mini) = match &args[..] {
        [program, log] => (program, log, false),
        [program, log, system] if system == "mini" => (program, log, true),
        _ => {
            eprintln!("usage: schedule PROGRAM LOG [mini]");
            return ExitCode::from(64);
        }
    };
    let parsed = std::fs::read_to_string(program)
        .map_err(|e| e.to_string())
        .and_then(|text| program::parse(&text));
    let program = match parsed {
        Ok(parsed) => parsed,
        Err(e) => {
            eprintln!("{}: {e}", program.display());
            return ExitCode::FAILURE;
        }
    };
    if on_mini && waits_on_a_condvar(&program) {
        eprintln!("mini has no condition variables");
        return ExitCode::from(65);
    }
    match log::Log::create(log.as_ref()) {
        Ok(log) if on_mini => on_mini::interpreter::World::new(program, log).run(),
        Ok(log) => on_gosched::interpreter::World::new(program, log).run(),
        Err(e) => {
            eprintln!("{}: {e}", log.display());
            ExitCode::FAILURE
        }
    }
}

fn waits_on_a_condvar(program: &Program) -> bool {
    let mut ops = program.scripts.iter().flatten();
    ops.any(|op| matches!(op, Op::CondWait(_)))
}

// $ cargo run --release --example schedule -- tests/conformance/10000.prog target/schedule.log

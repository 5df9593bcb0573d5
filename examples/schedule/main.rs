//! Runs a recorded program at one P and leaves its log: shows `runtime/sched/find.rs` at work.
//!
//! ```text
//! cargo run --release --example schedule -- tests/conformance/10000.prog /tmp/log
//! ```
//!
//! The programs were recorded from Go (`tests/conformance/README.md`); the log, the exit status
//! and the first line of stderr are the same here, step by step. The log is a shared file
//! mapping, so it survives a deadlock and a panic; what is not used of it is NUL.

mod interpreter;
mod log;
mod program;

use std::process::ExitCode;

use interpreter::World;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let [program, log] = &args[..] else {
        eprintln!("usage: schedule PROGRAM LOG");
        return ExitCode::from(64);
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
    match log::Log::create(log.as_ref()) {
        Ok(log) => World::new(program, log).run(),
        Err(e) => {
            eprintln!("{}: {e}", log.display());
            ExitCode::FAILURE
        }
    }
}

// $ cargo run --release --example schedule -- tests/conformance/10000.prog target/schedule.log

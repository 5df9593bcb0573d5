//! runtime/mini/lib.rs: eight programs on which mini hangs, dies, or answers wrongly. Each runs on
//! mini and on gosched, the same source, in a process of its own that has some seconds.
//! What to notice: all eight end on gosched, seven with the right answer, and one with the words that
//! say what is wrong with it. What each of them takes is a part of the full runtime; the last column
//! says which file to read.
#![allow(unsafe_code, reason = "the doors into the runtimes")]

use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::builder::PossibleValuesParser;
use clap::{Parser, ValueEnum};
use gosched_examples::{columns, println};

mod on_gosched;
mod on_mini;
mod limits;

use limits::LIMITS;

/// Eight programs that break mini, on mini and on gosched
#[derive(Parser)]
struct Args {
    /// Only this one
    #[arg(value_parser = PossibleValuesParser::new(LIMITS.map(|limit| limit.name)))]
    name: Option<String>,
    /// Seconds that a program has on mini
    #[arg(long, default_value_t = 10)]
    limit: u64,
    /// Run the program in this process, on this system
    #[arg(long, hide = true, requires = "name")]
    on: Option<System>,
}

#[derive(Clone, Copy, ValueEnum)]
enum System {
    Mini,
    Gosched,
}

/// What ends by itself has time, however busy the machine.
const LONG: u64 = 60;

fn main() {
    let args = Args::parse();
    let wanted = |name| args.name.as_deref().is_none_or(|wanted| wanted == name);
    if let Some(on) = args.on {
        for (i, limit) in LIMITS.iter().enumerate().filter(|(_, l)| wanted(l.name)) {
            match on {
                // SAFETY: the contract is broken on purpose, in `thread_local`: by a process that
                // only compares two addresses.
                System::Mini => unsafe {
                    gosched_mini::run_on(limit.procs, on_mini::PROGRAMS[i])
                },
                System::Gosched => {
                    let builder = gosched::Builder::new().procs(limit.procs);
                    // SAFETY: as above; the runtime keeps that goroutine on its thread.
                    unsafe { builder.run(on_gosched::PROGRAMS[i]) }
                }
            }
        }
        return;
    }
    let narrow = columns().is_some_and(|columns| columns < 116);
    if !narrow {
        println!(
            "{:18} | {:34} | {:34} | what answers it",
            "", "mini", "gosched"
        );
    }
    for limit in LIMITS.iter().filter(|limit| wanted(limit.name)) {
        let (mini, full) = (start(limit.name, "mini"), start(limit.name, "gosched"));
        let (mini, full) = (end(mini, args.limit), end(full, LONG));
        let (name, answer) = (limit.name, limit.answer);
        if narrow {
            println!("{name}");
            println!("  on mini:    {mini}");
            println!("  on gosched: {full}");
            println!("  the answer: {answer}");
        } else {
            println!("{name:18} | {mini:34} | {full:34} | {answer}");
        }
    }
}

fn start(name: &str, on: &str) -> Child {
    let me = std::env::current_exe().expect("my own path");
    let mut command = Command::new(me);
    command.args([name, "--on", on]).stdin(Stdio::null());
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("it starts")
}

/// How it ended, in few words.
fn end(mut child: Child, seconds: u64) -> String {
    let late = Instant::now() + Duration::from_secs(seconds);
    while child.try_wait().expect("it is a child").is_none() {
        if Instant::now() > late {
            child.kill().expect("it is a child");
            child.wait().expect("it was killed");
            return "does not end".into();
        }
        sleep(Duration::from_millis(10));
    }
    words(&child.wait_with_output().expect("it is a child"))
}

fn words(output: &Output) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    let first = |text: &[u8]| {
        let text = String::from_utf8_lossy(text);
        text.lines().next().unwrap_or("").to_owned()
    };
    if let Some(signal) = output.status.signal() {
        return format!("killed by signal {signal}, no word");
    }
    if output.status.success() {
        return first(&output.stdout);
    }
    let line = first(&output.stderr);
    let line = line
        .trim_start_matches("fatal error: ")
        .trim_start_matches("runtime: ");
    match line.split_once(" - ").or_else(|| line.split_once(": ")) {
        Some((start, _)) => start.to_owned(),
        None => line.to_owned(),
    }
}

// $ cargo run --release --example mini_limits

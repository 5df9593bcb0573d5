//! Small programs that touch thread-locals around a suspension, and realistic bodies; each
//! forced to move to another thread. `ci/tls-cases.sh` runs them in many profiles.
//!
//! `tls-cases all [unguarded]` runs every case in a process of its own and prints a table.
//! With the guard it fails if one is wrong. `tls-cases run NAME [unguarded]` runs one.
use std::process::{Command, ExitCode};
use std::sync::atomic::Ordering::Relaxed;

mod bodies;
mod cost;
mod migrate;

/// Its name, and what answers whether all was right.
type Case = (&'static str, fn() -> bool);

mod own_keys {
    include!("../keys/src/keys.rs");
}

mod own {
    use super::own_keys as keys;
    include!("cases.rs");
}

mod lib {
    use tls_keys::keys;
    include!("cases.rs");
}

/// How often each case runs in its process.
const ROUNDS: u32 = 5;

/// Every case, with whether the guard must get it right.
fn all() -> Vec<(String, fn() -> bool, bool)> {
    let named = |prefix: &'static str, cases: &'static [Case], must: bool| {
        cases.iter().map(move |&(name, f)| (format!("{prefix}/{name}"), f, must))
    };
    named("own", own::CASES, true)
        .chain(named("lib", lib::CASES, true))
        .chain(named("own/duty", own::DUTY, false))
        .chain(named("lib/duty", lib::DUTY, false))
        .collect()
}

fn builder(guarded: bool) -> gosched::Builder {
    let builder = gosched::Builder::new().procs(2);
    if guarded {
        return builder;
    }
    // SAFETY: none: to see what goes wrong.
    unsafe { builder.without_tls_guard() }
}

fn run(name: &str, guarded: bool) -> ExitCode {
    let cases = all();
    let Some((_, case, _)) = cases.iter().find(|(n, ..)| n == name) else {
        eprintln!("no case {name}");
        return ExitCode::from(2);
    };
    let case = *case;
    // SAFETY: what the cases hold across suspensions is what they are for.
    let wrong = unsafe {
        builder(guarded).run(move || (0..ROUNDS).filter(|_| !case()).count())
    };
    let (moved, stayed) = (migrate::MOVED.load(Relaxed), migrate::STAYED.load(Relaxed));
    println!("{wrong} {moved} {stayed}");
    ExitCode::SUCCESS
}

fn run_all(guarded: bool) -> ExitCode {
    let mut wrong = 0;
    let cases = all();
    for (name, _, must) in &cases {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["run", name]);
        if !guarded {
            command.arg("unguarded");
        }
        let out = command.output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout);
        let numbers: Vec<u64> = text.split_whitespace().flat_map(str::parse).collect();
        let verdict = match numbers[..] {
            [0, moved, stayed] if out.status.success() => {
                format!("right, moved {moved}, stayed {stayed}")
            }
            [n, moved, stayed] if out.status.success() => {
                wrong += u32::from(*must);
                format!("WRONG {n} of {ROUNDS}, moved {moved}, stayed {stayed}")
            }
            _ => {
                wrong += u32::from(*must);
                format!("WRONG: {} {}", out.status, String::from_utf8_lossy(&out.stderr))
            }
        };
        println!("{name}: {verdict}");
    }
    let must = cases.iter().filter(|c| c.2).count();
    println!("{wrong} of {must} wrong, not counting duties");
    if guarded && wrong > 0 {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["all"] => run_all(true),
        ["all", "unguarded"] => run_all(false),
        ["run", name] => run(name, true),
        ["run", name, "unguarded"] => run(name, false),
        ["bodies"] => bodies::all(),
        ["cost"] => cost::all(true),
        ["cost", "unguarded"] => cost::all(false),
        _ => {
            eprintln!("tls-cases all|bodies|cost [unguarded], tls-cases run NAME [unguarded]");
            ExitCode::from(2)
        }
    }
}

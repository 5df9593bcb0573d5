//! A harness for tests whose children must own the process: the child runs its program on the
//! process's first thread, with no other thread around. Understands what `cargo test` and
//! `ci/check.sh` pass: names, `--skip NAME`, `--exact`, `--list`.

use std::panic::catch_unwind;
use std::process::exit;
use std::time::Duration;

use crate::child;

#[path = "watchdog.rs"]
mod watchdog;
use watchdog::Watchdog;

type Test = (&'static str, fn());

/// For one test. Each of its children has a limit of its own, and tells more: see `child.rs`.
const LIMIT: Duration = Duration::from_secs(240);

#[allow(dead_code, reason = "one program has tests that take longer")]
pub(crate) fn main(tests: &[Test]) {
    main_within(LIMIT, tests);
}

/// As [`main`], for tests that may take longer.
pub(crate) fn main_within(limit: Duration, tests: &[Test]) {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (names, skip) = names(&args);
    let exact = args.iter().any(|a| a == "--exact");
    let fits = |test: &str, name: &String| {
        if exact {
            test == name
        } else {
            test.contains(name.as_str())
        }
    };
    let wanted = |(test, _): &&Test| {
        (names.is_empty() || names.iter().any(|n| fits(test, n)))
            && !skip.iter().any(|n| fits(test, n))
    };
    let wanted: Vec<&Test> = tests.iter().filter(wanted).collect();
    if child::role().is_some() {
        wanted.iter().for_each(|(_, program)| program());
        return;
    }
    if args.iter().any(|a| a == "--list") {
        wanted.iter().for_each(|(name, _)| println!("{name}: test"));
        return;
    }
    println!("\nrunning {} tests", wanted.len());
    let failed: Vec<&str> = wanted
        .iter()
        .filter(|(name, test)| {
            let _dog = Watchdog::new(&format!("the test `{name}`"), limit, no_dump);
            let ok = catch_unwind(test).is_ok();
            println!("test {name} ... {}", if ok { "ok" } else { "FAILED" });
            !ok
        })
        .map(|(name, _)| *name)
        .collect();
    let out = tests.len() - wanted.len();
    let word = if failed.is_empty() { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {word}. {} passed; {} failed; 0 ignored; 0 measured; {out} filtered out\n",
        wanted.len() - failed.len(),
        failed.len()
    );
    exit(if failed.is_empty() { 0 } else { 101 });
}

/// The tests have no goroutines: their children do.
fn no_dump() {}

/// The names to run, and those to skip.
fn names(args: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut names, mut skip) = (Vec::new(), Vec::new());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--skip" => skip.extend(args.next().cloned()),
            "--test-threads" | "--format" | "--color" | "-Z" => drop(args.next()),
            flag if flag.starts_with('-') => (),
            name => names.push(name.to_owned()),
        }
    }
    (names, skip)
}

//! Two schedules side by side: ours, and the one that was recorded from Go.
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use gosched_examples::{columns, paint, println};

/// Runs the program in a child process, whose log outlives it, and prints `steps` steps of both.
pub(crate) fn side_by_side(program: &Path, steps: usize) -> ExitCode {
    match both(program) {
        Ok((ours, go)) => print(&ours, go.as_deref(), steps),
        Err(words) => {
            eprintln!("{words}");
            ExitCode::FAILURE
        }
    }
}

/// The steps of our run, and Go's if there is a `.log` file beside the program.
type Both = (Vec<String>, Option<Vec<String>>);

fn both(program: &Path) -> Result<Both, String> {
    let scratch = std::env::temp_dir().join(format!("gosched-schedule-{}", std::process::id()));
    let me = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut child = Command::new(me);
    child.arg(program).arg(&scratch).stdin(Stdio::null());
    let ended = child.output().map_err(|e| e.to_string())?;
    let ours = std::fs::read_to_string(&scratch);
    let _ = std::fs::remove_file(&scratch);
    let stderr = String::from_utf8_lossy(&ended.stderr);
    let Ok(ours) = ours else {
        return Err(stderr.trim_end().to_owned()); // it says why it did not begin
    };
    let first = stderr.lines().next().unwrap_or("");
    let status = ended
        .status
        .code()
        .map_or("?".into(), |code| code.to_string());
    let mut ours = lines(ours.trim_end_matches('\0'));
    ours.push(format!("exit {status} {first}").trim_end().to_owned());
    let go = std::fs::read_to_string(program.with_extension("log"));
    let go = go.ok().map(|text| {
        let mut go = lines(&text);
        let end = go.remove(0).trim_end().to_owned(); // the first line of a record is the end
        go.push(end);
        go
    });
    Ok((ours, go))
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// The colour of a step is its goroutine's; a difference is red.
fn print(ours: &[String], go: Option<&[String]>, steps: usize) -> ExitCode {
    const RED: usize = 5;
    let all = ours.len().max(go.map_or(0, <[String]>::len));
    let mut differ = 0;
    // Beside the number of the step there are two columns, and two spaces before each.
    let wide = columns().map_or(30, |all| (all.saturating_sub(8) / 2).clamp(12, 30));
    println!(
        "step  {:<wide$}  {}",
        "gosched",
        if go.is_some() { "Go" } else { "" }
    );
    for i in 0..all {
        let step = |of: &[String]| of.get(i).cloned().unwrap_or_else(|| "(the end)".into());
        let (a, b) = (step(ours), go.map_or_else(|| step(ours), step));
        let who = a
            .split(' ')
            .next()
            .and_then(|id| id.parse::<usize>().ok())
            .unwrap_or(0);
        differ += usize::from(a != b);
        if i < steps || a != b {
            let colour = if a == b { who % RED } else { RED };
            let (a, b) = (
                format!("{a:<wide$}"),
                if go.is_some() { b } else { String::new() },
            );
            let line = format!("{:>4}  {}  {}", i + 1, paint(colour, a), paint(colour, b));
            println!("{}", line.trim_end());
        }
    }
    if all > steps {
        println!("... {} more", all - steps);
    }
    match (go, differ) {
        (None, _) => println!("{all} steps; no record of Go's beside the program"),
        (_, 0) => println!("{all} steps, all equal"),
        _ => println!(
            "{all} steps, {differ} differ (see tests/conformance/README.md: the start tick)"
        ),
    }
    if differ == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

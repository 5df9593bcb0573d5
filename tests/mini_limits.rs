//! Where mini breaks, gosched does not: the eight programs of `examples/mini_limits`, on both.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

#[path = "support/child.rs"]
mod child;

const LIMIT: Duration = Duration::from_secs(240);

/// Name, on mini, on gosched.
const ROWS: [[&str; 3]; 8] = [
    ["endless_loop", "does not end", "main goes on"],
    ["blocking_call", "does not end", "42 has come"],
    [
        "thread_local",
        "uses the Cell of another thread",
        "uses the Cell of its own thread",
    ],
    ["many_stacks", "no stack", "40000 waited at once"],
    [
        "deep_recursion",
        "killed by signal 11, no word",
        "goroutine stack exceeds 262144-byte limit",
    ],
    ["lost_slice", "does not end", "the third had its turn"],
    [
        "sleeping_timers",
        "40 sleep one after the other",
        "40 sleep all at once",
    ],
    ["foreign_thread", "all goroutines are asleep", "7 has come"],
];

/// `target/PROFILE/examples/mini_limits`: cargo builds it with all tests.
fn example() -> Command {
    let me = std::env::current_exe().expect("this test is a file");
    let profile = me.parent().and_then(Path::parent);
    let tool = profile
        .expect("target/PROFILE/deps/TEST")
        .join("examples/mini_limits");
    assert!(
        tool.exists(),
        "first: cargo build --example mini_limits (or with --release)"
    );
    Command::new(tool)
}

/// With Linux's default a process has room for some 32,000 stacks with a guard each.
fn mappings() -> usize {
    let text = std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

#[test]
fn all_eight_break_mini_and_end_on_gosched() {
    let wrong: Vec<String> = std::thread::scope(|s| {
        let runs = ROWS.map(|row| s.spawn(move || wrong(row)));
        runs.into_iter()
            .filter_map(|run| run.join().unwrap())
            .collect()
    });
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
}

fn wrong([name, on_mini, on_gosched]: [&str; 3]) -> Option<String> {
    // What ends has time for it, on a busy machine too.
    let limit = if on_mini == "does not end" { "4" } else { "20" };
    let ended = child::run(example().args([name, "--limit", limit]), LIMIT);
    let line = ended.stdout.lines().find(|line| line.starts_with(name));
    let cells: Vec<&str> = line.unwrap_or("").split('|').map(str::trim).collect();
    let roomy = name == "many_stacks" && mappings() > 80_000;
    let on_mini = if roomy { on_gosched } else { on_mini };
    let right = cells.get(1..3) == Some(&[on_mini, on_gosched]) && ended.status == Some(0);
    (!right).then(|| format!("{name}: want {on_mini} | {on_gosched}: {ended}"))
}

/// Each program is short, and the file that is named as its answer is there.
#[test]
fn the_programs_are_under_thirty_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let programs = read("examples/mini_limits/programs.rs");
    let mut count = 0;
    for part in programs.split("\nfn ").skip(1) {
        let lines = part.split("\n}\n").next().unwrap().lines().count();
        assert!(lines < 30, "{lines} lines: {part}");
        count += 1;
    }
    assert_eq!(count, ROWS.len());
    for row in read("examples/mini_limits/limits.rs").lines() {
        if let Some((_, file)) = row.split_once(", \"").filter(|_| row.contains("limit(\"")) {
            let file = file.trim_end_matches("\"),");
            let file = file.rsplit('"').next().unwrap();
            assert!(root.join("runtime").join(file).exists(), "{row}");
        }
    }
}

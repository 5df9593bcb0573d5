//! runtime/api/sync/rwlock.rs: a lock with two doors. Any number of readers may be inside together, or one
//! writer alone.
//! What to notice: the readers' lines overlap, and nobody's overlaps with the writer's. A reader that comes
//! while a writer waits has to wait behind it, although other readers are inside: otherwise readers that
//! relieve each other could keep a writer out for ever.
use std::time::{Duration, Instant};

use clap::Parser;
use gosched::sync::{Mutex, RwLock};
use gosched::thread::{scope, sleep};
use gosched_examples::{Timeline, println};

/// Readers together, a writer alone.
#[derive(Parser)]
struct Args {}

const MS: Duration = Duration::from_millis(1);

/// When each comes, in ms; each stays inside for 15 ms.
const PEOPLE: [(&str, u32); 6] = [
    ("reader 1", 0),
    ("reader 2", 4),
    ("writer", 8),
    ("reader 3", 12),
    ("reader 4", 16),
    ("reader 5", 50),
];

fn visit(name: &str, number: &RwLock<u32>) {
    if name == "writer" {
        let mut number = number.write().unwrap();
        sleep(15 * MS);
        *number += 1;
    } else {
        let _number = number.read().unwrap();
        sleep(15 * MS);
    }
}

fn day() {
    let start = Instant::now();
    let number = RwLock::new(0);
    let log = Mutex::new(Vec::new());
    scope(|s| {
        for (i, (name, comes)) in PEOPLE.into_iter().enumerate() {
            let (number, log) = (&number, &log);
            s.spawn(move || {
                sleep(comes * MS);
                let came = Instant::now();
                visit(name, number);
                log.lock().unwrap().push((i, name, came, Instant::now()));
            });
        }
    });
    let mut log = log.into_inner().unwrap();
    log.sort();
    let mut timeline = Timeline::new(start, MS);
    for (i, name, came, went) in log {
        let inside = went - 15 * MS;
        if inside > came {
            timeline.span(name, '.', None, came, inside);
        }
        let mark = if name == "writer" { 'W' } else { 'r' };
        timeline.span(name, mark, Some(i), inside.max(came), went);
    }
    timeline.print();
}

fn main() {
    Args::parse();
    println!("r: reads   W: writes   .: waits at the door   a column: 1 ms");
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    unsafe { gosched::run(day) };
}

// $ cargo run --release --example rwlock
// r: reads   W: writes   .: waits at the door   a column: 1 ms
//   reader 1 |...rrr...
//   reader 2 |...rrr...
//   writer   |...WWW...
//   reader 3 |...rrr...
//   reader 4 |...rrr...
//   reader 5 |...rrr...

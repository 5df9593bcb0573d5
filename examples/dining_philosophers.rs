//! runtime/core/wait/sema.rs: five philosophers at a round table, a fork between each two; who eats
//! needs both of them. Each takes the fork with the lower number first, so at least one can
//! always go on. With `--left-first` each takes the left one first, all at the same moment: a
//! circle of goroutines that wait for each other, and the runtime says so.
//! What to notice: never more than two eat at once and no neighbours do; who waits for a fork
//! sleeps in the mutex's queue. In the report each is in `sync.Mutex.Lock`.

use std::time::{Duration, Instant};

use clap::Parser;
use gosched::sync::{Barrier, Mutex};
use gosched::thread::{scope, sleep};
use gosched_examples::{Timeline, println};

/// Five philosophers, five forks, two forks a meal.
#[derive(Parser)]
struct Args {
    /// All take the left fork first, and starve
    #[arg(long)]
    left_first: bool,
}

const NAMES: [&str; 5] = ["Hypatia", "Laozi", "Diotima", "Kant", "Arendt"];
const MEALS: usize = 4;
/// How long one takes, the pause after it, and a column of the picture.
const MEAL: Duration = Duration::from_millis(6);
const THOUGHT: Duration = Duration::from_millis(2);
const COLUMN: Duration = Duration::from_millis(2);

struct Table {
    forks: [Mutex<()>; 5],
    /// Who ate, which meal, from, to.
    log: Mutex<Vec<(usize, usize, Instant, Instant)>>,
    seated: Barrier,
    left_first: bool,
}

fn dine(table: &Table, me: usize) {
    let (left, right) = (me, (me + 1) % 5);
    let swap = !table.left_first && right < left;
    let [first, second] = if swap { [right, left] } else { [left, right] };
    table.seated.wait();
    for meal in 1..=MEALS {
        let one = table.forks[first].lock().unwrap();
        if table.left_first && meal == 1 {
            table.seated.wait(); // bad luck, made sure: everybody has a fork
        }
        let other = table.forks[second].lock().unwrap();
        let from = Instant::now();
        sleep(MEAL);
        table
            .log
            .lock()
            .unwrap()
            .push((me, meal, from, Instant::now()));
        drop((one, other));
        sleep(THOUGHT);
    }
}

fn dinner(left_first: bool) {
    let table = Table {
        forks: [const { Mutex::new(()) }; 5],
        log: Mutex::new(Vec::new()),
        seated: Barrier::new(5),
        left_first,
    };
    let start = Instant::now();
    scope(|s| {
        for me in 0..5 {
            let table = &table;
            s.spawn(move || dine(table, me));
        }
    });
    let mut log = table.log.into_inner().unwrap();
    let took = start.elapsed();
    log.sort_unstable();
    let mut timeline = Timeline::new(start, COLUMN);
    for &(me, meal, from, to) in &log {
        let digit = char::from_digit(meal as u32, 10).expect("four meals");
        timeline.span(NAMES[me], digit, Some(me), from, to);
    }
    timeline.print();
    println!("{} meals in {} ms", log.len(), took.as_millis());
}

fn main() {
    let left_first = Args::parse().left_first;
    println!("1 2 3 4: eats this meal   a column: 2 ms");
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    unsafe { gosched::run(|| dinner(left_first)) };
}

// $ cargo run --release --example dining_philosophers
// 1 2 3 4: eats this meal   a column: 2 ms
//   Hypatia |...
//   Laozi   |...
//   Diotima |...
//   Kant    |...
//   Arendt  |...
// 20 meals in ... ms

//! runtime/core/sched/park.rs: one shopping list, bought in four ways. Fetching an item keeps a
//! shopper busy; some items then wait at a counter, which keeps nobody busy.
//!
//! - one task: one shopper, one item after the other, who stands and waits at the counter;
//! - concurrency: a goroutine an item, one shopper, who goes on with another while one waits;
//! - parallelism without concurrency: two shoppers, each with half the list, one item after the other;
//! - both: a goroutine an item, and two shoppers.
//!
//! What to notice: concurrency fills the waiting, parallelism divides the work. The second and the last
//! way are one program, only `gomaxprocs` differs. The last item comes first: as in Go, a new
//! goroutine is the next one to run.

mod cartoon;
mod shop;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use gosched::{gomaxprocs, lock_os_thread, thread};
use gosched_examples::{Timeline, println};
use shop::{Entry, LIST, TICK, buy};

/// One shopping list, bought in four ways.
#[derive(Parser)]
struct Args {
    /// Draw the four ways as a cartoon into this file, too
    #[arg(long)]
    svg: Option<PathBuf>,
}

/// What came of one way.
struct Way {
    title: &'static str,
    took: Duration,
    start: Instant,
    log: Vec<Entry>,
}

fn one_task() {
    (0..LIST.len()).for_each(buy);
}

fn a_goroutine_an_item() {
    thread::scope(|scope| {
        for item in 0..LIST.len() {
            scope.spawn(move || buy(item));
        }
    });
}

/// A goroutine for each shopper. It stays on one OS thread: nobody else goes on with the list.
fn half_the_list_each() {
    thread::scope(|scope| {
        for half in [[0, 2].as_slice(), &[1, 3, 4]] {
            scope.spawn(move || {
                lock_os_thread();
                half.iter().copied().for_each(buy);
            });
        }
    });
}

const WAYS: [(&str, usize, fn()); 4] = [
    ("one task", 1, one_task),
    ("concurrency, one shopper", 1, a_goroutine_an_item),
    (
        "parallelism without concurrency, two shoppers",
        2,
        half_the_list_each,
    ),
    (
        "concurrency and parallelism, two shoppers",
        2,
        a_goroutine_an_item,
    ),
];

fn go_shopping((title, shoppers, way): (&'static str, usize, fn())) -> Way {
    gomaxprocs(shoppers);
    let start = Instant::now();
    way();
    let way = Way {
        title,
        took: start.elapsed(),
        start,
        log: shop::take_log(shoppers),
    };
    show(&way);
    way
}

fn show(way: &Way) {
    println!("{}: {} ms", way.title, way.took.as_millis());
    let mut timeline = Timeline::new(way.start, TICK);
    for (item, (name, _)) in LIST.iter().enumerate() {
        for entry in way.log.iter().filter(|entry| entry.item == item) {
            let mark = entry.shopper.map_or('.', |shopper| ['A', 'B'][shopper]);
            timeline.span(name, mark, entry.shopper, entry.from, entry.to);
        }
    }
    timeline.print();
}

fn main() -> ExitCode {
    let args = Args::parse();
    println!("A, B: this shopper is busy   .: at the counter   a column: 5 ms");
    // A shopper who is busy for more than 10 ms would be preempted; not in this picture.
    let day = gosched::Builder::new().async_preempt(false);
    // SAFETY: no value that is tied to an OS thread lives across a park.
    let ways = unsafe { day.run(|| WAYS.map(go_shopping)) };
    let Some(file) = args.svg else {
        return ExitCode::SUCCESS;
    };
    match cartoon::draw(&ways, &file) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{}: {e}", file.display());
            ExitCode::FAILURE
        }
    }
}

// $ cargo run --release --example grocery
// A, B: this shopper is busy   .: at the counter   a column: 5 ms
// one task: ... ms
//   cheese |...A...
// ...
// concurrency, one shopper: ... ms
// ...
// parallelism without concurrency, two shoppers: ... ms
// ...
// concurrency and parallelism, two shoppers: ... ms
// ...

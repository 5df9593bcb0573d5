//! runtime/core/sched/park.rs: one shopping list, bought in three ways. Fetching an item keeps a
//! shopper busy; some items then wait at a counter, which keeps nobody busy.
//!
//! - one task: one shopper, one item after the other, who stands and waits at the counter;
//! - concurrency: a goroutine an item, one shopper, who goes on with another while one waits;
//! - parallelism: the same, two shoppers.
//!
//! What to notice: concurrency fills the waiting, parallelism divides the work; and the program
//! is the same for both, only `gomaxprocs` differs. The last item comes first: as in Go, a new
//! goroutine is the next one to run.
#![allow(unsafe_code, reason = "the door into the runtime")]

use std::iter::repeat_n;
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use gosched::sync::Mutex;
use gosched::{gomaxprocs, thread};

/// A column of the timeline.
const TICK: Duration = Duration::from_millis(5);
/// What to buy; ticks to fetch it, at the counter, and to bring it to the cart.
const LIST: [(&str, [u32; 3]); 5] = [
    ("cheese", [2, 12, 1]),
    ("fish", [2, 8, 1]),
    ("apples", [5, 0, 1]),
    ("bread", [3, 6, 1]),
    ("milk", [4, 0, 1]),
];

/// What happened: the item, the shopper (none: at the counter), from, to. A shopper is an OS
/// thread that runs goroutines.
type Entry = (usize, Option<ThreadId>, Instant, Instant);
static LOG: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

/// Not inlined: the thread must be asked for anew, as after a wait it may be another.
#[inline(never)]
fn walk(item: usize, ticks: u32) {
    let from = Instant::now();
    while from.elapsed() < TICK * ticks {
        std::hint::spin_loop();
    }
    let shopper = std::thread::current().id();
    LOG.lock()
        .unwrap()
        .push((item, Some(shopper), from, Instant::now()));
}

/// The clerk is none of our shoppers but a plain thread, which wakes the goroutine.
fn wait_at_counter(item: usize, ticks: u32) {
    let (from, me) = (Instant::now(), thread::current());
    std::thread::spawn(move || {
        std::thread::sleep(TICK * ticks);
        me.unpark();
    });
    thread::park();
    LOG.lock().unwrap().push((item, None, from, Instant::now()));
}

fn buy(item: usize) {
    let [fetch, counter, bring] = LIST[item].1;
    walk(item, fetch);
    if counter > 0 {
        wait_at_counter(item, counter);
    }
    walk(item, bring);
}

fn a_goroutine_an_item() {
    thread::scope(|scope| {
        for item in 0..LIST.len() {
            scope.spawn(move || buy(item));
        }
    });
}

fn show(title: &str, shoppers: usize, shop: fn()) {
    gomaxprocs(shoppers);
    let start = Instant::now();
    shop();
    println!("{title}: {} ms", start.elapsed().as_millis());
    let log = std::mem::take(&mut *LOG.lock().unwrap());
    let first = log.iter().find_map(|entry| entry.1);
    let column = |at: Instant| (at - start).div_duration_f32(TICK).round() as usize;
    for (item, (name, _)) in LIST.iter().enumerate() {
        let mut line = String::new();
        for &(_, who, from, to) in log.iter().filter(|entry| entry.0 == item) {
            let letter = who.map_or('.', |_| if who == first { 'A' } else { 'B' });
            line = format!("{line:<0$}", column(from));
            line.extend(repeat_n(letter, column(to) - column(from)));
        }
        println!("  {name:<7}|{line}");
    }
}

fn main() {
    println!("A, B: this shopper is busy   .: at the counter   a column: 5 ms");
    // A shopper who is busy for more than 10 ms would be preempted; not in this picture.
    let shop = gosched::Builder::new().async_preempt(false);
    // SAFETY: no value that is tied to an OS thread lives across a park.
    unsafe {
        shop.run(|| {
            show("one task", 1, || (0..LIST.len()).for_each(buy));
            show("concurrency, one shopper", 1, a_goroutine_an_item);
            show("parallelism, two shoppers", 2, a_goroutine_an_item);
        });
    }
}

// $ cargo run --release --example grocery
// A, B: this shopper is busy   .: at the counter   a column: 5 ms
// one task: ... ms
//   cheese |AA...
// ...
// concurrency, one shopper: ... ms
// ...
// parallelism, two shoppers: ... ms
// ...

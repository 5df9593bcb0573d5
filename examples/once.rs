//! runtime/api/sync/once.rs: something is made once, at the first use, however many goroutines come first.
//! `Once` runs a closure once; `OnceLock` holds what the closure made; `LazyLock` knows its closure from the
//! start, so that it can be a static.
//! What to notice: the goroutines that come too late do not go on at once. They wait until the first one has
//! finished, and they see all that it did.
use std::collections::HashMap;
use std::time::{Duration, Instant};

use clap::Parser;
use gosched::sync::{LazyLock, Once, OnceLock};
use gosched::thread::{scope, sleep};
use gosched_examples::{Timeline, paint, println};

/// Five goroutines need the same thing; one of them makes it.
#[derive(Parser)]
struct Args {}

const MS: Duration = Duration::from_millis(1);

static PRICES: LazyLock<HashMap<&str, u32>> = LazyLock::new(|| {
    println!("  the prices are read");
    HashMap::from([("cheese", 7), ("fish", 12), ("milk", 1)])
});

/// Goroutine `i` comes after `2 * i` ms; what it has to make takes 20 ms.
fn once_lock() {
    let (config, start) = (OnceLock::new(), Instant::now());
    let came = scope(|s| {
        let config = &config;
        let all = [0, 1, 2, 3, 4].map(|i| {
            s.spawn(move || {
                sleep(2 * MS * i as u32);
                let came = Instant::now();
                let value = config.get_or_init(|| {
                    sleep(20 * MS);
                    format!("made by goroutine {i}")
                });
                (came, Instant::now(), value)
            })
        });
        all.map(|one| one.join().unwrap())
    });
    let mut timeline = Timeline::new(start, MS);
    for (i, (came, went, _)) in came.iter().enumerate() {
        let mark = if i == 0 { '#' } else { '.' };
        timeline.span(&format!("goroutine {i}"), mark, Some(i), *came, *went);
    }
    timeline.print();
    println!(
        "  all have the same one: {}",
        came.iter().all(|one| std::ptr::eq(one.2, came[0].2))
    );
}

fn main() {
    Args::parse();
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    unsafe {
        gosched::run(|| {
            println!("Once: five goroutines greet");
            let once = Once::new();
            scope(|s| {
                for _ in 0..5 {
                    s.spawn(|| once.call_once(|| println!("  hello, once")));
                }
            });
            println!("OnceLock: # makes it   . waits for it   a column: 1 ms");
            once_lock();
            println!("LazyLock: two ask for prices");
            for item in ["fish", "milk"] {
                println!("  {item}: {}", paint(PRICES[item] as usize, PRICES[item]));
            }
        });
    }
}

// $ cargo run --release --example once
// Once: five goroutines greet
//   hello, once
// OnceLock: # makes it   . waits for it   a column: 1 ms
//   goroutine 0 |...#...
//   goroutine 1 |...
//   goroutine 2 |...
//   goroutine 3 |...
//   goroutine 4 |...
//   all have the same one: true
// LazyLock: two ask for prices
//   the prices are read
//   fish: 12
//   milk: 1

//! runtime/ext/chan/hchan.rs: a producer and a consumer, first on a channel without a buffer, then on one with
//! room for four. Each makes or uses an item at once, and then needs a moment's rest.
//! What to notice: without a buffer both have to be at the channel at the same moment, so each waits for the
//! other's rest, and their lines have the same gaps. With a buffer the producer goes ahead until the buffer
//! is full; from then on it goes at the consumer's pace again. A buffer takes up bursts. It makes nobody
//! faster.
use std::time::{Duration, Instant};

use clap::Parser;
use gosched::channel::bounded;
use gosched::sync::{Arc, Mutex};
use gosched::thread::{scope, sleep};
use gosched_examples::{Timeline, println};

/// A channel without a buffer beside one that has a buffer.
#[derive(Parser)]
struct Args {
    /// The room in the second channel
    #[arg(default_value_t = 4)]
    room: usize,
}

const MS: Duration = Duration::from_millis(1);
const ITEMS: u32 = 9;
/// The producer's rests and the consumer's: it begins slowly.
const REST: [Duration; 2] = [MS.saturating_mul(2), MS.saturating_mul(6)];

fn exchange(title: &str, room: usize) {
    println!("{title}");
    let (to, from) = bounded(room);
    let log = Arc::new(Mutex::new(Vec::new()));
    let start = Instant::now();
    let note = |who: usize, began| log.lock().unwrap().push((who, began, Instant::now()));
    scope(|s| {
        s.spawn(|| {
            let to = to; // dropped at the end, which ends the consumer's loop
            for item in 0..ITEMS {
                let began = Instant::now();
                to.send(item).unwrap();
                note(0, began);
                sleep(REST[0]);
            }
        });
        s.spawn(|| {
            for _ in 0..ITEMS {
                let began = Instant::now();
                from.recv().unwrap();
                note(1, began);
                sleep(REST[1]);
            }
        });
    });
    let mut log = std::mem::take(&mut *log.lock().unwrap());
    log.sort_unstable();
    let mut timeline = Timeline::new(start, MS);
    for (who, began, done) in log {
        let (name, mark) = [("producer", 's'), ("consumer", 'r')][who];
        timeline.span(name, '.', None, began, done);
        timeline.mark(name, mark, Some(who), done);
    }
    timeline.print();
}

fn main() {
    let room = Args::parse().room;
    println!("s: sent   r: received   .: waits at the channel   a column: 1 ms");
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    unsafe {
        gosched::run(|| {
            exchange("without a buffer", 0);
            exchange(&format!("with room for {room}"), room);
        });
    }
}

// $ cargo run --release --example buffers
// s: sent   r: received   .: waits at the channel   a column: 1 ms
// without a buffer
//   producer |...
//   consumer |...
// with room for 4
//   producer |...
//   consumer |...

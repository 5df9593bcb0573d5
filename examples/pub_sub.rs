//! runtime/ext/chan/send.rs: publish and subscribe. A broker, one goroutine, sends a copy of each message to
//! every subscriber.
//! What to notice: workers at one channel share the items; subscribers have a channel each. The broker's list
//! needs no lock, because one goroutine has it. The broker must not wait for a slow reader: `try_send`
//! fails when a buffer is full, and that copy is lost. A subscriber leaves by dropping its receiver.
use std::time::Duration;

use clap::Parser;
use gosched::channel::{Receiver, Sender, TrySendError, bounded};
use gosched::thread::{sleep, spawn};
use gosched_examples::{paint, println};

/// A broker and three subscribers: a fast one, a slow one, and one that leaves.
#[derive(Parser)]
struct Args {
    /// How many messages
    #[arg(default_value_t = 12, value_parser = clap::value_parser!(u32).range(4..=30))]
    messages: u32,
}

/// A name, ms for each message, and after how many messages it leaves.
const SUBSCRIBERS: [(&str, u64, usize); 3] =
    [("fast", 0, 99), ("slow", 12, 99), ("leaves", 0, 3)];

/// Sends on until the publisher has gone, and waits for nobody.
fn broker(inbox: Receiver<u32>, mut list: Vec<(usize, Sender<u32>)>) {
    for message in inbox {
        list.retain(|(who, subscriber)| match subscriber.try_send(message) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                println!("{} is too slow for {message}", name(*who));
                true
            }
            Err(TrySendError::Disconnected(_)) => {
                println!("{} has gone before {message}", name(*who));
                false
            }
        });
    }
}

fn name(who: usize) -> String {
    paint(who, SUBSCRIBERS[who].0)
}

fn main() {
    let messages = Args::parse().messages;
    let work = || {
        let (mut list, mut readers) = (Vec::new(), Vec::new());
        for (who, (_, ms, leaves)) in SUBSCRIBERS.into_iter().enumerate() {
            let (subscriber, inbox) = bounded(2);
            list.push((who, subscriber));
            readers.push(spawn(move || -> Vec<u32> {
                let slowly = inbox.iter().inspect(|_| sleep(Duration::from_millis(ms)));
                slowly.take(leaves).collect()
            }));
        }
        let (publish, inbox) = bounded(0);
        gosched::go(move || broker(inbox, list));
        for n in 1..=messages {
            publish.send(n).unwrap();
            sleep(Duration::from_millis(3));
        }
        drop(publish); // the broker ends, and with it the subscribers' channels
        for (who, reader) in readers.into_iter().enumerate() {
            let read = reader.join().unwrap();
            let read: Vec<String> = read.iter().map(u32::to_string).collect();
            println!("{} read {}", name(who), paint(who, read.join(" ")));
        }
    };
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    unsafe { gosched::run(work) };
}

// $ cargo run --release --example pub_sub
// ...
// fast read 1 2 3 4 5 6 7 8 9 10 11 12
// slow read 1 ...
// leaves read 1 2 3

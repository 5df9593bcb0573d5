//! runtime/api/sync/condvar.rs: a queue with room for three, made of one mutex and two condition variables. It
//! is what `channel::bounded(3)` does, by hand.
//! What to notice: `wait_while` gives the mutex back while it waits, and has it again when it returns. The
//! condition is looked at again after each wake: between the call to `notify_one` and the moment when the
//! goroutine has the lock, somebody else may have been faster.
use std::collections::VecDeque;

use clap::Parser;
use gosched::sync::{Condvar, Mutex};
use gosched::thread::{scope, yield_now};
use gosched_examples::{paint, println};

/// A bounded queue by hand.
#[derive(Parser)]
struct Args {
    /// How many items the producer makes
    #[arg(default_value_t = 8)]
    items: u32,
}

const ROOM: usize = 3;

#[derive(Default)]
struct Queue {
    items: Mutex<VecDeque<u32>>,
    not_full: Condvar,
    not_empty: Condvar,
}

impl Queue {
    fn put(&self, item: u32) {
        let items = self.items.lock().unwrap();
        let mut items = self
            .not_full
            .wait_while(items, |items| items.len() == ROOM)
            .unwrap();
        items.push_back(item);
        println!("put {item}   {}", paint(0, picture(&items)));
        self.not_empty.notify_one();
    }

    fn take(&self) -> u32 {
        let items = self.items.lock().unwrap();
        let mut items = self
            .not_empty
            .wait_while(items, |items| items.is_empty())
            .unwrap();
        let item = items.pop_front().expect("it is not empty");
        println!("take {item}  {}", paint(1, picture(&items)));
        self.not_full.notify_one();
        item
    }
}

fn picture(items: &VecDeque<u32>) -> String {
    let mut text: Vec<String> = items.iter().map(u32::to_string).collect();
    text.resize(ROOM, "-".into());
    format!("[{}]", text.join(" "))
}

fn main() {
    let items = Args::parse().items;
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    let sum: u32 = unsafe {
        gosched::Builder::new().procs(1).run(|| {
            let queue = Queue::default();
            scope(|s| {
                s.spawn(|| (1..=items).for_each(|item| queue.put(item)));
                let taken = s.spawn(|| {
                    while queue.items.lock().unwrap().len() < ROOM.min(items as usize) {
                        yield_now(); // the producer fills the queue, and has to wait
                    }
                    (0..items).map(|_| queue.take()).sum()
                });
                taken.join().unwrap()
            })
        })
    };
    println!("the sum of all is {sum}");
}

// $ cargo run --release --example condvar -- 4
// put 1   [1 - -]
// put 2   [1 2 -]
// put 3   [1 2 3]
// take 1  [2 3 -]
// ...
// the sum of all is 10

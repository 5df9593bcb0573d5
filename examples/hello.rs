//! runtime/api/run.rs: main ends first. That is the first surprise of every course on Go: when `main` returns,
//! the program is over, and the other goroutines end in the middle of what they do. Here it is the same when
//! the process ends; but `run` may return earlier, and goroutines live on after it.
//! What to notice: `go` only puts a goroutine into a queue. Who wants to see its work has to wait for it:
//! `join` waits for one, a `WaitGroup` for many, a channel for a message.
use std::sync::Arc;
use std::sync::mpsc::channel;

use clap::Parser;
use gosched::sync::WaitGroup;
use gosched::thread::{spawn, yield_now};
use gosched_examples::{paint, println};

/// Goroutines say hello: nobody waits for the first one, and then somebody does.
#[derive(Parser)]
struct Args {}

fn hello(who: usize, name: &str) {
    println!("hello from {}", paint(who, name));
}

fn main() {
    Args::parse();
    let (says, hears) = channel(); // of std: it also works outside `run`
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    unsafe {
        gosched::Builder::new().procs(1).run(|| {
            spawn(|| hello(1, "a goroutine that main joins"))
                .join()
                .unwrap();

            let all = Arc::new(WaitGroup::new());
            for i in 2..5 {
                all.go(move || hello(i, &format!("goroutine {i} of a WaitGroup")));
            }
            all.wait();

            gosched::go(move || {
                (0..1000).for_each(|_| yield_now());
                says.send("a goroutine that nobody joins").unwrap();
            });
            println!("run returns, with {} goroutines", gosched::num_goroutine());
        });
    }
    // Without this line the process would end here, and the last hello would not come.
    hello(0, hears.recv().unwrap());
}

// $ cargo run --release --example hello
// hello from a goroutine that main joins
// hello from goroutine 4 of a WaitGroup
// hello from goroutine 2 of a WaitGroup
// hello from goroutine 3 of a WaitGroup
// run returns, with 2 goroutines
// hello from a goroutine that nobody joins

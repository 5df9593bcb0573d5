//! runtime/ext/diagnostics/deadlock.rs: the classic mistakes, and what the runtime says to each. It starts
//! itself once for each mistake, as the report ends the process; with the name of a mistake as
//! argument, it makes that one itself.
//! What to notice: the report comes at once, not after a time-out: when the last M has nothing
//! to run, no timer is pending and no other thread could still wake anybody, nobody ever will.
//! In brackets is what each goroutine waits for, below it where it stands: most of the time that is
//! the answer. Two locks in two orders are a circle, which a debug build names in the last line.

use std::process::Command;

use clap::Parser;
use clap::builder::PossibleValuesParser;
use gosched::channel::{bounded, never};
use gosched::sync::{Arc, Barrier, Mutex, WaitGroup};
use gosched_examples::println;

/// The classic mistakes, and the runtime's report on each.
#[derive(Parser)]
struct Args {
    /// Make this mistake and no other, in this process
    #[arg(value_parser = PossibleValuesParser::new(MISTAKES.map(|(name, _)| name)))]
    mistake: Option<String>,
}

/// One takes A, then B, the other B, then A. (An order for all locks prevents it.)
fn lock_order() {
    let (a, b, both) = (Mutex::new(0), Mutex::new(0), Barrier::new(2));
    gosched::thread::scope(|s| {
        s.spawn(|| {
            let _a = a.lock().unwrap();
            both.wait();
            *b.lock().unwrap() += 1;
        });
        s.spawn(|| {
            let _b = b.lock().unwrap();
            both.wait();
            *a.lock().unwrap() += 1;
        });
    });
}

/// A mutex is not reentrant. (Give the helper what the lock guards, not the lock.)
fn lock_twice() {
    let account = Mutex::new(100);
    let mut balance = account.lock().unwrap();
    *balance -= *account.lock().unwrap() / 100;
}

/// Without a buffer, a send waits for a receive; but the receive comes after it.
fn send_without_receiver() {
    let (to, from) = bounded(0);
    to.send("hello").unwrap();
    println!("{:?}", from.recv());
}

/// `done` is forgotten on one way out. (A guard that does it in `drop`, or `WaitGroup::go`.)
fn wait_without_done() {
    let all = Arc::new(WaitGroup::new());
    all.add(2);
    for found in [true, false] {
        let all = all.clone();
        gosched::go(move || {
            if found {
                all.done();
            }
        });
    }
    all.wait();
}

/// The loop ends when the channel is closed; but main itself has a sender. (Drop it first.)
fn forgotten_close() {
    let (to, from) = bounded(8);
    let also = to.clone();
    gosched::go(move || also.send(1).unwrap());
    let sum: i32 = from.iter().sum();
    drop((to, sum));
}

/// Go's nil channel: nothing ever comes.
fn nobody_sends() {
    never::<()>().recv().unwrap();
}

const MISTAKES: [(&str, fn()); 6] = [
    ("lock_order", lock_order),
    ("lock_twice", lock_twice),
    ("send_without_receiver", send_without_receiver),
    ("wait_without_done", wait_without_done),
    ("forgotten_close", forgotten_close),
    ("nobody_sends", nobody_sends),
];

fn main() {
    let name = Args::parse().mistake;
    for (mistake, make) in MISTAKES {
        if name.as_deref() == Some(mistake) {
            // SAFETY: no value that is tied to an OS thread lives across a wait.
            unsafe { gosched::run(make) };
        } else if name.is_none() {
            let me = std::env::current_exe().expect("my own path");
            let ended = Command::new(me).arg(mistake).output().expect("it starts");
            let report = String::from_utf8_lossy(&ended.stderr);
            println!("== {mistake}: {}\n{}\n", ended.status, report.trim_end());
        }
    }
}

// $ cargo run --release --example deadlocks
// == lock_order: exit status: 2
// fatal error: all goroutines are asleep - deadlock!
// ...
// goroutine ... [sync.Mutex.Lock]:
// ...
// == lock_twice: exit status: 2
// fatal error: all goroutines are asleep - deadlock!
// ...
// goroutine 1 [sync.Mutex.Lock]:
// ...
// 	at ...lock_twice
// ...
// == send_without_receiver: exit status: 2
// fatal error: all goroutines are asleep - deadlock!
// ...
// goroutine 1 [chan send]:
// ...
// == wait_without_done: exit status: 2
// fatal error: all goroutines are asleep - deadlock!
// ...
// goroutine 1 [sync.WaitGroup.Wait]:
// ...
// == forgotten_close: exit status: 2
// fatal error: all goroutines are asleep - deadlock!
// ...
// goroutine 1 [chan receive]:
// ...
// == nobody_sends: exit status: 2
// fatal error: all goroutines are asleep - deadlock!
// ...
// goroutine 1 [chan receive (nil chan)]:
// ...

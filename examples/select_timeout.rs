//! runtime/ext/chan/select.rs: four ways to wait for one of several channels. Replicas of a server
//! answer after some time, each on a channel; who asks takes the first answer, gives up after
//! 30 ms, shows that it is still waiting, or only looks whether there is an answer.
//! What to notice: a time-out is no special case, but one more channel, which gets its message
//! from the clock. And of cases that are ready together, each is as likely: nobody starves.

use std::time::{Duration, Instant};

use clap::Parser;
use gosched::channel::{Receiver, after, bounded, select, tick};
use gosched_examples::println;

/// Four ways to wait for one of several channels.
#[derive(Parser)]
struct Args {}

const MS: Duration = Duration::from_millis(1);

/// Answers after so long. The channel holds one answer: if nobody wants it any more, the replica
/// can still put it there, and end.
fn ask(name: &'static str, time: Duration) -> Receiver<&'static str> {
    let (to, answer) = bounded(1);
    gosched::go(move || {
        gosched::thread::sleep(time);
        let _ = to.send(name);
    });
    answer
}

fn first_of(a: &Receiver<&'static str>, b: &Receiver<&'static str>) -> String {
    let start = Instant::now();
    let what = select! {
        recv(a) -> name => format!("{} answers", name.unwrap()),
        recv(b) -> name => format!("{} answers", name.unwrap()),
        recv(after(30 * MS)) -> _ => "time is up".to_owned(),
    };
    format!("{what} after {} ms", start.elapsed().as_millis())
}

fn with_signs_of_life(answer: &Receiver<&'static str>) -> String {
    let (mut line, ticks) = (String::new(), tick(10 * MS));
    loop {
        select! {
            recv(answer) -> name => return format!("{line} {} answers", name.unwrap()),
            recv(ticks) -> _ => line.push('.'),
        }
    }
}

fn look(answer: &Receiver<&'static str>) -> &'static str {
    select! {
        recv(answer) -> name => name.unwrap(),
        default => "no answer yet",
    }
}

/// Two channels that always have something: how often is each taken?
fn fair() -> (u32, u32) {
    let ((to_a, a), (to_b, b)) = (bounded(1000), bounded(1000));
    for _ in 0..1000 {
        to_a.send(()).unwrap();
        to_b.send(()).unwrap();
    }
    let (mut left, mut right) = (0, 0);
    for _ in 0..1000 {
        select! {
            recv(a) -> _ => left += 1,
            recv(b) -> _ => right += 1,
        }
    }
    (left, right)
}

fn main() {
    Args::parse();
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    unsafe {
        gosched::run(|| {
            println!(
                "first:    {}",
                first_of(&ask("slow", 25 * MS), &ask("fast", 5 * MS))
            );
            println!(
                "too late: {}",
                first_of(&ask("A", 2000 * MS), &ask("B", 3000 * MS))
            );
            println!(
                "patient: {}",
                with_signs_of_life(&ask("old server", 65 * MS))
            );
            println!("look:     {}", look(&ask("anybody", 1000 * MS)));
            let (left, right) = fair();
            println!("fair:     {left} from the left, {right} from the right");
        });
    }
}

// $ cargo run --release --example select_timeout
// first:    fast answers after ... ms
// too late: time is up after ... ms
// patient: ... old server answers
// look:     no answer yet
// fair:     ... from the left, ... from the right

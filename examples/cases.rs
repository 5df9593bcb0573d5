//! runtime/ext/chan/make.rs: cases of a `select!` that come and go. A case on `never()` is not ready in its life
//! (Go: a nil channel), so a channel variable that is set to `never()` switches its case off.
//! What to notice: two streams are merged. When one has ended, its case would be ready all the time, with an
//! error; so the loop switches it off, and ends when both are off. The third case sends only while
//! there is something to send.
use clap::Parser;
use gosched::channel::{Receiver, bounded, never, select};
use gosched_examples::{paint, println};

/// Merges two streams, with cases that are switched off.
#[derive(Parser)]
struct Args {}

fn stream(words: &'static str) -> Receiver<&'static str> {
    let (to, from) = bounded(0);
    gosched::go(move || words.split(' ').for_each(|word| to.send(word).unwrap()));
    from
}

fn merge() {
    let (mut left, mut right) = (stream("a b c"), stream("1 2 3 4 5"));
    let (to_printer, lines) = bounded(0);
    let printer = gosched::thread::spawn(move || {
        let words: Vec<&str> = lines.iter().collect();
        words.len()
    });
    let mut waiting: Vec<&str> = Vec::new();
    let (mut left_open, mut right_open) = (true, true);
    while left_open || right_open || !waiting.is_empty() {
        // A sender that nobody receives from: the case is off while there is nothing to send.
        let (off, _receiver) = bounded(0);
        let to = if waiting.is_empty() {
            &off
        } else {
            &to_printer
        };
        select! {
            recv(left) -> word => match word {
                Ok(word) => waiting.push(word),
                Err(_) => {
                    println!("{} has ended: its case is off", paint(0, "left"));
                    (left, left_open) = (never(), false);
                }
            },
            recv(right) -> word => match word {
                Ok(word) => waiting.push(word),
                Err(_) => {
                    println!("{} has ended: its case is off", paint(1, "right"));
                    (right, right_open) = (never(), false);
                }
            },
            send(to, waiting.first().copied().unwrap_or("")) -> sent => {
                sent.unwrap();
                waiting.remove(0);
            }
        }
    }
    drop(to_printer);
    println!("{} words were printed", printer.join().unwrap());
}

fn main() {
    Args::parse();
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    unsafe { gosched::Builder::new().procs(1).run(merge) };
}

// $ cargo run --release --example cases
// ... has ended: its case is off
// ... has ended: its case is off
// 8 words were printed

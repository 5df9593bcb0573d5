//! runtime/ext/chan/hchan.rs: pictures go through three stages, each a goroutine, with a channel
//! between one stage and the next: load (1 ms), shrink (4 ms), save (1 ms).
//! What to notice: the stages work at the same time, so a pipeline takes as long as its slowest
//! stage; more goroutines in that stage help, as all of them receive from one channel. Nobody
//! says "stop": a stage ends when the senders of its channel are gone, and drops its own.

use std::time::{Duration, Instant};

use clap::Parser;
use gosched::channel::{Receiver, bounded};
use gosched::thread::sleep;
use gosched_examples::{println, spinner};

/// Pictures through a pipeline of three stages.
#[derive(Parser)]
struct Args {
    /// How many pictures
    #[arg(default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pictures: u32,
}

/// Time that a stage waits for a disk or another machine.
const LOAD: Duration = Duration::from_millis(1);
const SHRINK: Duration = Duration::from_millis(4);
const SAVE: Duration = Duration::from_millis(1);

fn work(picture: u32, time: Duration) -> u32 {
    sleep(time);
    picture + 1
}

/// So many goroutines that take from `input`; what they make comes out of the channel.
fn stage(workers: u32, input: Receiver<u32>, time: Duration) -> Receiver<u32> {
    let (made, output) = bounded(4);
    for _ in 0..workers {
        let (input, made) = (input.clone(), made.clone());
        gosched::go(move || {
            for picture in input {
                made.send(work(picture, time)).expect("somebody receives");
            }
        });
    }
    output
}

fn pipeline(pictures: u32, shrinkers: u32) -> Vec<u32> {
    let (names, source) = bounded(4);
    gosched::go(move || (0..pictures).for_each(|name| names.send(name).unwrap()));
    let loaded = stage(1, source, LOAD);
    let small = stage(shrinkers, loaded, SHRINK);
    let mut saved: Vec<u32> = stage(1, small, SAVE).iter().collect();
    saved.sort();
    saved
}

fn one_by_one(pictures: u32) -> Vec<u32> {
    let stages = [LOAD, SHRINK, SAVE];
    let all = |name| {
        stages
            .iter()
            .fold(name, |picture, &time| work(picture, time))
    };
    (0..pictures).map(all).collect()
}

fn show(title: &str, pictures: u32, f: impl FnOnce() -> Vec<u32>) {
    let live = spinner(title);
    let start = Instant::now();
    let saved = f();
    let each = start.elapsed().as_secs_f32() * 1000.0 / pictures as f32;
    live.finish_and_clear();
    assert!(saved.into_iter().eq((0..pictures).map(|name| name + 3)));
    let bar = "#".repeat((each * 5.0).round() as usize);
    println!("{title:<31} {each:>5.1} ms a picture  {bar}");
}

fn main() {
    let pictures = Args::parse().pictures;
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    unsafe {
        gosched::run(|| {
            show("one by one", pictures, || one_by_one(pictures));
            show("pipeline", pictures, || pipeline(pictures, 1));
            show("pipeline, 2 shrink", pictures, || pipeline(pictures, 2));
            show("pipeline, 4 shrink", pictures, || pipeline(pictures, 4));
        });
    }
}

// $ cargo run --release --example pipeline -- 50
// one by one ... ms a picture  #...
// pipeline ... ms a picture  #...
// pipeline, 2 shrink ... ms a picture  #...
// pipeline, 4 shrink ... ms a picture  #...

//! At one P our interleaving is Go's, step by step: the orders that Go 1.27 prints.
//!
//! The core alone passes all of them, too (`ci/check.sh core`).
//!
//! Each program runs in a process of its own, so that the P is clean: its tick decides when the
//! global queue goes first. The expected orders are what Go prints for the same program, which
//! stands beside each test; where Go's start-up shifts the phase, what a clean P must do.

#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

#[path = "support/child.rs"]
mod child;
#[path = "support/latch.rs"]
mod latch;

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gosched::thread::{self, yield_now};
use latch::Latch;

/// What ran, in order. A goroutine never suspends while it holds the lock.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u32>>>);

impl Log {
    fn add(&self, i: u32) {
        self.0.lock().unwrap().push(i);
    }

    fn text(&self) -> String {
        words(&self.0.lock().unwrap())
    }
}

fn words(numbers: &[u32]) -> String {
    let mut text = String::new();
    for n in numbers {
        let _ = write!(text, "{n} ");
    }
    text
}

const MARK: &str = "order: ";
const ROUNDS: usize = 10;

/// In the child: the program as main goroutine, its order printed. In the parent: every time
/// the expected order.
#[track_caller]
fn order(test: &str, program: fn(&Log), expected: &[u32]) {
    if child::role().is_some() {
        let log = Log::default();
        // SAFETY: nothing in these programs is tied to a thread.
        unsafe { gosched::run(|| program(&log)) };
        println!("{MARK}{}", log.text());
        return;
    }
    for round in 0..ROUNDS {
        let mut again = child::again(test, "go");
        again.env("GOMAXPROCS", "1");
        // A slice that no machine is busy enough for: one that is over counts at each entry. Nor does
        // the clock say anything. (The core alone knows neither slices nor signals.)
        again.env("GOSCHED", "slice=10s,asyncpreemptoff=1");
        let ended = child::run(&mut again, Duration::from_secs(20));
        let line = ended.stdout.lines().find_map(|l| l.split_once(MARK));
        let Some((_, got)) = line else {
            panic!("round {round}: it printed no order: {ended}");
        };
        if let Some(difference) = difference(got, &words(expected)) {
            panic!("{test}, round {round}: {difference}");
        }
    }
}

/// Where two orders differ first, with its neighbours; an order may have thousands of numbers.
fn difference(got: &str, expected: &str) -> Option<String> {
    const NEIGHBOURS: usize = 5;
    let [got, expected] =
        [got, expected].map(|text| text.split_whitespace().collect::<Vec<_>>());
    let common = got
        .iter()
        .zip(&expected)
        .take_while(|(a, b)| a == b)
        .count();
    if common == got.len() && common == expected.len() {
        return None;
    }
    let around = |order: &[&str]| {
        let from = common.saturating_sub(NEIGHBOURS);
        let to = order.len().min(common + NEIGHBOURS + 1);
        let mut words: Vec<String> = order[from..to].iter().map(ToString::to_string).collect();
        match words.get_mut(common - from) {
            Some(word) => *word = format!("[{word}]"),
            None => words.push("[the end]".into()),
        }
        words.join(" ")
    };
    let (got, expected) = (around(&got), around(&expected));
    Some(format!(
        "the orders differ at place {common}\n     got: {got}\nexpected: {expected}\n"
    ))
}

#[test]
fn a_difference_is_shown_with_its_neighbours() {
    let hundred: Vec<u32> = (0..100).collect();
    let mut other = hundred.clone();
    other.swap(50, 51);
    assert_eq!(difference(&words(&hundred), &words(&hundred)), None);
    let shown = difference(&words(&other), &words(&hundred)).unwrap();
    assert!(shown.contains("at place 50\n"), "{shown}");
    assert!(
        shown.contains("got: 45 46 47 48 49 [51] 50 52 53 54 55\n"),
        "{shown}"
    );
    let shown = difference(&words(&hundred[..3]), &words(&hundred)).unwrap();
    assert!(
        shown.contains("got: 0 1 2 [the end]\nexpected: 0 1 2 [3] 4 5 6 7 8\n"),
        "{shown}"
    );
}

fn numbers(parts: &[Range<u32>]) -> Vec<u32> {
    parts.iter().cloned().flatten().collect()
}

/// `for i := range n { wg.Go(func() { print(i) }) }; wg.Wait()`
fn spawn_n(n: u32, log: &Log) {
    let latch = Latch::new(n as usize);
    for i in 0..n {
        let (log, latch) = (log.clone(), latch.clone());
        gosched::go(move || {
            log.add(i);
            latch.done();
        });
    }
    latch.wait();
}

#[test]
fn ten_goroutines_the_last_one_first() {
    order(
        "ten_goroutines_the_last_one_first",
        |log| spawn_n(10, log),
        &[9, 0, 1, 2, 3, 4, 5, 6, 7, 8],
    );
}

/// The same through `spawn` and `join`: main is readied by each it joins, and changes nothing.
#[test]
fn ten_joined_goroutines_the_last_one_first() {
    order(
        "ten_joined_goroutines_the_last_one_first",
        |log| {
            let spawn = |i| {
                let log = log.clone();
                thread::spawn(move || log.add(i))
            };
            let handles: Vec<_> = (0..10).map(spawn).collect();
            handles.into_iter().for_each(|h| h.join().unwrap());
        },
        &[9, 0, 1, 2, 3, 4, 5, 6, 7, 8],
    );
}

/// 257 puts overflow: 0..127 and 256 go to the global queue. Then 60 local ones, a global one,
/// 60 local ones, a global one, the rest of the local ones, the rest of the global ones.
///
/// Main is the tick's first pick and 299 inherits main's slice, so the first look at the global
/// queue comes after 60 picks from the ring, at tick 61.
#[test]
fn three_hundred_goroutines_overflow_into_the_global_queue() {
    order(
        "three_hundred_goroutines_overflow_into_the_global_queue",
        |log| spawn_n(300, log),
        &numbers(&[
            299..300,
            128..188,
            0..1,
            188..248,
            1..2,
            248..256,
            257..299,
            2..128,
            256..257,
        ]),
    );
}

/// 1,000 overflow more than once; the last batch is 128 at most.
#[test]
fn a_thousand_goroutines_overflow_again_and_again() {
    order(
        "a_thousand_goroutines_overflow_again_and_again",
        |log| spawn_n(1000, log),
        &simulate(1000),
    );
}

/// The rules of go-spec 1.2 on plain vectors, for spawns without a yield.
fn simulate(n: u32) -> Vec<u32> {
    use std::collections::VecDeque;
    let (mut ring, mut global) = (VecDeque::new(), VecDeque::new());
    for kicked in 0..n - 1 {
        if ring.len() < 256 {
            ring.push_back(kicked);
        } else {
            global.extend(ring.drain(..128));
            global.push_back(kicked);
        }
    }
    let mut order = vec![n - 1];
    let mut tick = 1; // main was picked at 0
    loop {
        let due = tick % 61 == 0;
        let picked = match due.then(|| global.pop_front()).flatten() {
            Some(g) => g,
            None if !ring.is_empty() => ring.pop_front().unwrap(),
            None => {
                let share = (global.len() + 1).min(global.len()).min(128);
                let Some(first) = global.pop_front() else {
                    return order;
                };
                ring.extend(global.drain(..share - 1));
                first
            }
        };
        order.push(picked);
        tick += 1;
    }
}

#[test]
fn the_simulation_agrees_with_what_go_prints() {
    assert_eq!(simulate(10), [9, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    let modal = numbers(&[
        299..300,
        128..188,
        0..1,
        188..248,
        1..2,
        248..256,
        257..299,
        2..128,
        256..257,
    ]);
    assert_eq!(simulate(300), modal);
}

/// Three goroutines `{ print; Gosched } x 3`.
#[test]
fn three_yielders_take_turns() {
    order(
        "three_yielders_take_turns",
        |log| {
            let latch = Latch::new(3);
            for i in 0..3 {
                let (log, latch) = (log.clone(), latch.clone());
                gosched::go(move || {
                    for _ in 0..3 {
                        log.add(i);
                        yield_now();
                    }
                    latch.done();
                });
            }
            latch.wait();
        },
        &[2, 0, 1, 2, 0, 1, 2, 0, 1],
    );
}

/// A readied goroutine goes in front of those that were spawned before, and the one that was in
/// front goes behind them: six parked ones readied in a row give 5 0 1 2 3 4.
#[test]
fn six_readied_in_a_row() {
    order(
        "six_readied_in_a_row",
        |log| {
            let latch = Latch::new(6);
            let parked = Arc::new(AtomicUsize::new(0));
            let spawn = |i| {
                let (log, latch) = (log.clone(), latch.clone());
                let parked = Arc::clone(&parked);
                thread::spawn(move || {
                    parked.fetch_add(1, Relaxed);
                    thread::park();
                    log.add(i);
                    latch.done();
                })
            };
            let handles: Vec<_> = (0..6).map(spawn).collect();
            while parked.load(Relaxed) < 6 {
                yield_now();
            }
            handles.iter().for_each(|h| h.thread().unpark());
            latch.wait();
        },
        &[5, 0, 1, 2, 3, 4],
    );
}

/// A pair that keeps readying each other runs on one slice: what stands in the queue behind it
/// waits until the pair is done.
#[test]
fn a_pair_inherits_its_slice() {
    order(
        "a_pair_inherits_its_slice",
        |log| {
            const ROUNDS: u32 = 200; // 61 picks would be seen, 10 ms of sysmon's not
            let latch = Latch::new(2);
            let player = thread::current();
            let (l, parked) = (latch.clone(), Arc::new(AtomicBool::new(false)));
            let at_its_park = Arc::clone(&parked);
            let echo = thread::spawn(move || {
                at_its_park.store(true, Relaxed);
                for _ in 0..ROUNDS {
                    thread::park();
                    player.unpark();
                }
                l.done();
            });
            while !parked.load(Relaxed) {
                yield_now();
            }
            let (bystander, l) = (log.clone(), latch.clone());
            gosched::go(move || {
                bystander.add(7);
                l.done();
            });
            log.add(1);
            for _ in 0..ROUNDS {
                echo.thread().unpark();
                thread::park();
            }
            log.add(2);
            latch.wait();
        },
        &[1, 2, 7],
    );
}

/// Two goroutines that keep the ring busy for ever do not hide the one in the global queue: it
/// is looked at every 61st pick.
#[test]
fn the_global_queue_is_polled_every_61_picks() {
    order(
        "the_global_queue_is_polled_every_61_picks",
        |log| {
            let stop = Arc::new(AtomicBool::new(false));
            let picks = Arc::new(AtomicUsize::new(0));
            let hogs = Latch::new(2);
            hog(&stop, &picks, &hogs);
            hog(&stop, &picks, &hogs);
            for _ in 0..5 {
                let before = picks.load(Relaxed);
                yield_now();
                log.add((picks.load(Relaxed) - before) as u32);
            }
            stop.store(true, Relaxed);
            while hogs.left() != 0 {
                yield_now();
            }
        },
        // Main runs at tick 0 and the second hog inherits; then 60 from the ring, and 60 from
        // there on each time.
        &[61, 60, 60, 60, 60],
    );
}

/// Counts a pick, and puts its successor at the ring's tail: the filler kicks it there.
fn hog(stop: &Arc<AtomicBool>, picks: &Arc<AtomicUsize>, hogs: &Latch) {
    let (stop, picks, hogs) = (Arc::clone(stop), Arc::clone(picks), hogs.clone());
    gosched::go(move || {
        picks.fetch_add(1, Relaxed);
        if stop.load(Relaxed) {
            hogs.done();
        } else {
            hog(&stop, &picks, &hogs);
            gosched::go(|| ());
        }
    });
}

//! Run queues side by side: the ring of the full runtime (`runtime/core/p/ring.rs`, this very file)
//! and a crossbeam deque, which mini has. With a runtime around them the difference drowns.
//!
//! ```text
//! cargo bench --bench queues                        nanoseconds an operation, medians
//! cargo bench --bench queues -- --instructions      (needs valgrind)
//! ```
//!
//! - `push/pop`: the owner puts 64 at the back and takes 64 from the front. An operation: one of each.
//! - `steal`: a thief takes half of 64, and so on until nothing is left. An operation: one goroutine
//!   that changes its queue.
//! - `contended`: an owner puts and takes while a thief on another thread steals all the time. An
//!   operation: one goroutine that the owner has put in and somebody has taken out.

use std::hint::black_box;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use crossbeam_deque::{Steal, Stealer, Worker};

/// What `ring.rs` imports.
mod core {
    pub(crate) mod base {
        pub(crate) use crate::alone;
        pub(crate) mod atomic {
            pub(crate) use std::sync::atomic::{AtomicU32, Ordering};
        }
    }
}
#[allow(unused, reason = "its tests run with the runtime's")]
#[path = "../runtime/core/base/alone.rs"]
mod alone;
#[allow(dead_code, unused_imports, reason = "not all of it is measured")]
#[path = "../runtime/core/p/ring.rs"]
mod ring;

const ROOM: usize = 256;
const BATCH: usize = 64;

/// A queue of numbers above zero.
trait Queue: Sized {
    /// What another thread may have of it.
    type Shared: Send + Sync;
    fn new() -> (Self, Self::Shared);
    fn push(&self, item: usize);
    fn pop(&self) -> Option<usize>;
    /// Moves half of the victim's into this one, and hands one of them out.
    fn steal(&self, victim: &Self::Shared) -> Option<usize>;
}

/// A place in the ring.
struct Word(AtomicUsize);

impl ring::Cell for Word {
    type Item = usize;
    fn empty() -> Word {
        Word(AtomicUsize::new(0))
    }
    fn load(&self) -> Option<usize> {
        Some(self.0.load(Relaxed)).filter(|&item| item != 0)
    }
    fn store(&self, item: usize) {
        self.0.store(item, Relaxed);
    }
}

type Ring = std::sync::Arc<ring::Ring<Word, ROOM>>;

impl Queue for Ring {
    type Shared = Ring;
    fn new() -> (Ring, Ring) {
        let ring = Ring::new(ring::Ring::new());
        (Ring::clone(&ring), ring)
    }
    fn push(&self, item: usize) {
        assert!(ring::Ring::push(self, item), "there is room");
    }
    fn pop(&self) -> Option<usize> {
        ring::Ring::pop(self).map(|(item, _)| item)
    }
    fn steal(&self, victim: &Ring) -> Option<usize> {
        let taken = ring::Ring::steal(self, victim, ring::half);
        taken.map(|(newest, _)| newest)
    }
}

impl Queue for Worker<usize> {
    type Shared = Stealer<usize>;
    fn new() -> (Self, Stealer<usize>) {
        let worker = Worker::new_fifo();
        let stealer = worker.stealer();
        (worker, stealer)
    }
    fn push(&self, item: usize) {
        Worker::push(self, item);
    }
    fn pop(&self) -> Option<usize> {
        Worker::pop(self)
    }
    fn steal(&self, victim: &Stealer<usize>) -> Option<usize> {
        loop {
            match victim.steal_batch_and_pop(self) {
                Steal::Success(item) => return Some(item),
                Steal::Empty => return None,
                Steal::Retry => {}
            }
        }
    }
}

fn push_pop<Q: Queue>(n: usize) -> Duration {
    let (queue, _shared) = Q::new();
    timed(|| {
        for _ in 0..n / BATCH {
            (1..=BATCH).for_each(|i| queue.push(black_box(i)));
            (1..=BATCH).for_each(|_| _ = black_box(queue.pop()));
        }
    })
}

fn steal<Q: Queue>(n: usize) -> Duration {
    let (victim, shared) = Q::new();
    let (thief, _) = Q::new();
    let mut took = Duration::ZERO;
    for _ in 0..n / BATCH {
        (1..=BATCH).for_each(|i| victim.push(i));
        took += timed(|| {
            while let Some(item) = thief.steal(&shared) {
                black_box(item);
                while let Some(item) = thief.pop() {
                    black_box(item);
                }
            }
        });
    }
    took
}

fn contended<Q: Queue>(n: usize) -> Duration {
    let (owner, shared) = Q::new();
    let over = AtomicBool::new(false);
    thread::scope(|s| {
        let thief = s.spawn(|| {
            let ((mine, _), mut stolen) = (Q::new(), 0);
            while !over.load(Relaxed) {
                while mine.steal(&shared).is_some() {
                    stolen += 1;
                    while mine.pop().is_some() {
                        stolen += 1;
                    }
                }
            }
            stolen
        });
        let mut own = 0;
        let took = timed(|| {
            for _ in 0..n / BATCH {
                (1..=BATCH).for_each(|i| owner.push(i));
                while owner.pop().is_some() {
                    own += 1;
                }
            }
        });
        over.store(true, Relaxed);
        let stolen = thief.join().expect("it ends well");
        assert_eq!(own + stolen, n / BATCH * BATCH, "each comes out once");
        took
    })
}

fn timed(f: impl FnOnce()) -> Duration {
    let start = Instant::now();
    f();
    start.elapsed()
}

type Work = fn(usize) -> Duration;

const ROWS: [(&str, Work, Work, usize); 3] = [
    (
        "push/pop",
        push_pop::<Ring>,
        push_pop::<Worker<usize>>,
        6_400_000,
    ),
    ("steal", steal::<Ring>, steal::<Worker<usize>>, 640_000),
    (
        "contended",
        contended::<Ring>,
        contended::<Worker<usize>>,
        6_400_000,
    ),
];

/// Run queues: the ring beside a crossbeam deque.
#[derive(Parser)]
struct Args {
    /// Count instructions instead of time (of `contended`, which depends on the moment, none)
    #[arg(long)]
    instructions: bool,
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// One measurement, in this process: the number of a row, and of a queue
    #[arg(long, hide = true, num_args = 2)]
    one: Option<Vec<usize>>,
    #[arg(long, hide = true, default_value_t = 64_000)]
    n: usize,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let args = Args::parse();
    if let Some(&[row, queue]) = args.one.as_deref() {
        let (_, ring, deque, _) = ROWS[row];
        [ring, deque][queue](args.n);
        return;
    }
    println!("| | ring | crossbeam-deque |\n|---|---|---|");
    for (i, (name, ring, deque, n)) in ROWS.into_iter().enumerate() {
        let cells = match args.instructions {
            true if name == "contended" => ["–".into(), "–".into()],
            true => [0, 1].map(|queue| format!("{:.1}", instructions(i, queue))),
            false => {
                let mut times = [vec![], vec![]];
                for _ in 0..args.rounds {
                    for (times, work) in times.iter_mut().zip([ring, deque]) {
                        times.push(work(n).as_nanos() as f64 / n as f64);
                    }
                }
                times.map(|mut all| {
                    all.sort_by(f64::total_cmp);
                    format!("{:.1} ns", all[all.len() / 2])
                })
            }
        };
        println!("| `{name}` | {} | {} |", cells[0], cells[1]);
    }
}

/// An operation: a run of 2n less one of n.
fn instructions(row: usize, queue: usize) -> f64 {
    let count = |n: usize| {
        let output = Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(std::env::current_exe().expect("my own path"))
            .args([
                "--one",
                &row.to_string(),
                &queue.to_string(),
                "--n",
                &n.to_string(),
            ])
            .output()
            .expect("valgrind starts");
        let text = String::from_utf8_lossy(&output.stderr);
        let line = text.lines().find_map(|line| line.split_once("Collected :"));
        let (_, number) = line.unwrap_or_else(|| panic!("no count: {text}"));
        number.trim().parse::<f64>().expect("a number")
    };
    (count(128_000) - count(64_000)) / 64_000.0
}

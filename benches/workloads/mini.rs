//! The same on mini, the thousand lines of `runtime/mini`: those that it has the means for.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use gosched_mini::{Mutex, WaitGroup, bounded, go, run_on, spawn, yield_now};

use super::{Work, scaled, spawn as shapes, steal, timed};

/// By the ids of the other workloads; an operation is the same.
const MINI: &[(&str, Work)] = &[
    ("spawn/join", join),
    ("spawn/wait", wait),
    ("spawn/burst", burst),
    ("spawn/fib", fib),
    ("yield/1000", crowd),
    ("yield/alone", alone),
    ("mutex/uncontended", uncontended),
    ("mutex/contended", contended),
    ("mutex/hand_over", hand_over),
    ("steal/balance", balance),
    ("chan/ping_pong", ping_pong),
    ("chan/ping_pong_100", ping_pong_100),
    ("chan/spsc_128", spsc_128),
    ("chan/mpmc_128", mpmc_128),
];

/// `id` on mini with so many Ps, if mini has it.
pub(crate) fn on_mini(id: &str, procs: usize, n: u64) -> Option<Duration> {
    let (_, work) = *MINI.iter().find(|(known, _)| *known == id)?;
    // SAFETY: no workload uses a thread-local.
    Some(unsafe { run_on(procs, move || work(n)) })
}

const BATCH: u64 = 1000;

fn join(n: u64) -> Duration {
    let mut handles = Vec::with_capacity(BATCH as usize);
    timed(|| {
        for start in (0..n).step_by(BATCH as usize) {
            let batch = BATCH.min(n - start);
            handles.extend((0..batch).map(|_| spawn(|| ())));
            handles.drain(..).for_each(|h| h.join().unwrap());
        }
    })
}

fn wait(n: u64) -> Duration {
    in_batches(n, BATCH, |done| go(move || done.done()))
}

fn burst(n: u64) -> Duration {
    in_batches(n, n, |done| go(move || done.done()))
}

fn balance(n: u64) -> Duration {
    in_batches(n, n, |done| {
        go(move || {
            steal::work();
            done.done();
        })
    })
}

fn in_batches(n: u64, size: u64, start: impl Fn(Arc<WaitGroup>)) -> Duration {
    let done = Arc::new(WaitGroup::new());
    timed(|| {
        for first in (0..n).step_by(size as usize) {
            let batch = size.min(n - first);
            done.add(batch as isize);
            (0..batch).for_each(|_| start(Arc::clone(&done)));
            done.wait();
        }
    })
}

fn fib(n: u64) -> Duration {
    fn fib(k: u32) -> u64 {
        if k < 2 {
            return 1;
        }
        let left = spawn(move || fib(k - 1));
        fib(k - 2) + left.join().unwrap()
    }
    let (k, forks) = shapes::fib_size(n);
    scaled(timed(|| assert_eq!(fib(k), forks + 1)), forks, n)
}

fn crowd(n: u64) -> Duration {
    let each = n.div_ceil(1000);
    let took = timed(|| all((0..1000).map(|_| spawn(move || yields(each)))));
    scaled(took, each * 1000, n)
}

fn alone(n: u64) -> Duration {
    timed(|| yields(n))
}

fn yields(n: u64) {
    for _ in 0..n {
        yield_now();
    }
}

fn all<T: Send + 'static>(tasks: impl Iterator<Item = gosched_mini::JoinHandle<T>>) {
    let tasks: Vec<_> = tasks.collect();
    tasks.into_iter().for_each(|task| _ = task.join().unwrap());
}

fn uncontended(n: u64) -> Duration {
    let m = Mutex::new(0);
    timed(|| {
        for _ in 0..n {
            *black_box(&m).lock() += 1;
        }
    })
}

const TASKS: u64 = 8;

fn contended(n: u64) -> Duration {
    locking(n, || ())
}

fn hand_over(n: u64) -> Duration {
    locking(n, yield_now)
}

/// 8 tasks on one mutex; `inside` is what they do while they hold it.
fn locking(n: u64, inside: impl Fn() + Copy + Send + 'static) -> Duration {
    let (m, each) = (Arc::new(Mutex::new(0)), n.div_ceil(TASKS));
    let task = |_| {
        let m = Arc::clone(&m);
        spawn(move || {
            for _ in 0..each {
                let mut held = m.lock();
                *held += 1;
                inside();
            }
        })
    };
    let took = timed(|| all((0..TASKS).map(task)));
    let did = *m.lock();
    scaled(took, did, n)
}

fn ping_pong(n: u64) -> Duration {
    timed(|| pair(n))
}

fn ping_pong_100(n: u64) -> Duration {
    timed(|| all((0..100).map(|_| spawn(move || pair(n.div_ceil(100))))))
}

fn pair(turns: u64) {
    let ((ping, at_pong), (pong, at_ping)) = (bounded(0), bounded(0));
    let rounds = turns.div_ceil(2);
    let other = spawn(move || {
        at_pong
            .iter()
            .for_each(|turn: u64| pong.send(turn).unwrap())
    });
    for round in 0..rounds {
        ping.send(round).unwrap();
        assert_eq!(at_ping.recv(), Some(round));
    }
    drop(ping);
    other.join().unwrap();
}

fn spsc_128(n: u64) -> Duration {
    transfer(n, 1)
}

fn mpmc_128(n: u64) -> Duration {
    transfer(n, 4)
}

fn transfer(n: u64, tasks: u64) -> Duration {
    let (to, from) = bounded(128);
    timed(|| {
        for first in 0..tasks {
            let (to, mine) = (to.clone(), (first..n).step_by(tasks as usize));
            go(move || mine.for_each(|i| to.send(i).unwrap()));
        }
        drop(to);
        let receive = |_| {
            let from = from.clone();
            spawn(move || from.iter().sum::<u64>())
        };
        let sums: Vec<_> = (0..tasks).map(receive).collect();
        let sum: u64 = sums.into_iter().map(|sum| sum.join().unwrap()).sum();
        assert_eq!(sum, n * n.saturating_sub(1) / 2);
    })
}

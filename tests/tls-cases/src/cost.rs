//! What it costs to be kept: goroutines that wait for each other or yield, some of them tied.
use std::cell::Cell;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use gosched::channel::bounded;
use gosched::thread::{spawn, yield_now};

thread_local! {
    static HELD: Cell<u64> = const { Cell::new(0) };
}

/// Runs `f` with the address of a thread-local on the stack, or without.
fn held(tied: bool, f: impl FnOnce()) {
    if tied {
        HELD.with(|h| {
            let kept = black_box(h);
            f();
            black_box(&kept);
        });
    } else {
        f();
    }
}

/// Yields, by 64 goroutines.
fn yields(tied: usize) {
    let all: Vec<_> = (0..64)
        .map(|i| spawn(move || held(i < tied, || (0..10_000).for_each(|_| yield_now()))))
        .collect();
    all.into_iter().for_each(|h| h.join().unwrap());
}

/// Messages to and fro between 16 pairs, one end of some of them tied.
fn messages(tied: usize) {
    let all: Vec<_> = (0..16)
        .map(|i| {
            let ((tx, rx), (back, answer)) = (bounded(0), bounded(0));
            let server = spawn(move || held(i < tied, || {
                for x in rx {
                    back.send(x).unwrap();
                }
            }));
            let client = spawn(move || {
                for x in 0..10_000u32 {
                    tx.send(x).unwrap();
                    answer.recv().unwrap();
                }
            });
            (server, client)
        })
        .collect();
    for (server, client) in all {
        client.join().unwrap();
        server.join().unwrap();
    }
}

/// How long a goroutine waits from its wake-up until it runs: 32 sleepers, some of them tied, and as
/// many that wake one each and compute for a moment. Of one run, so that a busy machine troubles
/// both kinds alike.
fn wake_to_run(tied: usize) {
    let all: Vec<_> = (0..32)
        .map(|i| {
            let (wake, woken) = bounded::<Instant>(1);
            let sleeper = spawn(move || {
                let mut waited = Vec::with_capacity(4_000);
                held(i < tied, || waited.extend(woken.iter().map(|at| at.elapsed())));
                waited
            });
            let waker = spawn(move || {
                for _ in 0..4_000 {
                    wake.send(Instant::now()).unwrap();
                    (0..200).for_each(|x| drop(black_box(x)));
                    yield_now();
                }
            });
            (i < tied, sleeper, waker)
        })
        .collect();
    let (mut kept, mut free) = (Vec::new(), Vec::new());
    for (tied, sleeper, waker) in all {
        waker.join().unwrap();
        let waited = sleeper.join().unwrap();
        if tied { kept.extend(waited) } else { free.extend(waited) }
    }
    let at = |all: &mut Vec<std::time::Duration>, permille: usize| {
        all.sort();
        all[all.len() * permille / 1000].as_nanos() as f64 / 1000.0
    };
    for (name, all) in [("tied", &mut kept), ("free", &mut free)] {
        if !all.is_empty() {
            let (p50, p99, p999) = (at(all, 500), at(all, 990), at(all, 999));
            println!("wake to run, {tied} of 32 tied: {name} p50 {p50:.1} us, p99 {p99:.1}, p99.9 {p999:.1}");
        }
    }
}

fn measure(name: &str, count: u64, f: impl Fn()) {
    let mut best = f64::MAX;
    let before = gosched::metrics();
    for _ in 0..5 {
        let start = Instant::now();
        f();
        best = best.min(start.elapsed().as_nanos() as f64 / count as f64);
    }
    let now = gosched::metrics();
    let (scans, pins) = (now.tls_scans - before.tls_scans, now.tls_pins - before.tls_pins);
    println!("{name}: {best:.0} ns; scans {scans}, kept {pins}, of {}", 5 * count);
}

pub fn all(guarded: bool) -> ExitCode {
    // SAFETY: the references that are held are not used.
    unsafe { super::builder(guarded).run(|| {
        for tied in [0, 6, 32, 64] {
            measure(&format!("yield, {tied} of 64 tied"), 640_000, || yields(tied));
        }
        for tied in [0, 2, 8, 16] {
            measure(&format!("round trip, {tied} of 16 tied"), 160_000, || messages(tied));
        }
        for tied in [0, 3, 16, 29, 32] {
            let before = gosched::metrics();
            wake_to_run(tied);
            let now = gosched::metrics();
            println!("  kept {} of {} scans", now.tls_pins - before.tls_pins, now.tls_scans - before.tls_scans);
        }
    }) };
    ExitCode::SUCCESS
}

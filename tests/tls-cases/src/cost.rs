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
    }) };
    ExitCode::SUCCESS
}

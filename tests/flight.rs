//! The last part of a run: by call, and of programs that die. What is left of it is put in order, and
//! Go's reader accepts it.
//!
//! Without libtest: its first thread would prevent the report of a deadlock.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

#[path = "support/bare.rs"]
mod bare;
#[path = "support/child.rs"]
mod child;
#[path = "support/go_reader.rs"]
mod go_reader;
#[path = "support/traced.rs"]
mod traced;

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use go_reader::{ask_go, scratch};
use gosched::trace::{self, FlightConfig, FlightRecorder};
use gosched::{channel, thread};
use traced::everything;

const LIMIT: Duration = Duration::from_secs(60);
const MS: Duration = Duration::from_millis(1);

/// SAFETY of all calls: nothing in these programs is tied to a thread.
fn run<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    // SAFETY: as above.
    unsafe { gosched::run(f) }
}

/// Yields until the ring has gone round more than once: 2,700 records are in a chunk, and 16 chunks in
/// a MiB. A yield and the start after it may be one record.
fn fill() {
    let four: Vec<_> = (0..4)
        .map(|_| thread::spawn(|| (0..40_000).for_each(|_| thread::yield_now())))
        .collect();
    four.into_iter().for_each(|one| one.join().unwrap());
}

/// Snapshots of a program that goes on: each is in order, and nearly all that is left is in it.
fn snapshots_of_a_busy_program() {
    for ps in [1, 2, 4] {
        run(|| {
            gosched::gomaxprocs(ps);
            let config = FlightConfig {
                max_bytes: 4 << 20,
                ..FlightConfig::default()
            };
            let flight = FlightRecorder::start(config).unwrap();
            let again = FlightRecorder::start(config).unwrap_err();
            assert_eq!(again, trace::StartError::AlreadyOn);
            assert!(trace::stop().is_none(), "it is in flight");
            let mut taken = Vec::new();
            let over = AtomicBool::new(false);
            thread::scope(|s| {
                s.spawn(|| {
                    while !over.load(SeqCst) {
                        fill();
                        everything(MS * 10);
                    }
                });
                for _ in 0..3 {
                    thread::sleep(MS * 30);
                    taken.push(flight.snapshot());
                }
                over.store(true, SeqCst);
            });
            for (n, recorded) in taken.iter().enumerate() {
                let kept = recorded.events();
                let out = gosched::__left_out(recorded);
                assert!(out * 10 <= kept, "{out} were left out, {kept} kept");
                assert!(kept <= 2 * 65 * 2_729, "{kept}");
                let file = scratch(&format!("flight-{ps}-{n}.trace"));
                recorded.write(&file).unwrap();
                ask_go(&file);
            }
            flight.stop();
            trace::start().unwrap();
            assert!(trace::stop().is_some());
        });
    }
}

/// What was longer ago is left out.
fn a_snapshot_goes_back_so_far() {
    run(|| {
        gosched::gomaxprocs(1);
        let config = FlightConfig {
            min_age: MS * 200,
            ..FlightConfig::default()
        };
        let flight = FlightRecorder::start(config).unwrap();
        for _ in 0..40 {
            thread::sleep(MS * 10);
        }
        let runs = flight.snapshot().runs();
        let end = runs.last().unwrap().end;
        assert!(end < MS * 1_000, "{end:?}");
        assert!((2..40).contains(&runs.len()), "{}", runs.len());
    });
}

type Way = (&'static str, fn());

/// The ways to die.
const WAYS: [Way; 5] = [
    ("panic", || {
        gosched::go(|| panic!("so it dies"));
        thread::park();
    }),
    ("deadlock", || {
        let (_tx, rx) = channel::bounded::<u32>(0);
        let _ = rx.recv();
    }),
    ("overflow", || {
        #[allow(unconditional_recursion, reason = "that is the way")]
        fn for_ever(n: u64) -> u64 {
            let pad = std::hint::black_box([n; 32]);
            for_ever(n + 1) + pad[3]
        }
        for_ever(0);
    }),
    ("fatal", || {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("boom");
            }
        }
        drop(thread::spawn(|| Bomb));
        thread::park();
    }),
    ("quit", || {
        // SAFETY: sends a signal to this thread.
        unsafe { libc::raise(libc::SIGQUIT) };
        thread::park();
    }),
];

fn a_program_that_dies_leaves_its_trace() {
    if let Some(role) = child::role() {
        let (_, way) = WAYS.iter().find(|(name, _)| *name == role).unwrap();
        run(|| {
            fill();
            way();
        });
        return;
    }
    for (way, _) in WAYS {
        for key in ["flight", "trace"] {
            let file = scratch(&format!("dies-of-{way}-{key}.trace"));
            let _ = std::fs::remove_file(&file);
            let mut command = child::again("a_program_that_dies_leaves_its_trace", way);
            command.env("GOMAXPROCS", "2");
            command.env("GOSCHED", format!("{key}={}", file.display()));
            let ended = child::run(&mut command, LIMIT);
            assert_eq!(ended.status, Some(2), "{way} {key}: {ended}");
            assert!(!ended.stderr.contains("gosched:"), "{ended}");
            let written =
                std::fs::metadata(&file).unwrap_or_else(|e| panic!("{way}: {e} {ended}"));
            assert!(written.len() > 100_000, "{way} {key}: {}", written.len());
            ask_go(&file);
        }
    }
}

/// It deadlocks at once, so the thread that writes the trace may be the one that finds this: it must not
/// wait for itself.
fn a_deadlock_before_the_writer_sleeps() {
    const NAME: &str = "a_deadlock_before_the_writer_sleeps";
    if child::role().is_some() {
        return run(thread::park);
    }
    for round in 0..30 {
        let mut command = child::again(NAME, "child");
        command.env("GOSCHED", "trace=-");
        let ended = child::run(&mut command, LIMIT);
        assert_eq!(ended.status, Some(2), "{ended}");
        let (words, drawn) = ("gosched: no trace", "What each P ran");
        let right = !ended.stderr.contains(words) && ended.stdout.contains(drawn);
        assert!(right, "round {round}: {ended}");
    }
}

/// One that ends well has no use for its last part.
fn a_program_that_ends_well_leaves_none() {
    if child::role().is_some() {
        return run(fill);
    }
    let file = scratch("ends-well.trace");
    let _ = std::fs::remove_file(&file);
    let mut command = child::again("a_program_that_ends_well_leaves_none", "child");
    command.env("GOSCHED", format!("flight={}", file.display()));
    let ended = child::run(&mut command, LIMIT);
    assert_eq!(ended.status, Some(0), "{ended}");
    assert!(!file.exists() && ended.stderr.is_empty(), "{ended}");
}

fn main() {
    bare::main(&[
        ("snapshots_of_a_busy_program", snapshots_of_a_busy_program),
        ("a_snapshot_goes_back_so_far", a_snapshot_goes_back_so_far),
        (
            "a_program_that_dies_leaves_its_trace",
            a_program_that_dies_leaves_its_trace,
        ),
        (
            "a_deadlock_before_the_writer_sleeps",
            a_deadlock_before_the_writer_sleeps,
        ),
        (
            "a_program_that_ends_well_leaves_none",
            a_program_that_ends_well_leaves_none,
        ),
    ]);
}

//! Calls that block the thread, made without telling the runtime: others get the P soon.
//!
//! One P. A hundred goroutines block, one counts. How long the P was stuck: each blocker stamps
//! the moment before its call, and whichever goroutine runs next takes the stamp.
//!
//! The machine is never quiet: the best of a few tries counts. And where others take the CPU
//! from the whole process, its own CPU time tells the counter's share, and the stamps how much
//! of the time the P was stuck.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door; pipes")]

mod support;

use std::fs::File;
use std::io::{Read, Write};
use std::process::Command;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gosched::thread::{JoinHandle, spawn, yield_now};
use support::cputime::cpu_time;
use support::{check, check_at};

const TRIES: u32 = 20;
const MS: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(200);
const BLOCKERS: usize = 100;

/// Nanoseconds since the program began; 0 = no stamp.
fn now(start: Instant) -> u64 {
    start.elapsed().as_nanos() as u64 + 1
}

/// What all goroutines of one measurement share.
struct Bench {
    start: Instant,
    stop: AtomicBool,
    count: AtomicU64,
    /// When the goroutine that has the P was about to block.
    stamp: AtomicU64,
    stuck: Mutex<Vec<Duration>>,
    interrupted: AtomicU64,
    calls: AtomicU64,
}

impl Bench {
    fn new() -> Arc<Bench> {
        Arc::new(Bench {
            start: Instant::now(),
            stop: AtomicBool::new(false),
            count: AtomicU64::new(0),
            stamp: AtomicU64::new(0),
            stuck: Mutex::new(Vec::with_capacity(1 << 16)),
            interrupted: AtomicU64::new(0),
            calls: AtomicU64::new(0),
        })
    }

    /// By any goroutine that holds the P: it is not stuck any more.
    fn running(&self) {
        if self.stamp.load(Relaxed) != 0 {
            let since = self.stamp.swap(0, Relaxed);
            if since != 0 {
                let stuck = Duration::from_nanos(now(self.start).saturating_sub(since));
                self.stuck.lock().unwrap().push(stuck);
            }
        }
    }

    /// One call that blocks.
    fn call(&self, f: impl FnOnce()) {
        yield_now(); // out of the last call, it may have had no P
        self.running();
        self.calls.fetch_add(1, Relaxed);
        self.stamp.store(now(self.start), Relaxed);
        f();
    }

    fn spawn_counter(self: &Arc<Self>) -> JoinHandle<()> {
        let b = Arc::clone(self);
        spawn(move || {
            while !b.stop.load(Relaxed) {
                b.running();
                b.count.store(b.count.load(Relaxed) + 1, Relaxed);
            }
        })
    }
}

/// Counts a second, and counts a second of CPU time.
fn rates(b: &Bench, during: Duration) -> (f64, f64) {
    let (before, start, cpu) = (b.count.load(Relaxed), Instant::now(), cpu_time());
    std::thread::sleep(during);
    let n = (b.count.load(Relaxed) - before) as f64;
    let cpu = cpu_time() - cpu;
    (n / start.elapsed().as_secs_f64(), n / cpu.as_secs_f64())
}

type Call = Arc<dyn Fn(&Bench, usize) + Send + Sync>;

/// The counter alone, then beside the blockers. The clock is in the hands of a plain thread, which
/// needs no P.
fn attempt(call: &Call, during: Duration) -> Result<(), String> {
    let b = Bench::new();
    let counter = b.spawn_counter();
    let (begin, begun) = gosched::channel::bounded(1);
    let measure = {
        let b = Arc::clone(&b);
        move || {
            let alone = rates(&b, during / 2);
            begin.send(()).unwrap();
            std::thread::sleep(20 * MS); // the first of them make their threads
            b.stuck.lock().unwrap().clear();
            let beside = rates(&b, during);
            let stuck = std::mem::take(&mut *b.stuck.lock().unwrap());
            b.stop.store(true, Relaxed);
            (alone, beside, stuck)
        }
    };
    let measured = std::thread::spawn(measure);
    begun.recv().unwrap();
    let blockers: Vec<_> = (0..BLOCKERS)
        .map(|i| {
            let (b, call) = (Arc::clone(&b), Arc::clone(call));
            spawn(move || {
                while !b.stop.load(Relaxed) {
                    b.call(|| call(&b, i));
                }
            })
        })
        .collect();
    blockers.into_iter().for_each(|h| h.join().unwrap());
    counter.join().unwrap();
    let (alone, beside, mut stuck) = measured.join().unwrap();
    assert_eq!(b.interrupted.load(Relaxed), 0, "EINTR");
    if stuck.is_empty() {
        return Err("nobody blocked".into());
    }
    stuck.sort();
    let at = |percent: usize| stuck[(stuck.len() * percent / 100).min(stuck.len() - 1)];
    let (share, of_cpu) = (beside.0 / alone.0, beside.1 / alone.1);
    let lost = stuck.iter().sum::<Duration>().as_secs_f64() / during.as_secs_f64();
    let seen = format!(
        "{:.0} % of its speed, {:.0} % of the CPU time; P stuck {:.0} % of the time, \
         p50 {:?}, p90 {:?}, p99 {:?}, worst {:?} of {}; {} calls",
        share * 100.0,
        of_cpu * 100.0,
        lost * 100.0,
        at(50),
        at(90),
        at(99),
        at(100),
        stuck.len(),
        b.calls.load(Relaxed),
    );
    println!("{seen}");
    // A P that is not taken is stuck nearly all the time: half is far from that, and a busy machine
    // does not take so much.
    let undisturbed = share >= 0.5 || (of_cpu >= 0.5 && lost <= 0.5);
    if undisturbed && at(99) < 15 * MS {
        Ok(())
    } else {
        Err(seen)
    }
}

#[track_caller]
fn keeps_counting(what: &str, call: impl Fn(&Bench, usize) + Send + Sync + 'static) {
    let call: Call = Arc::new(call);
    println!("{what}:");
    check_at(&[1], LONG, || {
        let mut complaints = Vec::new();
        for _ in 0..TRIES {
            match attempt(&call, 500 * MS) {
                Ok(()) => return,
                Err(complaint) => complaints.push(complaint),
            }
        }
        panic!("{what}, {TRIES} times: {complaints:#?}");
    });
}

#[test]
fn others_run_while_a_hundred_sleep() {
    keeps_counting("std::thread::sleep", |_, _| {
        std::thread::sleep(100 * MS);
    });
}

#[test]
fn others_run_while_a_hundred_read_pipes() {
    let pipes: Vec<_> = (0..BLOCKERS).map(|_| std::io::pipe().unwrap()).collect();
    let (readers, writers): (Vec<_>, Vec<_>) = pipes.into_iter().unzip();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let feeder = std::thread::spawn(move || {
        while !stopped.load(Relaxed) {
            std::thread::sleep(100 * MS);
            // The readers may be gone already.
            writers.iter().for_each(|mut w| drop(w.write_all(b"x")));
        }
    });
    keeps_counting("read on a pipe", move |b, i| {
        let mut byte = [0];
        match (&readers[i]).read(&mut byte) {
            Ok(n) => assert_eq!((n, byte[0]), (1, b'x')),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {
                b.interrupted.fetch_add(1, Relaxed);
            }
            Err(e) => panic!("{e}"),
        }
    });
    stop.store(true, Relaxed);
    feeder.join().unwrap();
}

#[test]
fn others_run_while_a_hundred_wait_for_processes() {
    // A process costs more than the P's time: not all of them at once.
    let at_work = Arc::new(AtomicU64::new(0));
    keeps_counting("std::process::Command", move |_, _| {
        if at_work.fetch_add(1, Relaxed) < 4 {
            let status = Command::new("sleep").arg("0.2").status().unwrap();
            assert!(status.success());
        } else {
            std::thread::sleep(200 * MS);
        }
        at_work.fetch_sub(1, Relaxed);
    });
}

#[test]
fn others_run_while_a_hundred_contend_for_a_mutex() {
    let mutex = Mutex::new(0u64);
    keeps_counting("contended std::sync::Mutex", move |_, _| {
        let mut held = mutex.lock().unwrap();
        *held += 1;
        std::thread::sleep(MS);
    });
}

/// With the explicit mark, and results through it.
#[test]
fn blocking_hands_out_what_its_closure_answers() {
    check(|| {
        let all: Vec<_> = (0..50)
            .map(|i| {
                spawn(move || {
                    gosched::blocking(|| {
                        std::thread::sleep(5 * MS);
                        i
                    })
                })
            })
            .collect();
        let sum: i32 = all.into_iter().map(|h| h.join().unwrap()).sum();
        assert_eq!(sum, 49 * 50 / 2);
    });
}

/// Blocking calls inside of runtime use, in all orders; what they return is right.
#[test]
fn files_and_channels_mixed() {
    check(|| {
        let all: Vec<_> = (0..20)
            .map(|i| {
                spawn(move || {
                    for round in 0..20 {
                        let mut text = String::new();
                        let mut file = File::open("/proc/self/comm").unwrap();
                        file.read_to_string(&mut text).unwrap();
                        assert!(!text.is_empty());
                        if (i + round) % 3 == 0 {
                            std::thread::sleep(MS / 2);
                        }
                        yield_now();
                    }
                })
            })
            .collect();
        all.into_iter().for_each(|h| h.join().unwrap());
    });
}

/// When all that is left to do is blocked in the kernel, timers fire all the same.
#[test]
fn timers_fire_while_the_only_p_is_blocked() {
    check_at(&[1], LONG, || {
        // Nobody takes the CPU from us for so long each time.
        let fired = (0..TRIES).any(|_| {
            let blocker = spawn(|| std::thread::sleep(300 * MS));
            yield_now();
            for _ in 0..5 {
                gosched::thread::sleep(MS);
            }
            let in_time = !blocker.is_finished();
            blocker.join().unwrap();
            in_time
        });
        assert!(
            fired,
            "five sleeps of 1 ms took as long as the blocker's 300 ms"
        );
    });
}

/// A ticker goes on beside calls of 15 ms that nobody has announced, or that somebody has: sysmon
/// does not sleep past a timer. Without that it looked every 10 ms, and twice before it took the P.
#[test]
fn a_ticker_goes_on_beside_short_calls_that_block() {
    check_at(&[1], LONG, || {
        for blocks in [
            || std::thread::sleep(15 * MS),
            || gosched::blocking(|| std::thread::sleep(15 * MS)),
        ] {
            // Nobody takes the CPU from us for so long each time.
            let most = (0..TRIES).any(|_| {
                let alone = ticks_during(|| gosched::thread::sleep(15 * MS));
                let beside = ticks_during(blocks);
                2 * beside >= alone
            });
            assert!(most, "half of the ticks were lost, {TRIES} times");
        }
    });
}

/// Ticks of a millisecond during ten calls.
fn ticks_during(call: fn()) -> u64 {
    let (ticks, over) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let (counts, ends) = (Arc::clone(&ticks), Arc::clone(&over));
    let ticker = spawn(move || {
        while !ends.load(Relaxed) {
            gosched::thread::sleep(MS);
            counts.fetch_add(1, Relaxed);
        }
    });
    let mut during = 0;
    for _ in 0..10 {
        let before = ticks.load(Relaxed);
        call();
        during += ticks.load(Relaxed) - before;
        gosched::thread::sleep(40 * MS); // sysmon finds nothing to do, and sleeps longer each time
    }
    over.store(true, Relaxed);
    ticker.join().unwrap();
    during
}

/// What waits for the P gets it while a goroutine is in a call that it has announced.
#[test]
fn what_waits_runs_while_another_says_that_it_blocks() {
    check_at(&[1], LONG, || {
        let handed = (0..TRIES).any(|_| {
            let runs = Arc::new(AtomicBool::new(false));
            let waits = Arc::clone(&runs);
            let other = spawn(move || waits.store(true, Relaxed));
            let began = Instant::now();
            let seen = gosched::blocking(|| {
                while !runs.load(Relaxed) && began.elapsed() < 5 * MS {
                    std::hint::spin_loop();
                }
                runs.load(Relaxed)
            });
            other.join().unwrap();
            seen
        });
        assert!(handed, "nobody got the P");
    });
}

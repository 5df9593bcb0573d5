//! A goroutine that never calls the runtime gives way all the same: fairness among goroutines
//! in endless loops, stopping the world under them, and whose signal SIGURG is.
//!
//! The machine is never quiet: the best of a few tries counts, and a wait is measured both by
//! the wall clock and by the CPU time that this process got meanwhile, as a P that has no CPU
//! cannot be late.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door; signals")]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::time::{Duration, Instant};

use gosched::goroutine;
use gosched::thread::{JoinHandle, sleep, spawn, yield_now};
use gosched::trace::{self, Trace};
use support::cputime::cpu_time;
use support::{check, check_at, child, yield_until};

const TRIES: u32 = 5;
const MS: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(120);

/// A goroutine that does nothing but count, without ever calling anything.
#[derive(Default)]
struct Hog {
    /// Its number in a recording.
    id: AtomicU64,
    count: AtomicU64,
}

/// Some of them.
struct Hogs {
    stop: Arc<AtomicBool>,
    hogs: Vec<Arc<Hog>>,
    handles: Vec<JoinHandle<()>>,
}

impl Hogs {
    fn start(n: usize) -> Hogs {
        let stop = Arc::new(AtomicBool::new(false));
        let hogs: Vec<Arc<Hog>> = (0..n).map(|_| Arc::default()).collect();
        let handles = hogs.iter().map(|hog| {
            let (hog, stop) = (Arc::clone(hog), Arc::clone(&stop));
            spawn(move || {
                hog.id.store(goroutine::id().unwrap(), Relaxed);
                while !stop.load(Relaxed) {
                    hog.count.store(hog.count.load(Relaxed) + 1, Relaxed);
                }
            })
        });
        let handles = handles.collect();
        Hogs {
            stop,
            hogs,
            handles,
        }
    }

    fn counts(&self) -> Vec<u64> {
        self.hogs.iter().map(|h| h.count.load(Relaxed)).collect()
    }

    fn all_past(&self, then: &[u64]) -> bool {
        then.iter()
            .zip(self.counts())
            .all(|(then, now)| now > *then)
    }

    fn stop(self) {
        self.stop.store(true, Relaxed);
        self.handles.into_iter().for_each(|h| h.join().unwrap());
    }
}

/// Runs `attempt` until it finds nothing to complain of.
#[track_caller]
fn best_of(what: &str, attempt: impl Fn() -> Result<(), String>) {
    let mut complaints = Vec::new();
    for _ in 0..TRIES {
        match attempt() {
            Ok(()) => return,
            Err(complaint) => complaints.push(complaint),
        }
    }
    panic!("{what}, {TRIES} times: {complaints:#?}");
}

fn p99(all: &mut [Duration]) -> Duration {
    all.sort();
    all[all.len() * 99 / 100]
}

/// How long each of them held a P. What a hog counts would not do: of two Ps, one has the CPU that
/// another program does not want, and who runs there counts more.
fn held(recorded: &Trace, hogs: &Hogs) -> Vec<Duration> {
    let runs = recorded.runs();
    let of = |hog: &Arc<Hog>| {
        let id = hog.id.load(Relaxed);
        let its = runs.iter().filter(|run| run.goroutine == id);
        its.map(|run| run.end - run.start).sum()
    };
    hogs.hogs.iter().map(of).collect()
}

/// Four hogs share the Ps evenly, and a goroutine that sleeps for 1 ms is not kept waiting.
fn hogs_share(seconds: u64) -> Result<(), String> {
    let hogs = Hogs::start(4);
    yield_until("every hog runs", || hogs.all_past(&[0; 4]));
    trace::start().unwrap();
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut late, mut late_cpu) = (Vec::new(), Vec::new());
    let ps = gosched::gomaxprocs(0) as u32;
    while Instant::now() < end {
        let (start, start_cpu) = (Instant::now(), cpu_time());
        sleep(MS);
        late.push(start.elapsed().saturating_sub(MS));
        late_cpu.push(((cpu_time() - start_cpu) / ps).saturating_sub(MS));
    }
    let recorded = trace::stop().unwrap();
    let held = held(&recorded, &hogs);
    hogs.stop();
    assert_eq!(recorded.lost(), 0);
    let (p99, p99_cpu) = (p99(&mut late), p99(&mut late_cpu));
    let even = held.iter().sum::<Duration>() / 4;
    let fair = held.iter().all(|h| h.abs_diff(even) * 5 <= even) && !even.is_zero();
    let shares: Vec<f64> = held.iter().map(|h| h.div_duration_f64(even)).collect();
    let n = late.len();
    let seen =
        format!("shares {shares:.2?}; {n} sleeps, late p99 {p99:?}, in CPU time {p99_cpu:?}");
    println!("{seen}");
    if fair && p99.min(p99_cpu) < 25 * MS {
        Ok(())
    } else {
        Err(seen)
    }
}

#[test]
fn four_hogs_get_even_shares_and_keep_nobody_waiting() {
    check_at(&[1, 2], LONG, || best_of("uneven", || hogs_share(3)));
}

/// Whatever way they tick: by timers, by yields, by waking each other.
#[test]
fn others_get_on_beside_four_hogs() {
    check_at(&[1, 2], LONG, || {
        let hogs = Hogs::start(4);
        let ticker = |step: fn()| {
            spawn(move || {
                for _ in 0..20 {
                    step();
                }
            })
        };
        let (send, receive) = gosched::channel::bounded(0);
        let pair = spawn(move || (0..20).for_each(|i| send.send(i).unwrap()));
        let tickers = [
            ticker(|| sleep(5 * MS)),
            ticker(|| sleep(5 * MS)),
            ticker(yield_now),
            ticker(|| std::thread::sleep(MS)),
            ticker(|| spawn(|| ()).join().unwrap()),
        ];
        let then = hogs.counts();
        assert!(receive.iter().eq(0..20));
        tickers.into_iter().for_each(|t| t.join().unwrap());
        pair.join().unwrap();
        yield_until("every hog goes on", || hogs.all_past(&then));
        hogs.stop();
    });
}

/// One hog, and a sleeper whose timer only the hog's P could fire.
#[test]
fn a_timer_preempts_when_nothing_else_waits() {
    check_at(&[1], LONG, || {
        let hogs = Hogs::start(1);
        let start = hogs.counts()[0];
        for _ in 0..20 {
            sleep(MS);
        }
        assert!(hogs.counts()[0] > start, "the hog got on as well");
        hogs.stop();
    });
}

const STARVES: &str = "without_preemption_the_same_program_starves";

/// In the child: one P, a hog, and a main goroutine that wants to stop it.
fn hog_and_main(preempt: bool) {
    let builder = gosched::Builder::new().procs(1).async_preempt(preempt);
    let body = || {
        let hogs = Hogs::start(1);
        sleep(5 * MS); // the hog has the P now, and only a preemption takes it away
        hogs.stop();
        println!("got it back");
    };
    // SAFETY: nothing in the body is tied to a thread.
    unsafe { builder.run(body) };
}

#[test]
fn without_preemption_the_same_program_starves() {
    match child::role().as_deref() {
        Some("on" | "variable") => return hog_and_main(true),
        Some(_) => return hog_and_main(false),
        None => (),
    }
    let ended = child::run(&mut child::again(STARVES, "on"), LONG);
    assert!(ended.stdout.contains("got it back"), "{ended}");
    let ended = child::run(&mut child::again(STARVES, "off"), Duration::from_secs(3));
    assert!(
        ended.timed_out && !ended.stdout.contains("got it"),
        "{ended}"
    );
}

/// Go: TestPreemption, TestGCPause's idea: the stopper gets its way at once.
#[test]
fn the_world_stops_under_hogs() {
    check_at(&[2], LONG, || {
        let before = gosched::gomaxprocs(0);
        let hogs = Hogs::start(5);
        for round in 0..60 {
            gosched::gomaxprocs([1, 4, 2, 3][round % 4]);
            yield_now();
        }
        let then = hogs.counts();
        yield_until("every hog goes on", || hogs.all_past(&then));
        hogs.stop();
        gosched::gomaxprocs(before);
    });
}

/// Preempted goroutines that also use the runtime, in all states in which a signal can find
/// them; everything they do adds up.
#[test]
fn a_preempted_goroutine_loses_nothing() {
    check(|| {
        let sum = Arc::new(AtomicU64::new(0));
        let all: Vec<_> = (0..8u64)
            .map(|i| {
                let sum = Arc::clone(&sum);
                spawn(move || {
                    let end = Instant::now() + 200 * MS;
                    let mut mine = 0;
                    let mut x = i as f64;
                    while Instant::now() < end {
                        for _ in 0..1000 {
                            x = x.mul_add(1.000_000_1, 0.5);
                        }
                        mine += 1;
                        sum.fetch_add(1, Relaxed);
                        if mine % 64 == 0 {
                            yield_now();
                        }
                    }
                    assert!(x > 0.0);
                    mine
                })
            })
            .collect();
        let total: u64 = all.into_iter().map(|h| h.join().unwrap()).sum();
        assert_eq!(total, sum.load(Relaxed));
    });
}

static CHAINED: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count_signal(signo: libc::c_int) {
    assert_eq!(signo, libc::SIGURG);
    CHAINED.fetch_add(1, SeqCst);
}

fn install(handler: extern "C" fn(libc::c_int)) {
    // SAFETY: the handler only counts.
    let old = unsafe { libc::signal(libc::SIGURG, handler as *const () as libc::sighandler_t) };
    assert_ne!(old, libc::SIG_ERR);
}

/// Sends SIGURG to the process, to the calling thread, and to each thread there is.
fn send_to_everybody() {
    // SAFETY: no preconditions.
    let pid = unsafe { libc::getpid() };
    // SAFETY: signals that are handled.
    let sent = unsafe { libc::kill(pid, libc::SIGURG) };
    assert_eq!(sent, 0);
    // SAFETY: as above.
    let sent = unsafe { libc::raise(libc::SIGURG) };
    assert_eq!(sent, 0);
    for entry in std::fs::read_dir("/proc/self/task").unwrap() {
        let tid: libc::pid_t = entry
            .unwrap()
            .file_name()
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        // SAFETY: no preconditions.
        let pid = unsafe { libc::getpid() };
        // SAFETY: as above; a thread that is gone meanwhile is an error.
        unsafe { libc::syscall(libc::SYS_tgkill, pid, tid, libc::SIGURG) };
    }
}

/// In the child: a handler from before `run` sees what others send, preemption goes on.
fn with_an_earlier_handler() {
    install(count_signal);
    let body = || {
        let hogs = Hogs::start(3);
        for round in 1..=50 {
            let before = CHAINED.load(SeqCst);
            send_to_everybody();
            yield_until("the signal passed on", || CHAINED.load(SeqCst) > before);
            if round % 10 == 0 {
                sleep(MS);
            }
        }
        // A thread that was stopped in our handler gets its signals when it goes on.
        let get_on = || {
            let then = hogs.counts();
            yield_until("every hog goes on", || hogs.all_past(&then));
        };
        get_on();
        get_on();
        let quiet = CHAINED.load(SeqCst);
        get_on();
        hogs.stop();
        println!(
            "{} of others, {} of ours",
            quiet,
            CHAINED.load(SeqCst) - quiet
        );
    };
    // SAFETY: nothing in the body is tied to a thread.
    unsafe { gosched::Builder::new().procs(2).run(body) };
}

#[test]
fn a_handler_from_before_gets_the_signals_of_others_and_only_those() {
    if child::role().is_some() {
        return with_an_earlier_handler();
    }
    let name = "a_handler_from_before_gets_the_signals_of_others_and_only_those";
    let ended = child::run(&mut child::again(name, "chain"), LONG);
    assert_eq!(ended.status, Some(0), "{ended}");
    assert!(ended.stdout.contains("of others, 0 of ours"), "{ended}");
}

/// Without a handler from before, SIGURG of others is ignored, as ever.
#[test]
fn signals_of_others_do_no_harm() {
    check_at(&[1, 2], LONG, || {
        let hogs = Hogs::start(3);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let sender = std::thread::spawn(move || {
            while !stopped.load(Relaxed) {
                send_to_everybody();
            }
        });
        for _ in 0..30 {
            sleep(MS);
        }
        stop.store(true, Relaxed);
        sender.join().unwrap();
        hogs.stop();
    });
}

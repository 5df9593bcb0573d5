//! The monitor: asleep when nothing goes on, and what it costs when something does.
//!
//! In children of their own, as what is counted is the whole process.
#![allow(
    unsafe_code,
    reason = "gosched::run is the unsafe door; clocks, signals"
)]

#[path = "support/full_stderr.rs"]
mod full_stderr;
mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

use full_stderr::fill_stderr;
use gosched::thread::{sleep, spawn, yield_now};
use support::child;

const MS: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(120);

/// By thread, of this process: its name, and what `of` reads from its folder in `/proc`.
fn threads<T>(of: impl Fn(&std::path::Path) -> Option<T>) -> BTreeMap<i32, (String, T)> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir("/proc/self/task").unwrap() {
        let path = entry.unwrap().path();
        let tid = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
        let name = std::fs::read_to_string(path.join("comm"));
        if let (Ok(name), Some(value)) = (name, of(&path)) {
            all.insert(tid, (name.trim().to_owned(), value));
        }
    }
    all
}

/// How often each thread got a CPU so far.
fn switches() -> BTreeMap<i32, (String, u64)> {
    threads(|path| {
        let status = std::fs::read_to_string(path.join("status")).ok()?;
        let counts = status.lines().filter(|line| line.contains("ctxt_switches"));
        counts
            .map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
            .sum()
    })
}

/// CPU time of the thread of this name.
fn cpu_of(thread: &str) -> Duration {
    let all = threads(|path| {
        let text = std::fs::read_to_string(path.join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok()
    });
    let nanos = all
        .values()
        .filter(|(name, _)| thread.starts_with(name.as_str()));
    Duration::from_nanos(nanos.map(|(_, nanos)| nanos).sum())
}

/// Which threads woke up within a second; not the caller.
fn woken_within_a_second() -> Vec<String> {
    let before = switches();
    std::thread::sleep(Duration::from_secs(1));
    let after = switches();
    // SAFETY: no preconditions.
    let me = unsafe { libc::gettid() };
    let others = after.iter().filter(|&(&tid, _)| tid != me);
    let woken = others.filter(|(tid, now)| before.get(tid) != Some(now));
    woken.map(|(_, (name, _))| name.clone()).collect()
}

/// In the child: some work, and then nothing but a main goroutine that waits for a thread.
fn idle() {
    // SAFETY: nothing in the body is tied to a thread.
    unsafe { gosched::Builder::new().procs(4).run(some_work) };
    let quiet = std::thread::spawn(|| {
        // What was asked for is still done: a stack's memory is given back after seconds.
        let tries = (0..40).map(|_| woken_within_a_second());
        tries
            .take_while(|woken| !woken.is_empty())
            .collect::<Vec<_>>()
    });
    // SAFETY: as above. The goroutine waits for a plain thread, as a server waits for the world.
    let before = unsafe {
        gosched::run(|| {
            let (tell, told) = gosched::channel::bounded(1);
            std::thread::spawn(move || tell.send(quiet.join().unwrap()).unwrap());
            told.recv().unwrap()
        })
    };
    println!(
        "quiet after {} s, last woken: {:?}",
        before.len(),
        before.last()
    );
    assert!(before.len() < 40, "never quiet: {before:?}");
}

fn some_work() {
    let all: Vec<_> = (0..50)
        .map(|i| {
            spawn(move || {
                sleep(MS * (i % 5));
                std::thread::sleep(MS);
                yield_now();
            })
        })
        .collect();
    all.into_iter().for_each(|h| h.join().unwrap());
}

#[test]
fn nobody_wakes_up_when_all_is_idle() {
    let name = "nobody_wakes_up_when_all_is_idle";
    if child::role().is_some() {
        return idle();
    }
    let ended = child::run(&mut child::again(name, "idle"), LONG);
    assert_eq!(ended.status, Some(0), "{ended}");
    let line = ended
        .stdout
        .lines()
        .find(|line| line.contains("quiet after"));
    println!("{}", line.unwrap_or("?"));
}

fn percentiles(what: &str, all: &mut [Duration]) {
    all.sort();
    let at = |percent: usize| all[(all.len() * percent / 100).min(all.len() - 1)];
    println!(
        "{what}: p50 {:?}, p99 {:?}, of {}",
        at(50),
        at(99),
        all.len()
    );
}

/// A goroutine in an endless loop that leaves the time in a shared place.
fn stamping_hog(
    last: &Arc<AtomicU64>,
    stop: &Arc<AtomicBool>,
    start: Instant,
) -> gosched::thread::JoinHandle<Vec<Duration>> {
    let (last, stop) = (Arc::clone(last), Arc::clone(stop));
    spawn(move || {
        let mut seen = Vec::with_capacity(10_000);
        let mut mine = 0;
        while !stop.load(Relaxed) {
            let now = start.elapsed().as_nanos() as u64;
            let before = last.swap(now, Relaxed);
            // Shorter ones are no change of goroutines: one of them runs on without a P for a
            // moment now and then.
            let gap = now.saturating_sub(before);
            if before != mine && before != 0 && gap > 500 {
                seen.push(Duration::from_nanos(gap));
            }
            mine = now;
        }
        seen
    })
}

/// In the child, at one P: how long nobody runs when one goroutine follows another.
fn preemption_gaps() {
    let (last, stop) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let start = Instant::now();
    let hogs = [(); 3].map(|()| stamping_hog(&last, &stop, start));
    let (cpu, wall) = (cpu_of("gosched-sysmon"), Instant::now());
    sleep(Duration::from_secs(5));
    let busy = (cpu_of("gosched-sysmon") - cpu).as_secs_f64() / wall.elapsed().as_secs_f64();
    stop.store(true, Relaxed);
    let mut gaps: Vec<_> = hogs.into_iter().flat_map(|h| h.join().unwrap()).collect();
    percentiles(
        "from the last instruction of a preempted goroutine to the first of the next",
        &mut gaps,
    );
    println!("sysmon beside hogs: {:.2} % of a core", busy * 100.0);
}

/// In the child: what a way into the runtime and out again costs, and `blocking`.
fn entry_cost() {
    const N: u32 = 50_000_000;
    let best = |what: &str, f: fn()| {
        let once = || {
            let start = Instant::now();
            (0..N).for_each(|_| f());
            start.elapsed()
        };
        let best = (0..5).map(|_| once()).min().unwrap();
        let each = best.as_secs_f64() * 1e9 / f64::from(N);
        println!("{what}: p50 of the best of 5 loops {each:.2} ns");
    };
    best("entry and exit", || {
        gosched::__inside(|| std::hint::black_box(()))
    });
    best("blocking", || {
        gosched::blocking(|| std::hint::black_box(()))
    });
}

static SENT: AtomicU64 = AtomicU64::new(0);
static TOOK: AtomicU64 = AtomicU64::new(0);

fn monotonic() -> u64 {
    let mut ts = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a valid place for the answer.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut ts) };
    ts.tv_sec as u64 * 1_000_000_000 + ts.tv_nsec as u64
}

extern "C" fn stamp(_: libc::c_int) {
    TOOK.store(monotonic() - SENT.load(Relaxed), Relaxed);
}

/// The kernel's part: from `tgkill` to the handler of a thread that computes.
fn signal_delay() {
    // SAFETY: the handler only reads the clock.
    unsafe { libc::signal(libc::SIGUSR1, stamp as *const () as libc::sighandler_t) };
    // SAFETY: no preconditions.
    let tid = unsafe { libc::gettid() };
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let sender = std::thread::spawn(move || {
        let mut all = Vec::new();
        for _ in 0..500 {
            std::thread::sleep(MS);
            TOOK.store(0, Relaxed);
            SENT.store(monotonic(), Relaxed);
            // SAFETY: no preconditions.
            let pid = unsafe { libc::getpid() };
            // SAFETY: a signal that is handled.
            unsafe { libc::syscall(libc::SYS_tgkill, pid, tid, libc::SIGUSR1) };
            while TOOK.load(Relaxed) == 0 {
                std::thread::yield_now();
            }
            all.push(Duration::from_nanos(TOOK.load(Relaxed)));
        }
        stopped.store(true, Relaxed);
        all
    });
    while !stop.load(Relaxed) {}
    percentiles("from tgkill to the handler", &mut sender.join().unwrap());
}

/// `cargo test --release --test sysmon -- --ignored --nocapture`
#[test]
#[ignore = "measures; prints what docs/preemption.md says"]
fn numbers() {
    match child::role().as_deref() {
        // SAFETY: nothing in the bodies is tied to a thread.
        Some("gaps") => {
            let builder = gosched::Builder::new().procs(1);
            // SAFETY: nothing in there is tied to an OS thread.
            return unsafe { builder.run(preemption_gaps) };
        }
        // SAFETY: as above.
        Some("entry") => return unsafe { gosched::Builder::new().procs(1).run(entry_cost) },
        Some(_) => return signal_delay(),
        None => (),
    }
    for role in ["entry", "gaps", "signal"] {
        let ended = child::run(&mut child::again("numbers", role), LONG);
        assert_eq!(ended.status, Some(0), "{ended}");
        let lines = ended.stdout.lines();
        lines
            .filter(|l| l.contains("p50") || l.contains('%'))
            .for_each(|l| println!("{l}"));
    }
}

/// Threads of the runtime that run or want to.
fn computing() -> usize {
    let states = threads(|path| {
        let stat = std::fs::read_to_string(path.join("stat")).ok()?;
        stat.rsplit(") ").next()?.chars().next()
    });
    // SAFETY: no preconditions.
    let me = unsafe { libc::gettid() }; // has its name from the M that made it
    let ms = states
        .iter()
        .filter(|&(&tid, (name, _))| tid != me && name.starts_with("gosched-m"));
    ms.filter(|(_, (_, state))| *state == 'R').count()
}

/// In the child, at one P: four goroutines sleep in the kernel together, sysmon as well by then,
/// and then compute, and enter nothing.
fn block_together_then_compute() {
    // SAFETY: nothing in the body is tied to a thread.
    unsafe { gosched::Builder::new().procs(1).run(compute_together) };
}

fn compute_together() {
    static AWAKE: AtomicU64 = AtomicU64::new(0);
    static STOP: AtomicBool = AtomicBool::new(false);
    let looker = std::thread::spawn(|| {
        let begin = Instant::now();
        while AWAKE.load(Relaxed) == 0 {
            assert!(begin.elapsed() < LONG);
            std::thread::sleep(MS);
        }
        // All are on their way, and each has had its moment.
        let mut seen = Vec::new();
        for _ in 0..300 {
            std::thread::sleep(5 * MS);
            seen.push(computing());
        }
        STOP.store(true, Relaxed);
        seen.split_off(100)
    });
    let all = [(); 4].map(|()| {
        spawn(|| {
            std::thread::sleep(400 * MS);
            AWAKE.fetch_add(1, Relaxed);
            while !STOP.load(Relaxed) {
                std::hint::spin_loop();
            }
        })
    });
    let seen = gosched::blocking(|| looker.join().unwrap());
    all.into_iter().for_each(|h| h.join().unwrap());
    let average = seen.iter().sum::<usize>() as f64 / seen.len() as f64;
    println!("{average:.2} threads compute at one P");
    assert!(average < 2.0, "{seen:?}");
}

/// With the kernel's timers, and where there are none to be had.
#[test]
fn those_without_a_p_compute_for_a_moment_only() {
    let name = "those_without_a_p_compute_for_a_moment_only";
    if let Some(role) = child::role() {
        if role == "no timers" {
            let none = libc::rlimit {
                rlim_cur: 0,
                rlim_max: 0,
            };
            // SAFETY: the limit is ours.
            unsafe { libc::setrlimit(libc::RLIMIT_SIGPENDING, &raw const none) };
        }
        return block_together_then_compute();
    }
    for role in ["timers", "no timers"] {
        let ended = child::run(&mut child::again(name, role), LONG);
        assert_eq!(ended.status, Some(0), "{role}: {ended}");
        let line = ended.stdout.lines().find(|l| l.contains("compute at"));
        println!("{role}: {}", line.unwrap_or("?"));
    }
}

/// Goroutines that sleep in the kernel, however many and long, wake nobody of ours.
#[test]
fn nobody_wakes_up_while_goroutines_sleep_in_the_kernel() {
    let name = "nobody_wakes_up_while_goroutines_sleep_in_the_kernel";
    if child::role().is_some() {
        // SAFETY: nothing in the body is tied to a thread.
        return unsafe { gosched::Builder::new().procs(2).run(sleep_in_the_kernel) };
    }
    let ended = child::run(&mut child::again(name, "sleep"), LONG);
    assert_eq!(ended.status, Some(0), "{ended}");
}

fn sleep_in_the_kernel() {
    for _ in 0..100 {
        gosched::go(|| std::thread::sleep(2 * LONG));
    }
    let (tell, told) = gosched::channel::bounded(1);
    std::thread::spawn(move || {
        let tries = (0..40).map(|_| woken_within_a_second());
        let busy: Vec<_> = tries.take_while(|woken| !woken.is_empty()).collect();
        tell.send(busy).unwrap();
    });
    let busy = told.recv().unwrap();
    assert!(busy.len() < 40, "never quiet: {:?}", busy.last());
    std::process::exit(0);
}

/// Files of `/proc` that are open: sysmon's look at a thread that may be blocked is one.
fn looks() -> usize {
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    let links = open.filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok());
    links.filter(|to| to.ends_with("syscall")).count()
}

fn many_ps_block() {
    let sleepers: Vec<_> = (0..80)
        .map(|_| {
            spawn(|| {
                for _ in 0..20 {
                    std::thread::sleep(5 * MS);
                    yield_now();
                }
            })
        })
        .collect();
    for sleeper in sleepers {
        sleeper.join().unwrap();
    }
    assert!(looks() <= 1, "{} are open", looks());
}

/// What blocks in the kernel loses its P all the same.
fn block_without_descriptors() {
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the limit is ours.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const none) };
    std::fs::File::open("/proc/self/stat").unwrap_err();
    let blocks = spawn(move || {
        let mut byte = [0];
        std::io::Read::read_exact(&mut reader, &mut byte).unwrap();
        byte[0]
    });
    yield_now(); // at one P it is back when that one has lost it
    std::io::Write::write_all(&mut writer, &[7]).unwrap();
    assert_eq!(blocks.join().unwrap(), 7);
}

#[test]
fn it_holds_no_descriptors() {
    let name = "it_holds_no_descriptors";
    if let Some(role) = child::role() {
        let body = match role.as_str() {
            "64" => many_ps_block,
            _ => block_without_descriptors,
        };
        let ps = role.parse().unwrap();
        // SAFETY: nothing in the bodies is tied to a thread.
        return unsafe { gosched::Builder::new().procs(ps).run(body) };
    }
    for ps in ["64", "1"] {
        let ended = child::run(&mut child::again(name, ps), LONG);
        assert_eq!(ended.status, Some(0), "{ps} Ps: {ended}");
    }
}

/// In the child: goroutines that compute for more than a slice, and then block in the kernel.
fn all_compute_and_block() {
    let work = || {
        for _ in 0..20 {
            gosched::go(|| {
                let begin = Instant::now();
                while begin.elapsed() < 25 * MS {}
                std::thread::sleep(LONG);
            });
        }
        std::thread::sleep(LONG);
    };
    // SAFETY: nothing in the body is tied to a thread.
    unsafe { gosched::Builder::new().procs(1).max_threads(4).run(work) };
}

/// A signal wakes a thread that is blocked, for a moment. If sysmon sent one each time it looked, the thread
/// would seem to compute, and would keep its P. There must be no M to go on with: this is the last one.
#[test]
fn who_blocks_after_its_slice_loses_its_p() {
    let name = "who_blocks_after_its_slice_loses_its_p";
    if child::role().is_some() {
        return all_compute_and_block();
    }
    for round in 0..4 {
        let ended = child::run(&mut child::again(name, "blocks"), LONG / 4);
        assert_eq!(ended.status, Some(2), "round {round}: {ended}");
        assert!(ended.stderr.contains("thread exhaustion"), "{ended}");
    }
}

/// In the child: nobody reads the traces, and the pipe is full.
fn hog_beside_a_full_stderr() {
    fill_stderr();
    let work = || {
        static STOP: AtomicBool = AtomicBool::new(false);
        for _ in 0..50 {
            STOP.store(false, Relaxed);
            let hog = spawn(|| {
                while !STOP.load(Relaxed) {
                    std::hint::spin_loop();
                }
            });
            yield_now(); // returns when the hog has been preempted
            STOP.store(true, Relaxed);
            hog.join().unwrap();
        }
        println!("preempted");
    };
    // SAFETY: nothing in the body is tied to a thread.
    unsafe { gosched::Builder::new().procs(1).run(work) };
}

#[test]
fn a_trace_that_nobody_reads_does_not_stop_it() {
    let name = "a_trace_that_nobody_reads_does_not_stop_it";
    if child::role().is_some() {
        return hog_beside_a_full_stderr();
    }
    let mut command = child::again(name, "trace");
    command.env("GOSCHED", "schedtrace=2");
    let ended = child::run_read_late(&mut command, "preempted\n", Duration::ZERO, LONG / 4);
    assert_eq!(ended.status, Some(0), "{ended}");
    assert!(ended.stderr.contains('.'), "{ended}");
}

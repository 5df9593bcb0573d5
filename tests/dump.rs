//! What a dump says of goroutines in every state: where each one stands, and nothing that is not so.
//! Optimized builds name functions without their modules.
#![allow(unsafe_code, reason = "the door into the runtime")]

mod support;

use std::hint::black_box;
use std::io::Read;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use gosched::channel::{Receiver, bounded};
use gosched::sync::{Arc, Mutex};
use gosched::thread::{Builder, JoinHandle, yield_now};
use gosched::{GoroutineInfo, GoroutineStatus, goroutines};
use support::child::{Ended, again, role, run};

const LIMIT: Duration = Duration::from_secs(30);

/// How many have come to the call in which they stay.
static THERE: AtomicUsize = AtomicUsize::new(0);

fn start<T: Send + 'static>(
    name: &str,
    f: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let builder = Builder::new().name(name.to_owned());
    builder.spawn(f).unwrap()
}

/// Until so many are there, and so many of them wait.
fn wait_for(there: usize, waiting: usize) {
    let waits = |g: &GoroutineInfo| g.wait_reason.is_some();
    while THERE.load(Relaxed) < there
        || goroutines().into_iter().filter(waits).count() < waiting
    {
        yield_now();
    }
}

#[inline(never)]
fn receives(from: &Receiver<u32>) -> u32 {
    THERE.fetch_add(1, Relaxed);
    from.recv().unwrap_or(0) + 1
}

#[inline(never)]
fn recurses(depth: u32, from: &Receiver<u32>) -> u32 {
    match depth {
        0 => receives(from),
        _ => black_box(recurses(depth - 1, from)) + 1,
    }
}

#[inline(never)]
fn spins() {
    THERE.fetch_add(1, Relaxed);
    while black_box(true) {
        std::hint::spin_loop();
    }
}

#[inline(never)]
fn reads_a_pipe() {
    let (mut from, to) = std::io::pipe().unwrap();
    THERE.fetch_add(1, Relaxed);
    let mut byte = [0];
    let _ = gosched::blocking(|| from.read(&mut byte));
    drop(to);
}

/// Everybody is somewhere, for ever; then a dump.
fn all_kinds() {
    let (_to, from) = bounded::<u32>(0);
    let body = || {
        start("ended", || ()).join().unwrap();
        for name in ["first", "second"] {
            let from = from.clone();
            start(name, move || receives(&from));
        }
        let deep = from.clone();
        start("deep", move || recurses(300, &deep));
        let grown = from.clone();
        let grow = move || gosched::stack::grow(usize::MAX, 300 << 10, || receives(&grown));
        start("grown", grow);
        start("in the kernel", reads_a_pipe);
        start("hog", spins);
        wait_for(6, 4);
        gosched::dump();
        std::process::exit(0);
    };
    // SAFETY: nothing is tied to an OS thread.
    unsafe { gosched::run(body) };
}

fn child(name: &str, procs: &str, gosched: &str) -> Ended {
    let mut command = again(name, "child");
    command.env("GOSCHED", gosched).env("GOMAXPROCS", procs);
    run(&mut command, LIMIT)
}

/// The paragraph of the goroutine with this name.
fn of<'a>(ended: &'a Ended, name: &str) -> Option<&'a str> {
    let line = format!("\tname: {name}\n");
    ended.stderr.split("\n\n").find(|part| part.contains(&line))
}

#[test]
fn everybody_is_where_it_stands() {
    if role().is_some() {
        return all_kinds();
    }
    for procs in ["1", "4"] {
        let once = || child("everybody_is_where_it_stands", procs, "");
        let stands =
            |ended: &Ended| of(ended, "hog").is_some_and(|hog| hog.contains("spins\n"));
        let mut ended = once();
        // At one P it is stopped while main looks; but on a busy machine the valve lets it run without a P.
        let more = if procs == "1" { 5 } else { 0 };
        for _ in 0..more {
            if !stands(&ended) {
                ended = once();
            }
        }
        assert!(procs != "1" || stands(&ended), "{ended}");
        let part =
            |name| of(&ended, name).unwrap_or_else(|| panic!("{name} is not in\n{ended}"));
        // Two at the same place, in whatever order.
        let two = [part("first"), part("second")];
        let there = "receives\n\t   tests/dump.rs:";
        assert!(
            two.iter().all(|part| part.contains("[chan receive]")),
            "{ended}"
        );
        assert!(two.iter().any(|part| part.contains(there)), "{ended}");
        let same = "\n\tat the same place as goroutine ";
        assert!(two.iter().any(|part| part.contains(same)), "{ended}");
        let frames = |part: &str| part.lines().filter(|l| l.starts_with("\tat ")).count();
        // 300 frames and some of the runtime's: a hundred are shown.
        let deep = part("deep");
        assert!(deep.contains(" frames left out..."), "{deep}");
        assert!((60..=101).contains(&frames(deep)), "{deep}");
        let grown = part("grown");
        assert!(grown.contains("receives\n"), "{grown}");
        assert!(grown.contains("\n\t   tests/dump.rs:"), "{grown}");
        assert!(
            !grown.contains("corosensei") && !grown.contains("gosched::"),
            "{grown}"
        );
        let kernel = part("in the kernel");
        assert!(
            kernel.contains("[running]") && frames(kernel) == 0,
            "{kernel}"
        );
        let hog = part("hog");
        match hog.contains("[preempted]") {
            // It may have run when it was looked at, and be stopped when it is told.
            true => assert!(stands(&ended) || frames(hog) == 0, "{hog}"),
            false => assert!(hog.contains("[running]") && frames(hog) == 0, "{hog}"),
        }
        assert!(procs != "1" || hog.contains("[preempted]"), "{hog}");
        let main = part("main");
        assert!(main.contains("[running]"), "{main}");
        assert!(main.contains("\n\t   tests/dump.rs:"), "{main}");
        assert_eq!(of(&ended, "ended"), None, "{ended}");
    }
}

/// Three wait for a channel, one for a lock; one sleeps, one has ended.
fn leaves_some_behind() {
    let body = || {
        let (to, from) = bounded::<u32>(0);
        for _ in 0..3 {
            let from = from.clone();
            gosched::go(move || _ = receives(&from));
        }
        let lock = Arc::new(Mutex::new(()));
        let wanted = Arc::clone(&lock);
        let held = lock.lock().unwrap();
        gosched::go(move || {
            THERE.fetch_add(1, Relaxed);
            drop(wanted.lock());
        });
        start("ended", || ()).join().unwrap();
        gosched::go(|| gosched::thread::sleep(Duration::from_secs(3600)));
        wait_for(4, 5);
        std::mem::forget((to, held));
    };
    // SAFETY: nothing is tied to an OS thread.
    unsafe { gosched::run(body) };
}

#[test]
fn what_is_left_behind_is_listed() {
    if role().is_some() {
        return leaves_some_behind();
    }
    for procs in ["1", "4"] {
        let ended = child("what_is_left_behind_is_listed", procs, "leaks=1");
        let text = &ended.stderr;
        assert!(
            text.starts_with("gosched: still blocked when `run` returned: 4 goroutines\n\n"),
            "{ended}"
        );
        let parts: Vec<&str> = text.split("\n\n").skip(1).collect();
        assert!(
            parts[0].starts_with("3 goroutines [chan receive"),
            "{ended}"
        );
        // On a busy machine they may have waited for some seconds: `[chan receive, 2 s]`.
        assert!(parts[0].contains("receives\n"), "{ended}");
        assert!(
            parts[0].contains("\n\tcreated by goroutine 1 at tests/dump.rs:"),
            "{ended}"
        );
        assert!(
            parts[1].starts_with("1 goroutine [sync.Mutex.Lock"),
            "{ended}"
        );
        assert!(parts[1].contains("\n\t   tests/dump.rs:"), "{ended}");
        assert!(!text.contains("sleep") && parts.len() == 2, "{ended}");
        let ended = child("what_is_left_behind_is_listed", procs, "");
        assert!(!ended.stderr.contains("still blocked"), "{ended}");
    }
}

#[test]
fn goroutines_are_data() {
    let body = || {
        let (to, from) = bounded::<u32>(0);
        let parked = start("data", move || receives(&from));
        let me = gosched::goroutine::id().unwrap();
        let find = || {
            goroutines()
                .into_iter()
                .find(|g| g.name.as_deref() == Some("data"))
                .unwrap()
        };
        while find().status != GoroutineStatus::Waiting {
            yield_now();
        }
        let g = find();
        assert_eq!(
            (g.wait_reason, g.created_by),
            (Some("chan receive"), Some(me))
        );
        assert!(g.created_at.unwrap().file().ends_with("dump.rs"));
        assert!(g.waiting.unwrap() < LIMIT);
        let frames = g.backtrace().unwrap();
        assert!(frames[0].function.ends_with("receives"), "{frames:?}");
        assert!(
            frames[0].to_string().contains("tests/dump.rs:"),
            "{frames:?}"
        );
        let main = goroutines().into_iter().find(|g| g.id == me).unwrap();
        assert_eq!(
            (main.status, main.wait_reason),
            (GoroutineStatus::Running, None)
        );
        let own = main.backtrace().unwrap();
        assert!(own[0].to_string().contains("tests/dump.rs:"), "{own:?}");
        to.send(1).unwrap();
        parked.join().unwrap();
        assert!(g.backtrace().is_none(), "it has ended");
    };
    // SAFETY: nothing is tied to an OS thread.
    unsafe { gosched::run(body) };
}

//! Reports where memory is short: no address space is left, or the stack ends inside malloc, with its lock held.
//! They come out whole, or say what they leave out, and the process ends.
//!
//! Each case is a process of its own, without libtest (`tests/crash.rs`).
#![allow(
    unsafe_code,
    reason = "limits, signals, malloc, and the door into the runtime"
)]

#[path = "support/bare.rs"]
mod bare;
#[path = "support/child.rs"]
mod child;
#[path = "support/limits.rs"]
mod limits;

use std::hint::black_box;
use std::time::Duration;

use child::Ended;
use gosched::{Builder, thread};
use limits::limit;

/// The report waits ten seconds for the stacks, and twenty for a trace.
const LIMIT: Duration = Duration::from_secs(60);

fn run<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    // SAFETY: nothing in these programs is tied to a thread.
    unsafe { Builder::new().procs(2).run(f) }
}

/// In the child `program`, with the numbers of its role; in the parent, how it ended.
fn ended(
    test: &str,
    words: &str,
    env: &[(&str, &str)],
    program: impl FnOnce(&[u64]),
) -> Option<Ended> {
    child::with_numbers(program);
    let mut command = child::again(test, words);
    command.env_remove("GOSCHED").envs(env.iter().copied());
    Some(child::run(&mut command, LIMIT))
}

/// From now on so many bytes may be mapped besides those that are.
fn no_more_than(bytes: u64) {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = pages.split(' ').next().unwrap().parse().unwrap();
    limit(libc::RLIMIT_AS, pages * 4096 + bytes);
}

/// A goroutine that waits, for the report to tell about. For ever: its channel is kept.
fn bystander() -> gosched::channel::Sender<()> {
    let (send, recv) = gosched::channel::bounded(0);
    let builder = thread::Builder::new().name("bystander".into());
    builder.spawn(move || recv.recv()).unwrap();
    while !gosched::goroutines()
        .iter()
        .any(|g| g.name.as_deref() == Some("bystander") && g.wait_reason.is_some())
    {
        thread::yield_now();
    }
    send
}

// ---- the ways to die

fn deadlock() {
    thread::park();
}

fn sigquit() {
    // SAFETY: no preconditions.
    let me = unsafe { libc::getpid() };
    // SAFETY: no memory is passed.
    unsafe { libc::kill(me, libc::SIGQUIT) };
    std::thread::sleep(LIMIT);
}

fn overflow() {
    fn deeper(n: usize) -> usize {
        let frame = black_box([n; 64]);
        if n == usize::MAX {
            return 0;
        }
        deeper(n + 1) + frame[n % 64]
    }
    black_box(deeper(0));
}

fn fatal() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new(())); // without a hook's words
        }
    }
    drop(thread::spawn(|| Bomb));
    thread::park();
}

const WAYS: [(fn(), &str); 4] = [
    (deadlock, "all goroutines are asleep - deadlock!"),
    (sigquit, "SIGQUIT: quit"),
    (overflow, "fatal error: stack overflow"),
    (fatal, "fatal error: "),
];

const LEFT_OUT: &str = "The stacks of the goroutines are left out";

const REPORTS: &str = "reports_come_out_under_every_limit_of_memory";

fn reports_come_out_under_every_limit_of_memory() {
    for (way, &(_, words)) in WAYS.iter().enumerate() {
        for kib in [0, 8, 200, 3 << 10, 150 << 10, 512 << 10] {
            let role = format!("{way} {kib}");
            let Some(e) = ended(REPORTS, &role, &[], |n| {
                let (die, _) = WAYS[n[0] as usize];
                run(|| {
                    let _kept = bystander();
                    no_more_than(n[1] << 10);
                    die();
                });
            }) else {
                return;
            };
            let told = [words, "\tname: bystander", "goroutine 1 ["];
            assert!(told.iter().all(|w| e.stderr.contains(w)), "{role}: {e}");
            assert_eq!(e.status, Some(2), "{role}: {e}");
            let stacks = e.stderr.contains("\tat ");
            assert_ne!(stacks, e.stderr.contains(LEFT_OUT), "{role}: {e}");
        }
    }
}

// ---- malloc

/// Each call takes less stack than malloc does, so nearly always it is malloc that has too little. `size`: too
/// large for what a thread keeps for itself, so the lock of all is taken.
#[inline(never)]
fn in_malloc(n: usize, size: usize) -> usize {
    // SAFETY: any size; nobody uses the block, nor gives it back.
    let block = unsafe { libc::malloc(black_box(size)) };
    if n == usize::MAX {
        return block.addr();
    }
    in_malloc(n + 1, size) ^ block.addr()
}

/// So many bytes deeper than it would be.
#[inline(never)]
fn pushed(steps: u64, size: usize) -> usize {
    macro_rules! by {
        ($($n:literal)*) => {
            match steps {
                $($n => { let pad = black_box([0_u16; 8 * $n + 1]); in_malloc(0, size) + pad.len() })*
                _ => in_malloc(0, size),
            }
        };
    }
    by!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24)
}

const MALLOC: &str = "a_stack_that_ends_inside_malloc_is_reported_with_its_trace";

fn a_stack_that_ends_inside_malloc_is_reported_with_its_trace() {
    let file = std::env::temp_dir().join(format!("gosched-cramped-{}.txt", std::process::id()));
    let flight = format!("flight={}", file.display());
    for size in [24, 3_000] {
        for steps in (0..24).step_by(2) {
            let role = format!("{steps} {size}");
            let _ = std::fs::remove_file(&file);
            let env = [("GOSCHED", flight.as_str())];
            let Some(e) = ended(MALLOC, &role, &env, |n| {
                run(|| {
                    let _kept = bystander();
                    let (steps, size) = (n[0], n[1] as usize);
                    let deep = thread::spawn(move || pushed(steps, size));
                    black_box(deep.join().unwrap());
                });
            }) else {
                return;
            };
            let told = ["fatal error: stack overflow", "\tname: bystander", "\tat "];
            assert!(told.iter().all(|w| e.stderr.contains(w)), "{role}: {e}");
            assert_eq!(e.status, Some(2), "{role}: {e}");
            let trace = std::fs::read_to_string(&file).unwrap_or_default();
            assert!(trace.contains("What each P ran"), "{role}: {e}");
        }
    }
    let _ = std::fs::remove_file(&file);
}

fn main() {
    bare::main(&[
        (REPORTS, reports_come_out_under_every_limit_of_memory),
        (
            MALLOC,
            a_stack_that_ends_inside_malloc_is_reported_with_its_trace,
        ),
    ]);
}

//! What goroutines cost in memory, and that it comes back: each measured in a child process, by
//! the kernel's own count of resident pages and page tables.
//!
//! The limits are per goroutine, with what the runtime needs once spread over them. The real
//! million takes five gigabytes: `cargo test --release --test memory -- --ignored`.
#![allow(unsafe_code, reason = "the door into the runtime")]

mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use gosched::sync::WaitGroup;
use support::child::{again, role, run};

const LIMIT: Duration = Duration::from_secs(240);

/// Parked, with what it takes in page tables: 4.8 KiB. Frames of a debug build may need a second
/// page.
const PARKED_BYTES: usize = if cfg!(debug_assertions) {
    2 * 4915
} else {
    4915
};
/// Spawned, and not yet run.
const SPAWNED_BYTES: usize = 300;

static ARRIVED: WaitGroup = WaitGroup::new();
static DOOR: WaitGroup = WaitGroup::new();
static LEFT: WaitGroup = WaitGroup::new();

/// Resident memory and page tables of this process, in bytes.
fn memory() -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let kib = |key: &str| -> usize {
        let line = text.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    (kib("VmRSS:") + kib("VmPTE:")) << 10
}

fn park() {
    ARRIVED.done();
    DOOR.wait();
    LEFT.done();
}

/// Bytes for each of `count` goroutines that wait at a door.
fn parked(count: usize) -> usize {
    DOOR.add(1);
    LEFT.add(count as isize);
    ARRIVED.add(count as isize);
    let before = memory();
    for i in 0..count {
        gosched::go(park);
        // So that no more are spawned and not run at a time than the queues hold.
        if i % 256 == 255 {
            gosched::thread::yield_now();
        }
    }
    ARRIVED.wait();
    let each = (memory() - before) / count;
    DOOR.done();
    LEFT.wait();
    each
}

/// Bytes for each of `count` goroutines that nobody has picked yet. At one P.
fn spawned(count: usize) -> usize {
    LEFT.add(count as isize);
    let before = memory();
    for _ in 0..count {
        gosched::go(|| LEFT.done());
    }
    let each = (memory() - before) / count;
    LEFT.wait();
    each
}

fn deep(pages: usize) -> u8 {
    let frame = black_box([pages as u8; 4096]);
    if pages == 0 {
        return frame[0];
    }
    deep(black_box(pages - 1)).wrapping_add(frame[pages % 4096])
}

/// Runs `count` goroutines, each 10 pages deep and then parked, and answers what `then` does
/// while they wait.
fn parked_after_depth<R>(count: usize, then: impl FnOnce() -> R) -> R {
    DOOR.add(1);
    LEFT.add(count as isize);
    ARRIVED.add(count as isize);
    for _ in 0..count {
        gosched::go(|| {
            black_box(deep(10));
            park();
        });
    }
    ARRIVED.wait();
    let result = then();
    DOOR.done();
    LEFT.wait();
    result
}

/// One P, so that nothing moves meanwhile.
fn in_runtime<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    // SAFETY: nothing is tied to an OS thread.
    unsafe { gosched::Builder::new().procs(1).async_preempt(false).run(f) }
}

/// In the child: prints a number. In the parent: that number.
fn measured(test: &str, count: usize, measure: fn(usize) -> usize) -> usize {
    if role().is_some() {
        let bytes = measure(count);
        println!("\nmeasured: {bytes}");
        std::process::exit(0);
    }
    let ended = run(&mut again(test, "measure"), LIMIT);
    let number = ended
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("measured: "));
    let number = number.unwrap_or_else(|| panic!("{ended}"));
    eprintln!("{test}: {number} bytes each of {count}");
    number.parse().unwrap()
}

#[test]
fn a_parked_goroutine_takes_a_page_and_a_little() {
    let test = "a_parked_goroutine_takes_a_page_and_a_little";
    assert!(measured(test, 100_000, |count| in_runtime(|| parked(count))) <= PARKED_BYTES);
}

#[test]
#[ignore = "takes five gigabytes"]
fn a_million_parked() {
    assert!(
        measured("a_million_parked", 1_000_000, |count| in_runtime(
            || parked(count)
        )) <= PARKED_BYTES
    );
}

#[test]
fn one_that_has_not_run_takes_no_stack() {
    let test = "one_that_has_not_run_takes_no_stack";
    assert!(measured(test, 100_000, |count| in_runtime(|| spawned(count))) <= SPAWNED_BYTES);
}

#[test]
#[ignore = "takes a quarter of a gigabyte"]
fn a_million_spawned() {
    assert!(
        measured("a_million_spawned", 1_000_000, |count| in_runtime(|| {
            spawned(count)
        })) <= SPAWNED_BYTES
    );
}

/// Deep, then parked: `trim` leaves the page that they wait on.
fn parked_and_trimmed(count: usize) -> usize {
    let before = memory();
    parked_after_depth(count, || {
        let (deep, freed) = (memory() - before, gosched::trim());
        let after = memory() - before;
        assert!(deep > count * 40_000, "{deep} before");
        assert!(freed > count * 30_000, "{freed} freed");
        after / count
    })
}

#[test]
fn trim_takes_the_dead_depths_of_parked_goroutines() {
    let test = "trim_takes_the_dead_depths_of_parked_goroutines";
    assert!(
        measured(test, 2_000, |count| in_runtime(|| parked_and_trimmed(
            count
        ))) < 10_000
    );
}

/// All gone, then `trim`: what is left of each are its record and page tables.
fn gone_and_trimmed(count: usize) -> usize {
    let before = memory();
    parked_after_depth(count, || ());
    gosched::trim();
    memory().saturating_sub(before) / count
}

#[test]
fn trim_takes_all_of_a_free_stack() {
    let test = "trim_takes_all_of_a_free_stack";
    assert!(measured(test, 5_000, |count| in_runtime(|| gone_and_trimmed(count))) < 1_500);
}

/// As above, but nobody calls `trim`, and nobody runs: in the background, some seconds later.
fn gone_and_idle(count: usize) -> usize {
    let before = memory();
    in_runtime(|| parked_after_depth(count, || ()));
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let each = memory().saturating_sub(before) / count;
        if each < 1_500 || Instant::now() > end {
            return each;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_idle_process_gives_its_stacks_back_by_itself() {
    let test = "an_idle_process_gives_its_stacks_back_by_itself";
    assert!(measured(test, 5_000, gone_and_idle) < 1_500);
}

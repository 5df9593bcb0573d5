//! runtime/ext/stackalloc/arena.rs: a million goroutines alive at once, each on a stack of its own and all
//! waiting at one door; then OS threads do the same, as many as there can be.
//! What to notice: a goroutine costs a page (4 KiB), half a KiB of page table and a microsecond
//! or two, most of it the kernel's for the page. A thread costs several times that, and 16 KiB
//! more in the kernel, which no line of /proc shows by process.

use std::time::{Duration, Instant};

use clap::Parser;
use gosched::sync::WaitGroup;
use gosched_examples::{bar, println};
use indicatif::{HumanBytes, HumanCount};

/// Very many goroutines alive at once, beside OS threads.
#[derive(Parser)]
struct Args {
    /// Goroutines to start
    #[arg(long, default_value_t = 1_000_000)]
    count: usize,
    /// OS threads to start, if the system lets us
    #[arg(long, default_value_t = 10_000)]
    threads: usize,
}

static ARRIVED: WaitGroup = WaitGroup::new();
static DOOR: WaitGroup = WaitGroup::new();
static LEFT: WaitGroup = WaitGroup::new();

/// What each of them does.
fn task() {
    ARRIVED.done();
    DOOR.wait();
    LEFT.done();
}

/// Starts tasks until `count` wait at the door, or no more can be started; then opens the door.
/// Prints a row of the table.
fn crowd(name: &str, count: usize, start: fn() -> std::io::Result<()>) {
    let bar = bar(name, count as u64);
    let (before, began) = (memory(), Instant::now());
    let (mut alive, mut end) = (0, Ok(()));
    DOOR.add(1);
    while alive < count {
        ARRIVED.add(1);
        end = start();
        if end.is_err() {
            ARRIVED.done();
            break;
        }
        alive += 1;
        if alive.is_multiple_of(10_000) {
            ARRIVED.wait();
            bar.set_position(alive as u64);
        }
    }
    ARRIVED.wait();
    let (starting, now) = (began.elapsed(), memory());
    bar.finish();
    let began = Instant::now();
    LEFT.add(alive as isize);
    DOOR.done();
    LEFT.wait();
    let time = |all: Duration| format!("{:.2?}", all / alive as u32);
    let space = |i: usize| HumanBytes((now[i] - before[i]) * 1024 / alive as u64).to_string();
    let [start, finish] = [starting, began.elapsed()].map(time);
    let [resident, tables] = [0, 1].map(space);
    let alive = HumanCount(alive as u64).to_string();
    let end = end.map_or_else(|error| error.to_string(), |()| "all started".into());
    println!("{name} {alive:>10} {start:>9} {finish:>9} {resident:>10} {tables:>12}  {end}");
}

/// Resident memory and page tables of this process, in KiB.
fn memory() -> [u64; 2] {
    ["VmRSS:", "VmPTE:"].map(|key| kib("/proc/self/status", key))
}

fn kib(file: &str, key: &str) -> u64 {
    let text = std::fs::read_to_string(file).expect("Linux has /proc");
    let mut words = text.split_whitespace().skip_while(|&word| word != key);
    words.nth(1).expect(key).parse().expect("a number of KiB")
}

fn main() {
    let mut args = Args::parse();
    let fits = kib("/proc/meminfo", "MemAvailable:") as usize / 5;
    if args.count > fits {
        println!("memory is free for {fits} goroutines only");
        args.count = fits;
    }
    println!("each:           alive     start    finish     memory  page tables");
    let goroutine = || {
        gosched::go(task);
        Ok(())
    };
    // SAFETY: no value that is tied to an OS thread lives across a wait.
    unsafe { gosched::run(|| crowd("goroutines", args.count, goroutine)) };
    let thread = || std::thread::Builder::new().spawn(task).map(drop);
    crowd("OS threads", args.threads, thread);
}

// $ cargo run --release --example million -- --count 20000 --threads 500
// each:           alive     start    finish     memory  page tables
// goroutines     20,000 ... all started
// OS threads        500 ... all started

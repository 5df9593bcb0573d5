//! The kinds of work: each function does one small piece, checks the result, and leaves nothing
//! behind. None is inlined, so that no address of a thread-local outlives a suspension, and
//! none suspends but at its end.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hint::black_box;
use std::io::{Read, Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Condvar, Mutex, mpsc};
use std::time::Duration;

/// Who does it, and how often it has been done before.
type Unit = fn(u64, u64);

pub(crate) const UNITS: &[(&str, Unit)] = &[
    ("malloc", malloc),
    ("println", print),
    ("std Mutex", mutex),
    ("Condvar", condvar),
    ("mpsc", channel),
    ("HashMap", map),
    ("thread_local", local),
    ("f64", float),
    ("AVX2", vector),
    ("files", file),
    ("processes", process),
    ("std threads", thread),
    ("panics", panic),
    ("recursion", recursion),
    ("goroutines", goroutines),
];

fn mix(mut x: u64) -> u64 {
    x ^= x >> 30;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 27;
    x = x.wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[inline(never)]
fn malloc(who: u64, round: u64) {
    let mut all = Vec::new();
    for i in 0..20 {
        let r = mix(who << 32 | round << 8 | i);
        all.push((r as u8, vec![r as u8; r as usize % 20_000]));
    }
    for (byte, bytes) in &mut all {
        assert!(bytes.iter().all(|b| b == byte), "a block was overwritten");
        bytes.shrink_to(100);
    }
}

/// A line with its own checksum.
#[inline(never)]
fn print(who: u64, round: u64) {
    let text = "x".repeat((mix(round) % 150) as usize);
    println!("line {who} {round} {text} {}", mix(who ^ round << 8));
    std::thread::sleep(Duration::from_micros(500)); // no need for gigabytes
}

/// How many lines there are, each of them whole, and each printer's in order.
pub(crate) fn check_lines(output: &str) -> Result<usize, String> {
    let mut next: HashMap<u64, u64> = HashMap::new();
    let mut count = 0;
    for line in output.lines().filter(|l| l.starts_with("line ")) {
        let bad = || format!("a line was torn: {line:?}");
        let mut words = line.split(' ').skip(1);
        let mut number = || words.next().and_then(|w| w.parse::<u64>().ok());
        let (who, round) = (number().ok_or_else(bad)?, number().ok_or_else(bad)?);
        let text = words.next().ok_or_else(bad)?;
        let sum = words.next().and_then(|w| w.parse().ok());
        let whole = text.len() as u64 == mix(round) % 150 && text.bytes().all(|b| b == b'x');
        if !whole || sum != Some(mix(who ^ round << 8)) {
            return Err(bad());
        }
        let expected = next.entry(who).or_default();
        if round != *expected {
            return Err(format!("line {round} of {who} instead of {expected}"));
        }
        *expected += 1;
        count += 1;
    }
    let strays = |l: &&str| l.contains("line ") && !l.starts_with("line ");
    match output.lines().find(strays) {
        Some(stray) => Err(format!("a line in a line: {stray:?}")),
        None => Ok(count),
    }
}

#[inline(never)]
fn mutex(_: u64, round: u64) {
    static PAIR: Mutex<(u64, u64)> = Mutex::new((0, 0));
    for _ in 0..100 {
        let mut pair = PAIR.lock().unwrap();
        assert_eq!(pair.0, pair.1, "two were inside");
        pair.0 += 1;
        black_box(mix(round));
        pair.1 += 1;
    }
}

/// A turnstile: it opens when all have come, for all.
#[inline(never)]
fn condvar(_: u64, _: u64) {
    static GATE: (Mutex<u64>, Condvar) = (Mutex::new(0), Condvar::new());
    let mut count = GATE.0.lock().unwrap();
    *count += 1;
    if (*count).is_multiple_of(2) {
        GATE.1.notify_all();
    } else {
        let mine = *count;
        // The other one may have gone home: do not wait for ever.
        let patience = Duration::from_millis(20);
        let waiting = |count: &mut u64| *count == mine;
        let (count, _) = GATE.1.wait_timeout_while(count, patience, waiting).unwrap();
        assert!(*count >= mine);
    }
}

#[inline(never)]
fn channel(who: u64, round: u64) {
    let (there, from_here) = mpsc::sync_channel(2);
    let (back, from_there) = mpsc::channel();
    let echo = gosched::thread::spawn(move || {
        for x in from_here {
            if back.send(mix(x)).is_err() {
                return;
            }
        }
    });
    for i in 0..10 {
        let x = who << 32 | round << 8 | i;
        there.send(x).unwrap();
        assert_eq!(from_there.recv().unwrap(), mix(x));
    }
    drop(there);
    echo.join().unwrap();
}

#[inline(never)]
fn map(who: u64, round: u64) {
    let mut map = HashMap::new();
    for i in 0..200 {
        map.insert(mix(i), format!("{who} {round} {i}"));
    }
    for i in 0..200 {
        assert_eq!(map[&mix(i)], format!("{who} {round} {i}"));
    }
}

#[inline(never)]
fn local(_: u64, round: u64) {
    thread_local! {
        static COUNT: Cell<u64> = const { Cell::new(0) };
        static TEXT: RefCell<String> = const { RefCell::new(String::new()) };
    }
    for _ in 0..50 {
        let before = COUNT.get();
        black_box((0..100).fold(round, |x, _| mix(x)));
        COUNT.set(before + 1);
        assert_eq!(
            COUNT.get(),
            before + 1,
            "another goroutine was on this thread"
        );
        TEXT.with_borrow_mut(|text| {
            text.clear();
            for _ in 0..20 {
                text.push('x');
                black_box(mix(round));
            }
            assert_eq!(text.len(), 20);
        });
    }
}

fn orbit(start: f64) -> f64 {
    let mut x = black_box(start);
    let mut sum = 0.0;
    for _ in 0..5_000 {
        x = 3.99 * x * (1.0 - x);
        sum += x.sqrt() * (1.0 + x).ln();
    }
    sum
}

#[inline(never)]
fn float(who: u64, _: u64) {
    let start = 0.1 + who as f64 / 100.0;
    let (one, two) = (orbit(start), orbit(start));
    assert_eq!(one.to_bits(), two.to_bits(), "a register was lost");
}

#[cfg(target_arch = "x86_64")]
#[inline(never)]
fn vector(who: u64, round: u64) {
    if !is_x86_feature_detected!("avx2") {
        return;
    }
    let start: [u32; 8] =
        std::array::from_fn(|i| mix(who << 32 | round << 8 | i as u64) as u32);
    // SAFETY: the processor has it.
    let fast = unsafe { steps_avx2(start) };
    assert_eq!(fast, steps(start), "a vector register was lost");
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(never)]
fn vector(who: u64, round: u64) {
    let start: [u32; 8] =
        std::array::from_fn(|i| mix(who << 32 | round << 8 | i as u64) as u32);
    assert_eq!(steps(start), steps(start));
}

const STEPS: u32 = 5_000;

#[inline(never)]
fn steps(mut x: [u32; 8]) -> [u32; 8] {
    for _ in 0..STEPS {
        for lane in &mut x {
            *lane ^= *lane << 13;
            *lane ^= *lane >> 17;
            *lane ^= *lane << 5;
        }
    }
    x
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn steps_avx2(start: [u32; 8]) -> [u32; 8] {
    use std::arch::x86_64::{_mm256_slli_epi32, _mm256_srli_epi32, _mm256_xor_si256};
    // SAFETY: the same 32 bytes.
    let mut x: std::arch::x86_64::__m256i = unsafe { std::mem::transmute(start) };
    for _ in 0..STEPS {
        x = _mm256_xor_si256(x, _mm256_slli_epi32::<13>(x));
        x = _mm256_xor_si256(x, _mm256_srli_epi32::<17>(x));
        x = _mm256_xor_si256(x, _mm256_slli_epi32::<5>(x));
    }
    // SAFETY: the same 32 bytes.
    unsafe { std::mem::transmute(x) }
}

#[inline(never)]
fn file(who: u64, round: u64) {
    let name = format!("gosched-torture-{}-{who}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let text = format!("{who} {round}\n").repeat(100);
    let mut file = std::fs::File::options()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .open(&path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.rewind().unwrap();
    let mut back = String::new();
    file.read_to_string(&mut back).unwrap();
    assert_eq!(back, text);
    std::fs::remove_file(path).unwrap();
}

#[inline(never)]
fn process(who: u64, round: u64) {
    let text = format!("{who} {round}");
    let output = Command::new("echo").arg(&text).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), text);
    std::thread::sleep(Duration::from_millis(10));
}

#[inline(never)]
fn thread(who: u64, round: u64) {
    let handle = std::thread::spawn(move || mix(who << 32 | round));
    assert_eq!(handle.join().unwrap(), mix(who << 32 | round));
}

#[inline(never)]
fn panic(who: u64, round: u64) {
    struct CountsDown<'a>(&'a AtomicU64);
    impl Drop for CountsDown<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Relaxed);
        }
    }
    fn deep(n: u64, left: &AtomicU64, payload: u64) -> u64 {
        left.fetch_add(1, Relaxed);
        let _guard = CountsDown(left);
        if n == 0 {
            std::panic::resume_unwind(Box::new(payload));
        }
        deep(n - 1, left, payload) + 1
    }
    let left = AtomicU64::new(0);
    let payload = mix(who << 32 | round);
    let caught = catch_unwind(AssertUnwindSafe(|| deep(30, &left, payload)));
    assert_eq!(*caught.unwrap_err().downcast::<u64>().unwrap(), payload);
    assert_eq!(left.load(Relaxed), 0, "a destructor was left out");
    assert!(!std::thread::panicking());
    if round.is_multiple_of(50) {
        let caught = catch_unwind(|| panic!("on purpose {who}"));
        let text = caught.unwrap_err().downcast::<String>().unwrap();
        assert_eq!(*text, format!("on purpose {who}"));
    }
}

#[inline(never)]
fn recursion(who: u64, round: u64) {
    #[inline(never)]
    fn down(n: u64, seed: u64) -> u64 {
        let mine: [u64; 8] = std::array::from_fn(|i| mix(seed ^ i as u64));
        let below = if n == 0 { 0 } else { down(n - 1, seed + 1) };
        let sum = black_box(mine)
            .iter()
            .fold(0, |a: u64, b| a.wrapping_add(*b));
        let again = (0..8).fold(0, |a: u64, i| a.wrapping_add(mix(seed ^ i)));
        assert_eq!(sum, again, "the stack was overwritten");
        below.wrapping_add(sum)
    }
    black_box(down(500, who << 32 | round));
}

/// The runtime's own things, in between.
#[inline(never)]
fn goroutines(who: u64, round: u64) {
    let (send, receive) = gosched::channel::bounded(3);
    let all: Vec<_> = (0..5u64)
        .map(|i| {
            let send = send.clone();
            gosched::thread::spawn(move || send.send(mix(who + round + i)).unwrap())
        })
        .collect();
    drop(send);
    let sum = receive.iter().fold(0, |a: u64, b| a.wrapping_add(b));
    let expected = (0..5).fold(0, |a: u64, i| a.wrapping_add(mix(who + round + i)));
    assert_eq!(sum, expected);
    all.into_iter().for_each(|h| h.join().unwrap());
}

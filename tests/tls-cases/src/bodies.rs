//! Realistic goroutine bodies: how often does the guard keep one on its thread?
//!
//! Each body runs in four goroutines at two Ps, until some thousand of its suspensions ended
//! on another thread or were kept from it. What it computes must be what it computes without
//! suspensions.
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gosched::channel::{bounded, unbounded};
use gosched::sync::{Condvar, Mutex, RwLock, Semaphore, WaitGroup};
use gosched::thread::{scope, sleep, spawn, yield_now};

type Body = (&'static str, fn(&dyn Fn()) -> u64);

/// Scans to see of each body, and the longest that it may take.
const SCANS: u64 = 1000;
const LONGEST: Duration = Duration::from_secs(3);

const WORDS: &str = "the quick brown fox jumps over the lazy dog and the cat sat on the mat";
const JSON: &str = r#"{"name":"gosched","tags":["go","rust"],"n":[1,2,3,4.5],"deep":{"x":null}}"#;

/// A reader that suspends before each piece.
struct Slow<'a>(&'a [u8], &'a dyn Fn());

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        (self.1)();
        let n = out.len().min(16);
        self.0.read(&mut out[..n])
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Record {
    id: u32,
    name: String,
    tags: Vec<String>,
    weight: f64,
}

fn record(id: u32) -> Record {
    Record { id, name: format!("r{id}"), tags: vec!["a".into(), "b".into()], weight: 0.5 }
}

thread_local! {
    static COUNTER: Cell<u64> = const { Cell::new(0) };
    static SEED: Cell<u64> = const { Cell::new(0x9e37_79b9) };
    static SCRATCH: RefCell<String> = const { RefCell::new(String::new()) };
}

gosched::goroutine_local! {
    static MINE: Cell<u64> = const { Cell::new(0) };
}

fn fib(n: u64, s: &dyn Fn()) -> u64 {
    if n < 2 {
        if n == 1 {
            s();
        }
        return n;
    }
    fib(n - 1, s) + fib(n - 2, s)
}

/// A generator as the rand crate has: its state is the thread's, used and left in one call.
fn random() -> u64 {
    SEED.with(|seed| {
        let mut x = seed.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        seed.set(x);
        x
    })
}

macro_rules! bodies {
    ($($name:ident($s:ident) $body:block)*) => {
        $(#[inline(never)] fn $name($s: &dyn Fn()) -> u64 $body)*
        const BODIES: &[Body] = &[$((stringify!($name), $name),)*];
    };
}

bodies! {
    arithmetic(s) { (0..40u64).fold(1, |a, i| { s(); a.wrapping_mul(31) ^ i }) }
    recursion(s) { fib(8, s) }
    sort_with_suspending_comparison(s) {
        let mut v: Vec<u64> = (0..24).map(|i| i * 7919 % 101).collect();
        v.sort_by(|a, b| { s(); a.cmp(b) });
        v.iter().enumerate().map(|(i, x)| i as u64 * x).sum()
    }
    iterator_chain(s) {
        let v: Vec<u64> = (0..60).filter(|i| i % 3 == 0).map(|i| { s(); i * i }).collect();
        v.into_iter().sum()
    }
    strings(s) {
        let mut text = String::new();
        for word in WORDS.split(' ') { s(); text.push_str(word); text = text.to_uppercase(); }
        text.len() as u64
    }
    format(s) {
        let mut text = String::new();
        for i in 0..20 { s(); write!(text, "{i:>5} {:?} {:.3}", "x", f64::from(i)).unwrap(); }
        text.len() as u64
    }
    print(s) {
        for i in 0..20 { s(); print!("{}", if i > 100 { "!" } else { "" }); }
        std::io::stdout().flush().unwrap();
        20
    }
    hash_map(s) {
        let mut counts = HashMap::new();
        for word in WORDS.split(' ') { s(); *counts.entry(word).or_insert(0u64) += 1; }
        counts.values().map(|n| n * n).sum()
    }
    many_hash_maps(s) {
        (0..20).map(|i| {
            let mut map = HashMap::new();
            map.insert(i, 1u64);
            s();
            map[&i]
        }).sum()
    }
    b_tree_map(s) {
        let mut counts = BTreeMap::new();
        for word in WORDS.split(' ') { s(); *counts.entry(word).or_insert(0u64) += 1; }
        counts.into_values().map(|n| n * n).sum()
    }
    boxed_closures(s) {
        let all: Vec<Box<dyn Fn(u64) -> u64 + '_>> =
            (0..10u64).map(|i| Box::new(move |x| { s(); x + i }) as _).collect();
        all.iter().fold(0, |x, f| f(x))
    }
    local_rc_graph(s) {
        let nodes: Vec<_> = (0..10u64).map(|i| std::rc::Rc::new(RefCell::new(i))).collect();
        for pair in nodes.windows(2) { s(); *pair[1].borrow_mut() += *pair[0].borrow(); }
        let last = *nodes[9].borrow();
        last
    }
    buffer_on_the_stack(s) {
        let mut buffer = [0u8; 4096];
        for i in 0..20usize { s(); buffer[i * 200] = i as u8; }
        buffer.iter().map(|&b| u64::from(b)).sum()
    }
    channel_ping_pong(_s) {
        let (to, from) = (bounded(0), bounded(0));
        let (their_from, their_to) = (to.1.clone(), from.0.clone());
        let h = spawn(move || while let Ok(x) = their_from.recv() {
            if their_to.send(x + 1).is_err() { break; }
        });
        let mut x = 0u64;
        for _ in 0..20 { to.0.send(x).unwrap(); x = from.1.recv().unwrap(); }
        drop(to);
        h.join().unwrap();
        x
    }
    channel_pipeline(_s) {
        let (first, mut last) = bounded(1);
        let mut stages = vec![];
        for _ in 0..4 {
            let (tx, rx) = bounded(1);
            let before = std::mem::replace(&mut last, rx);
            stages.push(spawn(move || for x in before { tx.send(x + 1u64).unwrap(); }));
        }
        stages.push(spawn(move || (0..20).for_each(|i| first.send(i).unwrap())));
        let sum = last.iter().sum();
        stages.into_iter().for_each(|h| h.join().unwrap());
        sum
    }
    channel_fan_in(_s) {
        let (tx, rx) = unbounded();
        for i in 0..4u64 {
            let tx = tx.clone();
            gosched::go(move || for j in 0..5 { tx.send(i * j).unwrap(); yield_now(); });
        }
        drop(tx);
        rx.iter().sum()
    }
    select(_s) {
        let (a, b) = (bounded(0), bounded(0));
        let (ta, tb) = (a.0, b.0);
        gosched::go(move || for i in 0..10u64 { ta.send(i).unwrap(); });
        gosched::go(move || for i in 0..10u64 { tb.send(i * 10).unwrap(); });
        let mut sum = 0;
        for _ in 0..20 {
            gosched::channel::select! {
                recv(a.1) -> x => sum += x.unwrap_or(0),
                recv(b.1) -> x => sum += x.unwrap_or(0),
            }
            if sum == 45 + 450 { break; }
        }
        while let Ok(x) = a.1.recv() { sum += x; }
        while let Ok(x) = b.1.recv() { sum += x; }
        sum
    }
    mutex(s) {
        let shared = Arc::new(Mutex::new(0u64));
        let hs: Vec<_> = (0..4).map(|_| {
            let shared = Arc::clone(&shared);
            spawn(move || for _ in 0..5 {
                let mut n = shared.lock().unwrap();
                yield_now();
                *n += 1;
            })
        }).collect();
        s();
        hs.into_iter().for_each(|h| h.join().unwrap());
        let n = *shared.lock().unwrap();
        n
    }
    rw_lock(s) {
        let shared = Arc::new(RwLock::new(0u64));
        let hs: Vec<_> = (0..4).map(|_| {
            let shared = Arc::clone(&shared);
            spawn(move || for _ in 0..5 {
                *shared.write().unwrap() += 1;
                let n = shared.read().unwrap();
                yield_now();
                drop(n);
            })
        }).collect();
        s();
        hs.into_iter().for_each(|h| h.join().unwrap());
        let n = *shared.read().unwrap();
        n
    }
    condvar(_s) {
        let pair = Arc::new((Mutex::new(0u64), Condvar::new()));
        let theirs = Arc::clone(&pair);
        let h = spawn(move || for _ in 0..10 {
            *theirs.0.lock().unwrap() += 1;
            theirs.1.notify_one();
            yield_now();
        });
        let mut n = pair.0.lock().unwrap();
        while *n < 10 { n = pair.1.wait(n).unwrap(); }
        drop(n);
        h.join().unwrap();
        10
    }
    wait_group(_s) {
        let wg = Arc::new(WaitGroup::new());
        for _ in 0..10 {
            wg.add(1);
            let wg = Arc::clone(&wg);
            gosched::go(move || { yield_now(); wg.done(); });
        }
        wg.wait();
        10
    }
    semaphore(_s) {
        let sem = Arc::new(Semaphore::new(2));
        let hs: Vec<_> = (0..6).map(|_| {
            let sem = Arc::clone(&sem);
            spawn(move || { sem.acquire(1); yield_now(); sem.release(1); 1u64 })
        }).collect();
        hs.into_iter().map(|h| h.join().unwrap()).sum()
    }
    sleeps(_s) { (0..5).map(|_| { sleep(Duration::from_micros(50)); 1u64 }).sum() }
    spawn_and_join(_s) {
        (0..10u64).map(|i| spawn(move || { yield_now(); i }).join().unwrap()).sum()
    }
    scoped(s) {
        let mut parts = [0u64; 4];
        scope(|sc| for (i, p) in parts.iter_mut().enumerate() {
            sc.spawn(move || { yield_now(); *p = i as u64; });
        });
        s();
        parts.iter().sum()
    }
    json_parse(s) {
        (0..10).map(|_| {
            let v: serde_json::Value = serde_json::from_str(JSON).unwrap();
            s();
            v["n"][1].as_u64().unwrap()
        }).sum()
    }
    json_write(s) {
        (0..10).map(|i| {
            let text = serde_json::to_string(&record(i)).unwrap();
            s();
            text.len() as u64
        }).sum()
    }
    json_from_a_slow_reader(s) {
        let v: serde_json::Value = serde_json::from_reader(Slow(JSON.as_bytes(), s)).unwrap();
        v["tags"].as_array().unwrap().len() as u64
    }
    json_round_trip(s) {
        (0..10).map(|i| {
            let text = serde_json::to_vec(&record(i)).unwrap();
            s();
            let back: Record = serde_json::from_reader(Slow(&text, s)).unwrap();
            u64::from(back.id) + back.name.len() as u64 + back.tags.len() as u64
                + back.weight as u64
        }).sum()
    }
    regex_new(s) {
        (0..4).map(|_| {
            let re = regex::Regex::new(r"(\w+) (\w+)").unwrap();
            s();
            re.captures_iter(WORDS).map(|c| { s(); c[1].len() as u64 }).sum::<u64>()
        }).sum()
    }
    regex_shared(s) {
        static RE: std::sync::LazyLock<regex::Regex> =
            std::sync::LazyLock::new(|| regex::Regex::new(r"\b\w{3}\b").unwrap());
        RE.find_iter(WORDS).map(|m| { s(); m.start() as u64 }).sum()
    }
    tracing_events(s) {
        for i in 0..20 { tracing::info!(i, "event"); s(); }
        20
    }
    tracing_span_entered_in_pieces(s) {
        let span = tracing::info_span!("work", n = 3);
        for i in 0..10 { span.in_scope(|| tracing::info!(i, "inside")); s(); }
        10
    }
    lines_of_a_slow_reader(s) {
        let text = WORDS.replace(' ', "\n");
        let reader = BufReader::with_capacity(32, Slow(text.as_bytes(), s));
        reader.lines().map(|l| l.unwrap().len() as u64).sum()
    }
    http_request(s) {
        let text = "GET /index.html HTTP/1.1\r\nHost: x\r\nAccept: */*\r\nContent-Length: 5\r\n\r\nhello";
        let mut reader = BufReader::with_capacity(32, Slow(text.as_bytes(), s));
        let mut headers = HashMap::new();
        let mut line = String::new();
        loop {
            line.clear();
            reader.read_line(&mut line).unwrap();
            match line.trim_end().split_once(": ") {
                Some((k, v)) => { headers.insert(k.to_string(), v.to_string()); }
                None if line == "\r\n" => break,
                None => (),
            }
        }
        let mut body = vec![0; headers["Content-Length"].parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        s();
        (reply.len() + headers.len()) as u64
    }
    files(s) {
        (0..5).map(|_| {
            let text = std::fs::read_to_string("/proc/self/stat").unwrap();
            s();
            u64::from(text.contains("tls-cases"))
        }).sum()
    }
    failing_files(s) {
        (0..5).map(|_| {
            let error = std::fs::read("/no/such/file").unwrap_err();
            s();
            error.raw_os_error().unwrap() as u64
        }).sum()
    }
    environment(s) {
        (0..10).map(|_| { s(); u64::from(std::env::var("PATH").is_ok()) }).sum()
    }
    clock(s) {
        let start = Instant::now();
        (0..10).map(|_| { s(); u64::from(start.elapsed() < Duration::from_secs(1000)) }).sum()
    }
    std_mutex(s) {
        let shared = std::sync::Mutex::new(0u64);
        for _ in 0..20 { *shared.lock().unwrap() += 1; s(); }
        shared.into_inner().unwrap()
    }
    std_once(s) {
        static ONCE: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
        (0..20).map(|_| { s(); *ONCE.get_or_init(|| 3) }).sum()
    }
    catch_unwind(s) {
        (0..10u64).map(|i| std::panic::catch_unwind(AssertUnwindSafe(|| { s_call(s); i })).unwrap()).sum()
    }
    caught_panics(s) {
        (0..5u64).map(|i| {
            let caught = std::panic::catch_unwind(AssertUnwindSafe(|| {
                s_call(s);
                std::panic::resume_unwind(Box::new(i))
            }));
            let i = *caught.unwrap_err().downcast::<u64>().unwrap();
            s();
            i
        }).sum()
    }
    goroutine_locals(s) {
        MINE.set(0);
        for _ in 0..20 { s(); MINE.set(MINE.get() + 1); }
        MINE.get()
    }
    thread_local_counter(s) {
        for _ in 0..20 { COUNTER.set(COUNTER.get() + 1); s(); }
        20
    }
    thread_local_random(s) {
        (0..20).map(|_| { s(); u64::from(random() != 0) }).sum()
    }
    thread_local_scratch(s) {
        (0..20).map(|i| {
            s();
            SCRATCH.with_borrow_mut(|t| { t.clear(); write!(t, "{i}").unwrap(); t.len() as u64 })
        }).sum()
    }
}

fn s_call(s: &dyn Fn()) {
    s();
}

/// Scans and pins of one body, and how many of its runs took how long.
fn measure(body: fn(&dyn Fn()) -> u64) -> (u64, u64, u64, Duration) {
    let wanted = body(&|| ());
    let before = gosched::metrics();
    let start = Instant::now();
    let mut runs = 0;
    loop {
        let all: Vec<_> = (0..4)
            .map(|_| spawn(move || assert_eq!(body(&|| yield_now()), wanted)))
            .collect();
        all.into_iter().for_each(|h| h.join().unwrap());
        runs += 4;
        let now = gosched::metrics();
        let scans = now.tls_scans - before.tls_scans;
        if scans >= SCANS || start.elapsed() > LONGEST {
            return (scans, now.tls_pins - before.tls_pins, runs, start.elapsed());
        }
    }
}

pub fn all() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::sink).init();
    // SAFETY: nothing that is tied to a thread is alive across a suspension.
    unsafe { super::builder(true).run(|| {
        println!("| body | moves asked for | kept | of 100 |\n|---|---|---|---|");
        let (mut never, mut asked, mut kept) = (0, 0, 0);
        for (name, body) in BODIES {
            let (scans, pins, _, _) = measure(*body);
            never += u32::from(pins == 0);
            asked += scans;
            kept += pins;
            let share = pins as f64 * 100.0 / scans.max(1) as f64;
            println!("| {name} | {scans} | {pins} | {share:.1} |");
        }
        println!("{never} of {} bodies never kept, {asked} moves, {kept} kept", BODIES.len());
    }) };
    ExitCode::SUCCESS
}

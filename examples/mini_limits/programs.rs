//! The programs. Compiled twice: `super` is `on_mini.rs` or `on_gosched.rs`.

use std::cell::Cell;
use std::hint::{black_box, spin_loop};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::{Receiver, Sender, bounded, each, go, sleep, spawn, yield_now};

/// In the order of `limits.rs`.
pub(crate) const PROGRAMS: [fn(); 8] = [
    endless_loop,
    blocking_call,
    thread_local,
    many_stacks,
    deep_recursion,
    lost_slice,
    sleeping_timers,
    foreign_thread,
];

/// One P; a goroutine that never gives way. Does main come back?
fn endless_loop() {
    go(|| {
        loop {
            spin_loop();
        }
    });
    yield_now();
    println!("main goes on");
}

/// One P; a goroutine waits in the kernel for what another one will do.
fn blocking_call() {
    let (to, from) = std::sync::mpsc::channel();
    let other = spawn(move || to.send(42).unwrap());
    let blocked = spawn(move || from.recv().unwrap()); // started last, so it runs first
    other.join().unwrap();
    println!("{} has come", blocked.join().unwrap());
}

/// Two Ps; a goroutine yields while it holds a reference to a thread-local.
fn thread_local() {
    thread_local!(static MINE: Cell<u64> = const { Cell::new(0) });
    #[inline(never)] // else the compiler thinks that it has the address already
    fn here() -> *const Cell<u64> {
        MINE.with(|mine| black_box(std::ptr::from_ref(mine)))
    }
    let back = Arc::new(AtomicBool::new(false));
    let occupied = Arc::clone(&back);
    let moved = spawn(move || {
        MINE.with(|mine| {
            let mine = black_box(mine);
            // This P gets something to do, so that another one takes the rest of us.
            go(move || {
                let end = Instant::now() + Duration::from_secs(1);
                while !occupied.load(Relaxed) && Instant::now() < end {
                    spin_loop();
                }
            });
            yield_now();
            back.store(true, Relaxed);
            !std::ptr::eq(here(), black_box(mine))
        })
    });
    let whose = ["its own", "another"][usize::from(moved.join().unwrap())];
    println!("uses the Cell of {whose} thread");
}

/// Many goroutines that all wait at once.
fn many_stacks() {
    const MANY: usize = 40_000;
    let arrived = Arc::new(AtomicUsize::new(0));
    let (door, closed) = bounded::<()>(0);
    let all: Vec<_> = (0..MANY)
        .map(|_| {
            let (arrived, closed) = (Arc::clone(&arrived), closed.clone());
            spawn(move || {
                arrived.fetch_add(1, Relaxed);
                each(&closed).count()
            })
        })
        .collect();
    while arrived.load(Relaxed) < MANY {
        yield_now();
    }
    drop(door);
    all.into_iter()
        .for_each(|one| assert_eq!(one.join().unwrap(), 0));
    println!("{MANY} waited at once");
}

/// More stack than a goroutine has.
fn deep_recursion() {
    fn down(depth: u64) -> u64 {
        let frame = black_box([depth; 128]);
        match depth {
            0 => 0,
            _ => down(depth - 1) + frame[127] % 2,
        }
    }
    println!("{}", spawn(|| down(100_000)).join().unwrap());
}

/// One P; two goroutines that hand a message to and fro are always next. When is it the third's turn?
fn lost_slice() {
    let had_its_turn = Arc::new(AtomicBool::new(false));
    let ((ping, to_pong), (pong, to_ping)) = (bounded(0), bounded(0));
    let third = Arc::clone(&had_its_turn);
    go(move || third.store(true, Relaxed));
    let hand_on =
        |from: Receiver<()>, to: Sender<()>| each(&from).for_each(|()| to.send(()).unwrap());
    go(move || hand_on(to_pong, pong));
    while !had_its_turn.load(Relaxed) {
        ping.send(()).unwrap();
        each(&to_ping).next().unwrap();
    }
    println!("the third had its turn");
}

/// One P; forty goroutines sleep for 50 ms. How long is that?
fn sleeping_timers() {
    const NAP: Duration = Duration::from_millis(50);
    let began = Instant::now();
    let all: Vec<_> = (0..40).map(|_| spawn(|| sleep(NAP))).collect();
    all.into_iter().for_each(|one| one.join().unwrap());
    let how = match began.elapsed() {
        long if long >= 40 * NAP => "one after the other",
        _ => "all at once",
    };
    println!("40 sleep {how}");
}

/// All goroutines are asleep; but a plain thread is about to send what main waits for.
fn foreign_thread() {
    let (to, from) = bounded(1);
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        to.send(7).unwrap();
    });
    println!("{} has come", each(&from).next().unwrap());
    thread.join().unwrap();
}

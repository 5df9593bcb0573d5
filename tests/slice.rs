//! A time slice that is over counts at the next way out of the runtime, whoever has inherited it:
//! goroutines that wake each other in turns starve nobody, also without signals, at one P. Each
//! program is a child's; it ends when a bystander has had some turns.
//!
//! Go: with asyncpreemptoff, TestPreemption's and TestGoroutineParallelism's kind of loops.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door; signal masks")]

mod support;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use gosched::channel::bounded;
use gosched::sync::{Condvar, Mutex, Semaphore};
use gosched::thread::{current, park, spawn, yield_now};
use support::child;

const LONG: Duration = Duration::from_secs(100);
const ENOUGH: u32 = 5;

static TURNS: AtomicU32 = AtomicU32::new(0);

/// The pairs go on until the bystander has had its turns.
fn go_on() -> bool {
    TURNS.load(Relaxed) < ENOUGH
}

/// Runs `pair` beside a bystander, after `each` in each goroutine, and says how it ended.
fn beside_a_bystander(pair: fn(fn()), each: fn()) {
    let bystander = spawn(|| {
        while go_on() {
            TURNS.fetch_add(1, Relaxed);
            yield_now();
        }
    });
    pair(each);
    bystander.join().unwrap();
    println!("it had its turns");
}

fn over_channels(each: fn()) {
    let ((ping, pinged), (pong, ponged)) = (bounded(0), bounded(0));
    let other = spawn(move || {
        each();
        while pinged.recv().is_ok() && pong.send(()).is_ok() {}
    });
    each();
    while go_on() {
        ping.send(()).unwrap();
        ponged.recv().unwrap();
    }
    drop(ping);
    other.join().unwrap();
}

fn by_tokens(each: fn()) {
    let me = current();
    let other = spawn(move || {
        each();
        while go_on() {
            me.unpark();
            park();
        }
        me.unpark();
    });
    each();
    while go_on() {
        other.thread().unpark();
        park();
    }
    other.thread().unpark();
    other.join().unwrap();
}

fn by_a_condition(each: fn()) {
    let shared = Arc::new((Mutex::new(0_u32), Condvar::new()));
    let theirs = Arc::clone(&shared);
    let play = move |shared: &(Mutex<u32>, Condvar), mine: u32| {
        each();
        let mut turn = shared.0.lock().unwrap();
        while go_on() {
            *turn += 1;
            shared.1.notify_one();
            while *turn % 2 == mine && go_on() {
                turn = shared.1.wait(turn).unwrap();
            }
        }
        shared.1.notify_one();
    };
    let other = spawn(move || play(&theirs, 0));
    play(&shared, 1);
    other.join().unwrap();
}

fn by_semaphores(each: fn()) {
    let both = Arc::new([Semaphore::new(9), Semaphore::new(9)]);
    both.iter().for_each(|s| s.acquire(9));
    let theirs = Arc::clone(&both);
    let other = spawn(move || {
        each();
        while go_on() {
            theirs[0].release(1);
            theirs[1].acquire(1);
        }
        theirs[0].release(1);
    });
    each();
    while go_on() {
        both[0].acquire(1);
        both[1].release(1);
    }
    both[1].release(1);
    other.join().unwrap();
}

/// Not a pair, and never a wait: stops at the door.
fn by_tries(each: fn()) {
    let (sender, receiver) = bounded(1);
    each();
    while go_on() {
        let _ = sender.try_send(());
        let _ = receiver.try_recv();
    }
}

/// A timer is what waits, and nothing else.
fn beside_a_sleeper(each: fn()) {
    while go_on() {
        let sleeper = spawn(|| gosched::thread::sleep(Duration::from_millis(1)));
        let ((ping, pinged), (pong, ponged)) = (bounded(0), bounded(0));
        let other = spawn(move || {
            each();
            while pinged.recv().is_ok() && pong.send(()).is_ok() {}
        });
        each();
        while !sleeper.is_finished() {
            ping.send(()).unwrap();
            ponged.recv().unwrap();
        }
        drop(ping);
        other.join().unwrap();
        TURNS.fetch_add(1, Relaxed);
    }
}

fn block_urgent() {
    // SAFETY: all zero is a valid set.
    let mut set = unsafe { std::mem::zeroed::<libc::sigset_t>() };
    // SAFETY: a set of ours.
    let added = unsafe { libc::sigaddset(&raw mut set, libc::SIGURG) };
    // SAFETY: as above.
    let done =
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
    assert_eq!((added, done), (0, 0));
}

/// Its name, and what runs beside the bystander, with what each goroutine does first.
type Pair = (&'static str, fn(fn()));

const PAIRS: &[Pair] = &[
    ("channels", over_channels),
    ("tokens", by_tokens),
    ("condition", by_a_condition),
    ("semaphores", by_semaphores),
    ("tries", by_tries),
    ("sleeper", beside_a_sleeper),
];

fn in_the_child(role: &str) {
    let (how, name) = role.split_once(' ').unwrap();
    let (_, pair) = *PAIRS.iter().find(|(pair, _)| *pair == name).unwrap();
    let builder = gosched::Builder::new().procs(1);
    let (builder, each): (_, fn()) = match how {
        "off" => (builder.async_preempt(false), || ()),
        "blocked" => (builder, block_urgent),
        _ => (builder, || ()),
    };
    // SAFETY: nothing in there is tied to a thread; the mask may be any thread's.
    unsafe { builder.run(|| beside_a_bystander(pair, each)) };
}

#[track_caller]
fn nobody_starves(test: &str, how: &str) {
    if let Some(role) = child::role() {
        return in_the_child(&role);
    }
    for (name, _) in PAIRS {
        let ended = child::run(&mut child::again(test, &format!("{how} {name}")), LONG);
        let well = ended.status == Some(0) && ended.stdout.contains("it had its turns");
        assert!(well, "{how}, {name}: {ended}");
    }
}

#[test]
fn with_preemption_off() {
    nobody_starves("with_preemption_off", "off");
}

#[test]
fn with_the_signal_blocked() {
    nobody_starves("with_the_signal_blocked", "blocked");
}

#[test]
fn with_preemption_on() {
    nobody_starves("with_preemption_on", "on");
}

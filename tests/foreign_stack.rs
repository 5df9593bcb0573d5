//! Goroutines that wait while they stand on a stack of somebody else's: another coroutine library's,
//! used by hand. `trim()`, the guard's scan and `stack::grow` know nothing of such stacks, and must
//! leave alone what they cannot see through.
//!
//! `FOREIGN_SECS` says how long the soak takes at each number of Ps:
//! `FOREIGN_SECS=200 cargo test --release --test foreign_stack soak` takes ten minutes.
#![allow(unsafe_code, reason = "stacks by mmap; the door into the runtime")]

mod support;

use std::cell::Cell;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use corosensei::stack::{Stack, StackPointer};
use corosensei::{Coroutine, CoroutineResult, Yielder};
use gosched::stack::{grow, remaining};
use gosched::thread;
use support::child::{again, role, run};
use support::{LIMIT, PS, check, check_at};

const STACK: usize = 128 << 10;
const STACKS: usize = 64;

/// Made before the runtime is, and given back at random: they lie on both sides of its stacks.
static POOL: LazyLock<Mutex<Vec<usize>>> =
    LazyLock::new(|| Mutex::new((0..STACKS / 2).map(|_| map()).collect()));

/// Its lowest page is a guard.
fn map() -> usize {
    let (read_write, flags) = (
        libc::PROT_READ | libc::PROT_WRITE,
        libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
    );
    // SAFETY: the kernel picks a free place.
    let at = unsafe { libc::mmap(std::ptr::null_mut(), STACK, read_write, flags, -1, 0) };
    assert_ne!(at, libc::MAP_FAILED);
    // SAFETY: ours, and new.
    assert_eq!(unsafe { libc::mprotect(at, 4096, libc::PROT_NONE) }, 0);
    at.addr()
}

struct Foreign(usize);

impl Foreign {
    fn take() -> Foreign {
        let mut pool = POOL.lock().unwrap();
        let place = pool.len().checked_sub(1).map(|last| fastrand(last + 1));
        Foreign(place.map_or_else(map, |i| pool.swap_remove(i)))
    }
}

fn fastrand(below: usize) -> usize {
    static SEED: AtomicUsize = AtomicUsize::new(1);
    let seed = SEED.fetch_add(0x9e37_79b9_7f4a_7c15, Relaxed);
    (seed ^ seed >> 29) % below
}

impl Drop for Foreign {
    fn drop(&mut self) {
        POOL.lock().unwrap().push(self.0);
    }
}

// SAFETY: mapped, with a guard, and one coroutine's until it is dropped.
unsafe impl Stack for Foreign {
    fn base(&self) -> StackPointer {
        NonZeroUsize::new(self.0 + STACK).unwrap()
    }

    fn limit(&self) -> StackPointer {
        NonZeroUsize::new(self.0).unwrap()
    }
}

type Co = Coroutine<(), usize, (), Foreign>;

fn coroutine(body: impl FnOnce(&Yielder<(), usize>) + 'static) -> Co {
    Coroutine::with_stack(Foreign::take(), move |yielder, ()| body(yielder))
}

fn next(co: &mut Co) -> Option<usize> {
    match co.resume(()) {
        CoroutineResult::Yield(value) => Some(value),
        CoroutineResult::Return(()) => None,
    }
}

/// Goes `depth` KiB deep, calls `f` there, and looks on its way back whether its frames still are
/// what they were.
#[inline(never)]
fn at_depth<R>(depth: usize, f: &mut dyn FnMut() -> R) -> R {
    let frame = black_box([depth; 128]);
    let result = if depth == 0 {
        f()
    } else {
        at_depth(depth - 1, f)
    };
    assert!(
        black_box(&frame).iter().all(|&word| word == depth),
        "a frame is lost"
    );
    result
}

fn wait(how: usize) {
    match how % 4 {
        0 => thread::yield_now(),
        1 => thread::sleep(Duration::from_micros(50)),
        2 => thread::park_timeout(Duration::from_micros(30)),
        _ => {
            let (send, receive) = gosched::channel::unbounded();
            gosched::go(move || send.send(how).unwrap());
            assert_eq!(receive.recv(), Ok(how));
        }
    }
}

/// One that waits at every depth of its own stack and of foreign ones.
fn visit(who: usize, round: usize) {
    at_depth(60, &mut || wait(who)); // something to drop below
    at_depth(who % 30, &mut || {
        let mut co = coroutine(move |yielder| {
            for i in 0..4 {
                at_depth(10 * i, &mut || wait(who + round + i));
                yielder.suspend(i);
            }
            // A coroutine in a coroutine.
            let mut inner = coroutine(move |_| at_depth(20, &mut || wait(round)));
            assert_eq!(next(&mut inner), None);
        });
        for i in 0..4 {
            assert_eq!(next(&mut co), Some(i));
            wait(who ^ round);
        }
        assert_eq!(next(&mut co), None);
    });
}

fn seconds() -> Duration {
    let text = std::env::var("FOREIGN_SECS").unwrap_or_else(|_| "1".into());
    Duration::from_secs_f64(text.parse().expect("FOREIGN_SECS: a number of seconds"))
}

/// `visitors` of each kind, while somebody trims all the time.
fn soak(visitors: usize, visit: fn(usize, usize)) {
    LazyLock::force(&POOL);
    check_at(&PS, LIMIT + seconds(), || {
        let end = Instant::now() + seconds();
        let left = AtomicUsize::new(visitors);
        thread::scope(|s| {
            for who in 0..visitors {
                let left = &left;
                s.spawn(move || {
                    let mut round = 0;
                    while Instant::now() < end {
                        visit(who, round);
                        round += 1;
                    }
                    assert!(round > 0);
                    left.fetch_sub(1, Relaxed);
                });
            }
            s.spawn(|| {
                while left.load(Relaxed) > 0 {
                    gosched::trim();
                    thread::yield_now();
                }
            });
        });
    });
}

#[test]
fn soak_waits_on_foreign_stacks_while_all_is_trimmed() {
    soak(16, visit);
}

#[test]
fn soak_segments_that_coroutines_leave_in_any_order() {
    soak(8, out_of_order);
}

/// A walk of a tree that yields in the middle of a grown call, as a generator does.
fn generator(depth: usize, waits: usize) -> Co {
    fn walk(yielder: &Yielder<(), usize>, depth: usize, waits: usize) {
        grow(usize::MAX, 32 << 10, || {
            at_depth(4, &mut || {
                if depth > 0 {
                    walk(yielder, depth - 1, waits);
                }
                wait(waits + depth);
                yielder.suspend(depth);
            });
        });
    }
    coroutine(move |yielder| walk(yielder, depth, waits))
}

fn out_of_order(who: usize, round: usize) {
    at_depth(40, &mut || wait(who));
    // The first of its segments is made on our own stack, and it ends on one.
    let mut outside = generator(3, who);
    assert_eq!(next(&mut outside), Some(0));
    at_depth(20, &mut || wait(round));
    grow(usize::MAX, 64 << 10, || {
        assert_eq!(next(&mut outside), Some(1));
        let mut inside = generator(2, round);
        at_depth(10, &mut || assert_eq!(next(&mut inside), Some(0)));
        // Ours ends before this one's, which is left in the middle.
        assert_eq!(next(&mut outside), Some(2));
        wait(who);
        assert_eq!(next(&mut inside), Some(1));
        grow(usize::MAX, 64 << 10, || {
            at_depth(10, &mut || wait(round + 1));
            assert_eq!(next(&mut outside), Some(3));
            assert_eq!(next(&mut outside), None);
            at_depth(30, &mut || wait(round));
        });
        at_depth(30, &mut || wait(who));
        if round.is_multiple_of(2) {
            drop(inside); // unwinds its segments
        } else {
            assert_eq!(next(&mut inside), Some(2));
            assert_eq!(next(&mut inside), None);
        }
        at_depth(30, &mut || wait(who));
    });
    at_depth(50, &mut || wait(who));
    assert!(remaining().is_some());
}

/// Its segments can be nobody else's any more; its goroutine's own stack must be.
#[test]
fn a_coroutine_that_is_forgotten_in_the_middle_takes_its_segments_along() {
    const NAME: &str = "a_coroutine_that_is_forgotten_in_the_middle_takes_its_segments_along";
    if let Some(ps) = role() {
        LazyLock::force(&POOL);
        let builder = gosched::Builder::new().procs(ps.parse().unwrap());
        // SAFETY: nothing is tied to an OS thread.
        return unsafe { builder.run(forget_some) };
    }
    for ps in PS {
        let ended = run(&mut again(NAME, &ps.to_string()), LIMIT);
        assert!(ended.stdout.contains("all well"), "{ps} Ps: {ended}");
    }
}

fn forget_some() {
    // In stacks as large as a goroutine's own, so that goroutines would be given them.
    let left_in_a_frame = |yielder: &Yielder<(), usize>| {
        grow(usize::MAX, 200 << 10, || {
            let frame = black_box([7_usize; 512]);
            yielder.suspend(frame.as_ptr().addr());
            assert_eq!(black_box(frame), [7; 512]);
        });
    };
    let mut forgotten = Vec::new();
    for round in 0..20 {
        let forgetful = thread::spawn(move || {
            let mut co = coroutine(left_in_a_frame);
            let frame = next(&mut co).unwrap();
            std::mem::forget(co);
            at_depth(50, &mut || wait(round));
            gosched::trim();
            frame
        });
        forgotten.push(forgetful.join().unwrap());
    }
    let used: Vec<_> = (0..40)
        .map(|i| thread::spawn(move || at_depth(40, &mut || wait(i))))
        .collect();
    used.into_iter().for_each(|h| h.join().unwrap());
    for frame in forgotten {
        // SAFETY: what is forgotten stays, or this test fails.
        let frame = unsafe { std::slice::from_raw_parts(frame as *const usize, 512) };
        assert_eq!(frame, [7; 512], "somebody else's by now");
    }
    println!("all well");
}

#[test]
fn what_is_left_of_a_foreign_stack_is_not_known() {
    LazyLock::force(&POOL);
    let look = || {
        let seen = std::rc::Rc::new(Cell::new(Some(0)));
        let there = std::rc::Rc::clone(&seen);
        let mut co = coroutine(move |_| {
            there.set(remaining());
            // So a call that asks for any gets a stack of ours.
            let left = grow(1, 64 << 10, remaining);
            assert!(left.is_some_and(|left| left >= 64 << 10), "{left:?}");
        });
        assert_eq!(next(&mut co), None);
        assert_eq!(seen.get(), None);
        assert!(remaining().is_some());
    };
    std::thread::spawn(look).join().unwrap();
    check(look);
}

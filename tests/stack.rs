//! Stacks that go on elsewhere: `gosched::stack::grow`, suspended, moved, panicking, overflowing.
#![allow(unsafe_code, reason = "the door into the runtime")]

mod support;

use std::cell::Cell;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use corosensei::stack::{Stack, StackPointer};
use gosched::stack::{grow, high_water, remaining};
use gosched::thread;
use support::check;
use support::child::{again, role, run};

const RED_ZONE: usize = 48 << 10;
const LIMIT: Duration = Duration::from_secs(30);

/// Recurses `depth` deep with frames of a KiB, calls `at_end`, and adds up what it finds again in
/// its frames on the way back.
fn deep(depth: usize, size: usize, at_end: &mut dyn FnMut()) -> usize {
    grow(RED_ZONE, size, || {
        let frame = black_box([depth; 128]);
        if depth == 0 {
            at_end();
            return 0;
        }
        let below = deep(depth - 1, size, at_end);
        assert!(black_box(&frame).iter().all(|&word| word == depth));
        below + frame[depth % 128] / depth
    })
}

/// Ten times what a goroutine's stack has.
const DEEP: usize = 2_500;

#[test]
fn it_goes_deeper_than_the_stack() {
    check(|| {
        for size in [64 << 10, 256 << 10, 16 << 20] {
            let before = remaining().unwrap();
            let mut at_end = None;
            assert_eq!(deep(DEEP, size, &mut || at_end = remaining()), DEEP);
            assert!(at_end.unwrap() > 0);
            assert!(remaining().unwrap().abs_diff(before) < 4096);
        }
        assert!(high_water().unwrap() > 100 << 10);
    });
}

#[test]
fn there_is_room_for_what_was_asked() {
    check(|| {
        for size in [1, 60 << 10, 64 << 10, 200 << 10, 1 << 20, (64 << 20) - 1] {
            let left = grow(usize::MAX, size, || remaining().unwrap());
            assert!(left >= size, "{left} of {size}");
        }
        // Enough is left: no new stack.
        let outer = remaining().unwrap();
        let inner = grow(1, 1 << 30, || remaining().unwrap());
        assert!(inner <= outer && outer - inner < 4096);
    });
}

/// Preempted on its way to a segment and on its way back, it stands where the runtime thinks that
/// it stands: else `trim` drops what it needs, and who comes next overwrites it.
#[test]
fn preempted_on_the_way_it_stands_where_it_should() {
    check(|| {
        let preempted_on_the_way = |size| {
            gosched::__preempt_soon();
            let left = grow(usize::MAX, size, || {
                let left = remaining();
                thread::sleep(Duration::from_micros(10));
                gosched::__preempt_soon();
                left
            });
            assert!(left.is_some_and(|left| left >= size), "{left:?} of {size}");
            assert!(remaining().is_some());
        };
        thread::scope(|s| {
            for i in 0..8 {
                s.spawn(move || {
                    for round in 0..50_usize {
                        // It leaves a stack that has carried a goroutine: the next segment's.
                        thread::spawn(|| ()).join().unwrap();
                        let frame = black_box([i + round; 256]);
                        preempted_on_the_way(200 << 10);
                        preempted_on_the_way(1 << 20);
                        assert!(black_box(&frame).iter().all(|&word| word == i + round));
                        if round % 8 == i {
                            gosched::trim();
                        }
                    }
                });
            }
        });
    });
}

#[test]
fn it_works_on_plain_threads() {
    std::thread::scope(|s| {
        let small = std::thread::Builder::new().stack_size(128 << 10);
        let work = || {
            assert!(remaining().unwrap() < 128 << 10);
            assert_eq!(high_water(), None);
            deep(DEEP, 1 << 20, &mut || ())
        };
        let handle = small.spawn_scoped(s, work).unwrap();
        assert_eq!(handle.join().unwrap(), DEEP);
    });
}

/// As the crate `stacker` does: believes the bounds of the thread's stack, as the C library tells
/// them once, and sets what it made itself in their place meanwhile. Ours lie below all others, so it
/// finds too little left, and makes one.
#[test]
fn who_knows_the_thread_s_stack_only_still_grows_in_time() {
    thread_local!(static LIMIT: Cell<usize> = Cell::new(thread_stack().0));

    fn thread_stack() -> (usize, usize) {
        // SAFETY: zeros are a value to be overwritten.
        let mut attributes: libc::pthread_attr_t = unsafe { std::mem::zeroed() };
        // SAFETY: about the calling thread.
        let me = unsafe { libc::pthread_self() };
        // SAFETY: to a place of ours.
        let asked = unsafe { libc::pthread_getattr_np(me, &raw mut attributes) };
        assert_eq!(asked, 0);
        let (mut low, mut size) = (std::ptr::null_mut(), 0);
        // SAFETY: initialised above.
        unsafe {
            libc::pthread_attr_getstack(&raw const attributes, &raw mut low, &raw mut size)
        };
        // SAFETY: initialised above, not used again.
        unsafe { libc::pthread_attr_destroy(&raw mut attributes) };
        (low.addr(), size)
    }

    struct Mapped(usize);
    const SIZE: usize = 1 << 20;

    // SAFETY: mapped below, and one call's.
    unsafe impl Stack for &Mapped {
        fn base(&self) -> StackPointer {
            StackPointer::new(self.0 + SIZE).unwrap()
        }
        fn limit(&self) -> StackPointer {
            StackPointer::new(self.0).unwrap()
        }
    }

    #[inline(never)]
    fn maybe_grow(f: &mut dyn FnMut()) {
        let here = 0_u8;
        let left = (&raw const here).addr().saturating_sub(LIMIT.get());
        if left >= 32 << 10 {
            return f();
        }
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: the kernel picks a free place.
        let at = unsafe { libc::mmap(std::ptr::null_mut(), SIZE, access, flags, -1, 0) };
        assert_ne!(at, libc::MAP_FAILED);
        let old = LIMIT.replace(at.addr());
        corosensei::on_stack(&Mapped(at.addr()), f);
        LIMIT.set(old);
        // SAFETY: mapped above, and left.
        unsafe { libc::munmap(at, SIZE) };
    }

    fn recurse(depth: usize) -> usize {
        let mut sum = 0;
        maybe_grow(&mut || {
            let frame = black_box([depth; 128]);
            sum = match depth {
                0 => 0,
                _ => recurse(depth - 1) + frame[depth % 128] / depth,
            };
        });
        sum
    }

    check(|| {
        thread::scope(|s| {
            for i in 0..8 {
                s.spawn(move || {
                    for _ in 0..5 {
                        assert_eq!(recurse(DEEP + i), DEEP + i);
                        thread::yield_now();
                    }
                });
            }
        });
    });
}

#[test]
fn it_suspends_on_every_segment_and_moves() {
    check(|| {
        thread::scope(|s| {
            for i in 0..32 {
                s.spawn(move || {
                    let mut rounds = 0;
                    let mut yields = || {
                        (0..20).for_each(|_| thread::yield_now());
                        thread::sleep(Duration::from_micros(10 * (i % 5)));
                        rounds += 1;
                    };
                    for _ in 0..3 {
                        assert_eq!(deep(1_000, 128 << 10, &mut yields), 1_000);
                    }
                    assert_eq!(rounds, 3);
                    // Suspended inside, then again outside, below and above.
                    let nested = grow(usize::MAX, 4096, || {
                        thread::yield_now();
                        let inner = grow(usize::MAX, 4096, || {
                            thread::yield_now();
                            i
                        });
                        thread::yield_now();
                        inner
                    });
                    assert_eq!(nested, i);
                });
            }
        });
    });
}

#[test]
fn parked_on_a_segment_it_survives_a_trim() {
    check(|| {
        let woken = Arc::new(AtomicUsize::new(0));
        let handles: Vec<_> = (0..50)
            .map(|_| {
                let woken = Arc::clone(&woken);
                thread::spawn(move || {
                    // Deep first, so that there is something to drop below both stack pointers.
                    deep(150, 64 << 10, &mut || ());
                    let mut park = || {
                        deep(100, 1 << 20, &mut || ());
                        woken.fetch_add(1, Relaxed);
                        thread::park();
                    };
                    assert_eq!(deep(400, 256 << 10, &mut park), 400);
                })
            })
            .collect();
        support::yield_until("all are about to park", || woken.load(Relaxed) == 50);
        for _ in 0..3 {
            gosched::trim();
            thread::yield_now();
        }
        handles.iter().for_each(|h| h.thread().unpark());
        handles.into_iter().for_each(|h| h.join().unwrap());
    });
}

/// Whoever is trimmed while it runs, or below what it still needs, finds zeros in its frames.
#[test]
fn trimming_all_the_time_harms_nobody() {
    check(|| {
        let stop = AtomicUsize::new(0);
        thread::scope(|s| {
            for i in 0..20_usize {
                let stop = &stop;
                s.spawn(move || {
                    for round in 0..60 {
                        let mut pause = || match (i + round) % 3 {
                            0 => thread::yield_now(),
                            1 => thread::sleep(Duration::from_micros(50)),
                            _ => thread::park_timeout(Duration::from_micros(30)),
                        };
                        // Some of them on their own stack, some far beyond it.
                        let depth = 20 + 61 * i % 400;
                        assert_eq!(deep(depth, 128 << 10, &mut pause), depth);
                        pause();
                    }
                    stop.fetch_add(1, Relaxed);
                });
            }
            s.spawn(|| {
                while stop.load(Relaxed) < 20 {
                    gosched::trim();
                    thread::yield_now();
                }
            });
        });
    });
}

#[test]
fn a_panic_and_a_goexit_pass_through() {
    check(|| {
        let before = remaining().unwrap();
        let result = catch_unwind(AssertUnwindSafe(|| {
            deep(DEEP, 256 << 10, &mut || {
                std::panic::resume_unwind(Box::new("deep down"))
            })
        }));
        assert_eq!(result.unwrap_err().downcast_ref(), Some(&"deep down"));
        assert!(remaining().unwrap().abs_diff(before) < 4096);
        assert_eq!(deep(DEEP, 256 << 10, &mut || ()), DEEP);
        let h = thread::spawn(|| deep(DEEP, 256 << 10, &mut || gosched::goexit()));
        assert!(h.join().is_err());
    });
}

#[test]
fn too_large_a_stack_is_a_panic_with_both_numbers() {
    check(|| {
        let result = catch_unwind(|| grow(usize::MAX, 1 << 40, || ()));
        let payload = result.unwrap_err();
        let words = payload.downcast_ref::<String>().unwrap();
        assert!(
            words.starts_with("stack::grow: a goroutine stack of "),
            "{words}"
        );
        assert!(words.contains("the limit is 1073741824"), "{words}");
    });
}

fn for_ever(depth: usize) -> usize {
    let frame = black_box([depth; 64]);
    if depth == usize::MAX {
        return 0;
    }
    for_ever(black_box(depth + 1)) + frame[depth % 64]
}

#[test]
fn an_overflow_on_a_segment_names_the_goroutine() {
    const NAME: &str = "an_overflow_on_a_segment_names_the_goroutine";
    match role().as_deref() {
        None => (),
        Some("plain") => {
            // SAFETY: nothing is tied to an OS thread. From here on our fault handler is there.
            unsafe { gosched::run(|| ()) };
            grow(usize::MAX, 100 << 10, || for_ever(1));
        }
        Some(_) => {
            // SAFETY: nothing is tied to an OS thread.
            unsafe {
                gosched::run(|| {
                    let deep = || grow(usize::MAX, 100 << 10, || for_ever(1));
                    let builder = thread::Builder::new().name("diver".into());
                    builder.spawn(deep).unwrap().join().unwrap()
                })
            };
        }
    }
    let ended = run(&mut again(NAME, "goroutine"), LIMIT);
    assert_eq!(ended.status, Some(2), "{ended}");
    for words in [
        "runtime: goroutine stack exceeds 131072-byte limit",
        "fatal error: stack overflow",
        "name: diver",
        "stack::grow",
    ] {
        assert!(
            ended.stderr.contains(words),
            "{words:?} is missing: {ended}"
        );
    }
    let ended = run(&mut again(NAME, "plain"), LIMIT);
    assert_eq!(ended.status, Some(2), "{ended}");
    for words in [
        "fatal error: stack overflow",
        "a plain thread",
        "stack::grow",
    ] {
        assert!(
            ended.stderr.contains(words),
            "{words:?} is missing: {ended}"
        );
    }
}

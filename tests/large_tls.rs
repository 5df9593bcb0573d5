//! A program with megabytes of static thread-locals, which the C library puts on every thread's
//! stack: it runs, and the guard finds their addresses.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::cell::Cell;
use std::thread;

use gosched::thread::{spawn, yield_now};

/// Not the thread of the test: the C library takes its thread-locals out of its two megabytes.
#[track_caller]
fn check(body: impl Fn() + Send + Sync) {
    thread::scope(|scope| {
        thread::Builder::new()
            .stack_size(MANY + (2 << 20))
            .spawn_scoped(scope, || support::check(body))
            .unwrap();
    });
}

/// More than an M's stack has for its loop, and than what is left free below.
const MANY: usize = 9 << 20;

thread_local! {
    static LARGE: Cell<[u8; MANY]> = const { Cell::new([0; MANY]) };
}

/// A place at the beginning, the middle or the end of the calling thread's.
#[inline(never)]
fn place(which: usize) -> *const Cell<u8> {
    LARGE.with(|large| &raw const large.as_array_of_cells()[which * (MANY - 1) / 2])
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "without optimisation an access copies all of it"
)]
fn goroutines_use_megabytes_of_thread_locals() {
    check(|| {
        let all = (0..60).map(|i| {
            spawn(move || {
                for _ in 0..50 {
                    LARGE.with(|large| large.as_array_of_cells()[i << 17].set(i as u8));
                    yield_now();
                }
            })
        });
        let all: Vec<_> = all.collect();
        all.into_iter().for_each(|one| one.join().unwrap());
    });
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "without optimisation an access copies all of it"
)]
fn threads_end_and_others_come() {
    check(|| {
        for _ in 0..20 {
            spawn(gosched::lock_os_thread).join().unwrap();
        }
    });
}

/// An address of a thread-local on the stack keeps the goroutine on its thread.
#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "without optimisation an access copies all of it"
)]
fn the_guard_knows_all_of_them() {
    check(|| {
        let all = (0..30).map(|i| {
            spawn(move || {
                for _ in 0..100 {
                    let mine = std::hint::black_box(place(i % 3));
                    yield_now();
                    assert_eq!(std::hint::black_box(mine), place(i % 3));
                }
            })
        });
        let all: Vec<_> = all.collect();
        all.into_iter().for_each(|one| one.join().unwrap());
    });
}

//! The loop of every M, and the door.
//!
//! The full runtime: `runtime/sched/run.rs`, `runtime/thread/entry.rs`. Go: proc.go schedule,
//! execute, park_m, gosched_m, goexit0, main.
#![allow(unsafe_code, reason = "the one unsafe door")]

use std::panic::resume_unwind;
use std::ptr::null;
use std::thread;

use crate::find::find_runnable;
use crate::g::{GRef, Switch};
use crate::m::M;
use crate::p::{P, new_p};
use crate::sched::{Sched, enqueue, put_global};
use crate::spawn::spawn_on;
use crate::status::Enqueue;

// [loop]
/// An M's life.
fn schedule(m: &M) {
    while let Some(g) = find_runnable(m) {
        execute(m, g);
    }
}

/// Runs a goroutine until it gives the M up, and does what it asks for.
fn execute(m: &M, g: GRef) {
    g.status.run();
    m.current.set(&*g);
    let switch = g.resume(|| m.take_stack());
    m.current.set(null());
    match switch {
        Switch::Yield => {
            g.status.yielded();
            put_global(m, g);
        }
        Switch::Park => {
            if g.status.commit_park() == Enqueue::Mine {
                enqueue(g); // its waker came before the commit
            }
        }
        Switch::Done => m.give_stack(g.take_stack().expect("it has run")),
    }
}
// [/loop]

/// Runs `f` as a goroutine, on as many Ps as the process has CPUs, and returns its value. What
/// other goroutines have not done by then they never do, as in Go.
///
/// # Panics
/// With the panic of `f`; when called in a goroutine.
///
/// # Safety
/// A goroutine may go on on another OS thread whenever it has waited, and mini takes care of
/// nothing that follows from that. So the code of every goroutine must not use a thread-local
/// both before a wait and after it, in one function as the compiler sees it (after inlining);
/// and must not keep alive over a wait a value that belongs to its thread, such as a guard of
/// `std::sync::Mutex` or an `Rc` out of a `thread_local!`. The full runtime demands less:
/// `docs/thread-locals.md`.
pub unsafe fn run<F, R>(f: F) -> R
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    // SAFETY: the caller's promise.
    unsafe { run_on(num_cpus::get(), f) }
}

// [run]
/// As [`run`], on so many Ps. The calling thread is the first M.
///
/// # Panics
/// As [`run`]; when `procs` is 0.
///
/// # Safety
/// As [`run`].
pub unsafe fn run_on<F, R>(procs: usize, f: F) -> R
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    assert!((1..1 << 15).contains(&procs), "so many Ps: {procs}");
    let (mut ps, shared): (Vec<P>, Vec<_>) = (0..procs).map(|_| new_p()).unzip();
    // Never freed: a goroutine that was left waiting still points to it.
    let sched: &'static Sched = Box::leak(Box::new(Sched::new(shared)));
    let main = spawn_on(sched, f, || sched.end());
    thread::scope(|s| {
        // From the last: `pop` gives each M the P of its number.
        for id in (1..procs).rev() {
            let p = ps.pop().expect("one for each");
            s.spawn(move || M::new(id, sched, p).enter(schedule));
        }
        let p = ps.pop().expect("one for each");
        M::new(0, sched, p).enter(schedule);
    });
    main.result()
        .unwrap_or_else(|payload| resume_unwind(payload))
}
// [/run]

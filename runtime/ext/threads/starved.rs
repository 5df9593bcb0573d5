//! Goroutines that wait for a stack.
//!
//! A goroutine gets its stack at its first run. When the system refuses the stack (`ulimit -d`,
//! `ulimit -v`, strict overcommit), the goroutine joins this list. It runs when a stack becomes
//! free, or can be made after all. A P that is about to go idle looks here first, and the spawner
//! tries again, with growing pauses. The process ends with a message only if no goroutine is left
//! that could give a stack back, and the system has refused one for long.
//!
//! Go: none; the Go runtime dies when it cannot map a stack.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::g::goroutine::GRef;
use crate::core::g::gqueue::GQueue;
use crate::core::hooks;
use crate::core::p::processor::P;
use crate::core::sched::schedt::{SCHED, SchedGuard};
use crate::core::sched::wake::wakep;
use crate::core::sys::clock::Nanos;
use crate::core::sys::fatal::{RawStderr, fatal};
use crate::ext::stackalloc::StackError;
use crate::ext::stackalloc::depot;
use crate::ext::threads::hold::{Unheld, hold};
use crate::ext::threads::refused::Refused;
use crate::ext::threads::runtime_threads;

/// In the order they came; under the scheduler's lock, its length readable without.
static WAITING: GQueue = GQueue::new();
/// So many go back to the queues at a time at least, when there is a stack: caches may have more.
const SOME: usize = 32;

/// `g`, which was picked for its first run, gets no stack now.
#[cold]
pub(crate) fn put_aside(g: GRef) {
    let sched = SCHED.lock();
    WAITING.push_back(g);
    SCHED.starved.set(true);
    drop(sched);
    runtime_threads::wake_spawner();
}

/// `p` has nothing else to do: returns the goroutine that has waited longest, if there is a stack
/// for it.
#[cold]
pub(crate) fn next_locked(sched: &SchedGuard, p: &P) -> Option<GRef> {
    let g = WAITING.pop_front()?;
    let class = g.stack_spec().class();
    if p.has_stack(class) || depot::free(class) != 0 {
        note_length(sched);
        return Some(g);
    }
    WAITING.push_front(g);
    None
}

fn note_length(_: &SchedGuard) {
    SCHED.starved.set(!WAITING.is_empty());
}

/// Called by the spawner in each round of its loop: tries to get stacks for the goroutines that
/// wait. Returns when it is to be called again.
pub(crate) fn see_to(refused: &mut Refused) -> Option<Nanos> {
    if !SCHED.starved.peek() {
        refused.settle();
        return None;
    }
    if refused.is_early() {
        return refused.again();
    }
    match stacks_for_the_first() {
        Ok(0) => refused.settle(),
        Ok(stacks) => {
            refused.settle();
            let_go_on(stacks.max(SOME));
            refused.once_more(); // and a look at the others soon
        }
        Err((id, error)) => {
            refused.once_more();
            if refused.is_hopeless() {
                give_up(id, error);
            }
        }
    }
    refused.again()
}

/// Free stacks of the class that the first waiting goroutine needs, made if necessary. 0: none
/// waits.
fn stacks_for_the_first() -> Result<usize, (u64, StackError)> {
    let sched = SCHED.lock();
    let Some(g) = WAITING.pop_front() else {
        drop(sched);
        return Ok(0);
    };
    WAITING.push_front(g);
    let (id, class) = (g.id(), g.stack_spec().class());
    // What idle Ps keep for themselves is nobody's.
    sched.for_each_idle_p(|p| hold(p, Unheld::Idle).flush_stacks());
    drop(sched);
    match depot::free(class) {
        0 => depot::warm_up(class)
            .map(|()| depot::free(class).max(1))
            .map_err(|error| (id, error)),
        free => Ok(free),
    }
}

fn let_go_on(count: usize) {
    let sched = SCHED.lock();
    for _ in 0..count {
        match WAITING.pop_front() {
            Some(g) => sched.push_global(g),
            None => break,
        }
    }
    note_length(&sched);
    drop(sched);
    wakep();
}

/// Refused for long. If a goroutine still runs, or a thread may wake one, stacks may become free.
fn give_up(id: u64, error: StackError) {
    if hooks::nobody_can_act() {
        fatal!("no stack for goroutine {id}, and nobody is left to give one back: {error}");
    }
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Relaxed) {
        use std::fmt::Write as _;
        let count = WAITING.len();
        // Nobody is left to hear that stderr is closed.
        let _ = writeln!(
            RawStderr,
            "gosched: goroutines that wait for a stack: {count}, the first is {id}: {error}"
        );
    }
}

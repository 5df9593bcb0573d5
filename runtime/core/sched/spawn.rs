//! A goroutine's birth: a dead G gets a closure, an id and a place in front of the queue.
//!
//! It gets no stack: that comes at its first run (`core/sched/exit.rs`).
//!
//! Go: proc.go newproc, newproc1, gfget.
#![allow(unsafe_code, reason = "stores the closure in a G that it owns")]

use crate::core::g::closure::ClosureCell;
use crate::core::g::free_gs;
use crate::core::g::goroutine::GRef;
use crate::core::g::gqueue::GQueue;
use crate::core::hooks::{self, Birth, StackError, StackSpec};
use crate::core::m::enter::{NoPreempt, enter};
use crate::core::p::processor::next_id_without_p;
use crate::core::sched::park::enqueue_next;
use crate::core::sched::start;

/// Starts a goroutine that runs `f`; returns its id.
///
/// # Errors
/// When it could never have a stack: see `ext/stackalloc/promise.rs`. Where stacks are all in use
/// and the system gives no more, it waits for one (`ext/threads/starved.rs`).
///
/// # Safety
/// Everything that `f` borrows outlives the run of `f`. `f` catches its own panics.
#[track_caller]
pub(crate) unsafe fn spawn<F: FnOnce() + Send>(birth: Birth, f: F) -> Result<u64, StackError> {
    start::assert_started();
    let stack = hooks::promise_stack(&birth)?;
    let id = if ClosureCell::fits::<F>() {
        // SAFETY: the caller's promise.
        unsafe { spawn_fitting(birth, stack, f) }
    } else {
        let boxed = Box::new(f);
        // SAFETY: the caller's promise.
        unsafe { spawn_fitting(birth, stack, boxed) }
    };
    Ok(id)
}

/// # Safety
/// As for [`spawn`]; `f` fits into a G.
unsafe fn spawn_fitting<F: FnOnce() + Send>(birth: Birth, stack: StackSpec, f: F) -> u64 {
    let (rt, g) = dead_g();
    hooks::describe(&rt, g, &birth, stack);
    let id = assign_id(&rt, g);
    hooks::put_identity(g, id, birth);
    // SAFETY: the G is dead and out of every list: ours. The rest is the caller's promise.
    unsafe { g.closure.put(f) };
    make_runnable(&rt, g);
    id
}

/// Counts `g`, which is dead and prepared, and returns its new id. No allocation: a timer can do
/// it.
#[inline]
pub(crate) fn assign_id(rt: &NoPreempt, g: GRef) -> u64 {
    let p = rt.p();
    hooks::count_spawn(p.as_deref().copied(), g);
    let id = match p {
        Some(p) => p.next_id(),
        None => next_id_without_p(),
    };
    g.id.set(id);
    id
}

/// Makes it runnable.
#[inline]
pub(crate) fn make_runnable(rt: &NoPreempt, g: GRef) {
    hooks::spawned(g);
    g.status.spawned();
    enqueue_next(rt, g);
}

/// A dead G, from the P's list, the shared list, or new; and the evidence that the caller is in
/// the runtime.
#[inline]
pub(crate) fn dead_g() -> (NoPreempt, GRef) {
    let rt = enter();
    let found = match rt.p() {
        Some(p) => p.take_g(),
        None => {
            let one = GQueue::new();
            free_gs::take(&one, 1);
            one.pop_front()
        }
    };
    match found {
        Some(g) => (rt, g),
        None => new_gs(rt),
    }
}

/// Allocates a slab of Gs: outside of the runtime.
#[cold]
fn new_gs(rt: NoPreempt) -> (NoPreempt, GRef) {
    drop(rt);
    let (first, rest) = hooks::new_gs();
    let others = GQueue::new();
    rest.iter().for_each(|g| others.push_back(g));
    let rt = enter();
    match rt.p() {
        Some(p) => p.add_gs(&others),
        None => free_gs::give(&others),
    }
    (rt, first)
}

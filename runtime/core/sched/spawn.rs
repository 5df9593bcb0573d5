//! A goroutine's birth: a dead G gets a closure, an id and a place in front of the queue.
//!
//! It gets no stack: that comes at its first run (`core/sched/exit.rs`).
//!
//! Go: proc.go newproc, newproc1, gfget.
#![allow(unsafe_code, reason = "stores the closure in a G that it owns")]

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::g::allgs;
use crate::core::g::closure::ClosureCell;
use crate::core::g::goroutine::{GRef, Kind};
use crate::core::g::gqueue::GQueue;
use crate::core::g::identity::Identity;
use crate::core::hooks;
use crate::core::m::enter::{NoPreempt, enter};
use crate::core::sched::birth;
use crate::core::sched::start;
use crate::core::stackalloc::Class;
use crate::core::stackalloc::StackError;
use crate::core::stackalloc::StackSpec;
use crate::core::stackalloc::depot;
use crate::core::stackalloc::quota;

/// The properties of a new goroutine, besides its closure.
#[derive(Debug)]
pub(crate) struct Birth {
    pub(crate) at: &'static Location<'static>,
    pub(crate) class: Option<Class>,
    pub(crate) kind: Kind,
    /// Name, and a word for handles; the id is filled in by the spawn.
    pub(crate) identity: Option<Arc<Identity>>,
}

impl Birth {
    #[track_caller]
    pub(crate) fn plain() -> Birth {
        Birth {
            at: Location::caller(),
            class: None,
            kind: Kind::Goroutine,
            identity: None,
        }
    }
}

/// Starts a goroutine that runs `f`; returns its id.
///
/// # Errors
/// When it could never have a stack: see `core/stackalloc/quota.rs`, and [`class_of`]. Where stacks are
/// all in use and the system gives no more, it waits for one (`core/sched/starved.rs`).
///
/// # Safety
/// Everything that `f` borrows outlives the run of `f`. `f` catches its own panics.
#[track_caller]
pub(crate) unsafe fn spawn<F: FnOnce() + Send>(birth: Birth, f: F) -> Result<u64, StackError> {
    start::assert_started();
    let class = class_of(&birth)?;
    let stack = StackSpec::new(class, quota::take(class)?);
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

/// The class of its stack. If the caller asked for a size, a stack of that class exists when this
/// returns: otherwise, if the first one is refused, no goroutine could ever give one back.
#[inline]
fn class_of(birth: &Birth) -> Result<Class, StackError> {
    match birth.class {
        None => Ok(start::default_class()),
        Some(class) if depot::is_open(class) => Ok(class),
        Some(class) => open(class).map(|()| class),
    }
}

#[cold]
fn open(class: Class) -> Result<(), StackError> {
    let _inside = enter(); // with the depot's lock nobody is to be preempted
    depot::warm_up(class)
}

unsafe fn spawn_fitting<F: FnOnce() + Send>(birth: Birth, stack: StackSpec, f: F) -> u64 {
    let (rt, g) = dead_g();
    describe(&rt, g, &birth, stack);
    let id = birth::assign_id(&rt, g);
    if let Some(identity) = birth.identity {
        identity.id.store(id, Relaxed);
        hooks::put_identity(g, identity);
    }
    // SAFETY: the G is dead and out of every list: ours. The rest is the caller's promise.
    unsafe { g.closure.put(f) };
    birth::make_runnable(&rt, g);
    id
}

/// Whose child it is, what it is, where it was asked for.
#[inline]
fn describe(rt: &NoPreempt, g: GRef, birth: &Birth, stack: StackSpec) {
    g.set_kind(birth.kind);
    g.set_stack_spec(stack);
    g.spawned_at.store(Some(birth.at), Relaxed);
    let parent = rt.m().and_then(|m| m.curg()).map_or(0, |g| g.id());
    g.parent.store(parent, Relaxed);
}

/// A goroutine that is ready to be started, by `birth`, at any time later: dead, in no list. It
/// has no identity.
///
/// # Safety
/// As for [`spawn`]; `f` fits into a G.
pub(crate) unsafe fn prepare<F: FnOnce() + Send>(birth: &Birth, f: F) -> GRef {
    start::assert_started();
    let class = birth.class.unwrap_or(start::default_class());
    let (rt, g) = dead_g();
    // Nobody is there for an error when it is started: it takes its promise then.
    describe(&rt, g, birth, StackSpec::new(class, false));
    // SAFETY: the G is dead and out of every list: ours. The rest is the caller's promise.
    unsafe { g.closure.put(f) };
    drop(rt);
    g
}

/// Undoes a [`prepare`].
///
/// # Safety
/// `g` comes from [`prepare`], was not started, and will not be.
pub(crate) unsafe fn forget(g: GRef) {
    // SAFETY: the caller's promise.
    unsafe { g.closure.take_and_drop() };
    let rt = enter();
    match rt.p() {
        Some(p) => p.give_g(g),
        None => {
            let one = GQueue::new();
            one.push_back(g);
            allgs::give_free(&one);
        }
    }
}

/// A dead G, from the P's list, the shared list, or new; and the evidence that the caller is in
/// the runtime.
#[inline]
fn dead_g() -> (NoPreempt, GRef) {
    let rt = enter();
    let found = match rt.p() {
        Some(p) => p.take_g(),
        None => {
            let one = GQueue::new();
            allgs::take_free(&one, 1);
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
    let (first, rest) = allgs::new_slab(Kind::Goroutine);
    let others = GQueue::new();
    rest.iter().for_each(|g| others.push_back(g));
    let rt = enter();
    match rt.p() {
        Some(p) => p.add_gs(&others),
        None => allgs::give_free(&others),
    }
    (rt, first)
}

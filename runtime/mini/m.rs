//! M, an OS thread that runs goroutines; and which M the calling thread is.
//!
//! A goroutine may go on on another thread whenever it has waited, and the compiler does not
//! know that: inlined into a goroutine's code, the *address* of a thread-local may be kept over
//! the wait. So the accessor is not inlined, and what it answers is not kept over a wait.
//!
//! The full runtime: `runtime/m/machine.rs`, `runtime/m/current.rs`. Go: runtime2.go m.
#![allow(unsafe_code, reason = "lends what the thread-local points to")]

use std::cell::{Cell, RefCell};
use std::ptr::null;
use std::sync::Arc;

use crate::g::{G, GRef, Stack};
use crate::p::{P, Shared};
use crate::sched::Sched;

// [m]
pub(crate) struct M {
    pub(crate) id: usize,
    pub(crate) sched: &'static Sched,
    /// Its P: an M of mini has one from its birth to its end.
    pub(crate) p: P,
    /// Awake and looking for work; counted in `idle.rs`.
    pub(crate) spinning: Cell<bool>,
    /// How many goroutines it has picked, but for those from `runnext`.
    pub(crate) tick: Cell<u32>,
    /// The goroutine that runs on it.
    pub(crate) current: Cell<*const G>,
    /// Used stacks, still warm.
    stacks: RefCell<Vec<Stack>>,
    /// Where it begins to look for something to steal.
    random: Cell<u32>,
}

thread_local! {
    static THIS_M: Cell<*const M> = const { Cell::new(null()) };
}

/// The M that the calling thread is. Until the goroutine waits, and not longer.
#[inline(never)]
pub(crate) fn this_m<'a>() -> Option<&'a M> {
    // SAFETY: null, or the M that stands in this thread's outermost frame.
    unsafe { THIS_M.get().as_ref() }
}

/// The calling goroutine. It is alive as long as it runs.
#[inline(never)]
pub(crate) fn running<'a>() -> &'a G {
    // SAFETY: as in `this_m`.
    let m = unsafe { THIS_M.get().as_ref() };
    let g = m.map_or(null(), |m| m.current.get());
    // SAFETY: null, or what the M's loop holds a handle to while it runs it.
    let g = unsafe { g.as_ref() };
    g.unwrap_or_else(|| panic!("not in a goroutine: `run` is the door"))
}

/// A handle to the calling goroutine.
pub(crate) fn this_g() -> GRef {
    let g: *const G = running();
    // SAFETY: every G stands in an `Arc`.
    unsafe { Arc::increment_strong_count(g) };
    // SAFETY: the count that we have just added.
    unsafe { Arc::from_raw(g) }
}
// [/m]

/// So many stacks an M keeps.
const STACKS: usize = 64;

impl M {
    pub(crate) fn new(id: usize, sched: &'static Sched, p: P) -> M {
        M {
            id,
            sched,
            p,
            spinning: Cell::new(false),
            tick: Cell::new(0),
            current: Cell::new(null()),
            stacks: RefCell::default(),
            random: Cell::new(id as u32 + 1),
        }
    }

    /// Runs `f` as this M.
    pub(crate) fn enter(&self, f: impl FnOnce(&M)) {
        assert!(this_m().is_none(), "`run` inside of `run`");
        THIS_M.set(self);
        f(self);
        THIS_M.set(null());
    }

    pub(crate) fn shared(&self) -> &'static Shared {
        &self.sched.ps[self.id]
    }

    pub(crate) fn take_stack(&self) -> Stack {
        let warm = self.stacks.borrow_mut().pop();
        warm.unwrap_or_else(|| Stack::new(self.random()))
    }

    pub(crate) fn give_stack(&self, stack: Stack) {
        let mut stacks = self.stacks.borrow_mut();
        if stacks.len() < STACKS {
            stacks.push(stack);
        }
    }

    /// Xorshift: cheap, and random enough.
    pub(crate) fn random(&self) -> usize {
        let mut x = self.random.get();
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        self.random.set(x);
        x as usize
    }
}

//! A plain OS thread that blocks on one of our primitives gets a G to wait in.
//!
//! So wait queues hold only Gs, whoever waits.
#![forbid(unsafe_code)]

use std::cell::{Cell, OnceCell};
use std::ops::Range;

use crate::g::all;
use crate::g::goroutine::{GRef, Kind};
use crate::g::list::GQueue;
use crate::sys::thread;

/// Gives the G back when the thread ends.
struct Foreign(GRef);

impl Foreign {
    fn take_g() -> GRef {
        let one = GQueue::new();
        if all::take_free(&one, 1) == 0 {
            let (first, rest) = all::new_slab();
            one.push_back(first);
            let others = GQueue::new();
            rest.iter().for_each(|g| others.push_back(g));
            all::give_free(&others);
        }
        let g = one.pop_front().expect("a free G was just taken");
        g.set_kind(Kind::Thread);
        g.status.set_running_thread();
        g
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        THIS.set(None);
        self.0.status.died();
        self.0.set_kind(Kind::Goroutine);
        let one = GQueue::new();
        one.push_back(self.0);
        all::give_free(&one);
    }
}

thread_local! {
    /// Without a destructor, so that it can be read to the very end of the thread.
    static THIS: Cell<Option<GRef>> = const { Cell::new(None) };
    static FOREIGN: OnceCell<Foreign> = const { OnceCell::new() };
    /// The thread's own stack; 0 and 0: not asked yet, 1 and 1: not known.
    static STACK: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// The calling thread's own G, if it has needed one so far. Not for threads of the runtime.
#[inline(never)]
pub(crate) fn g_if_any() -> Option<GRef> {
    THIS.get()
}

/// The calling thread's own stack: its addresses. Not for threads of the runtime.
#[inline(never)]
pub(crate) fn own_stack() -> Option<Range<usize>> {
    let (mut start, mut end) = STACK.get();
    if end == 0 {
        (start, end) = thread::own_stack().map_or((1, 1), |stack| (stack.start, stack.end));
        STACK.set((start, end));
    }
    (start < end).then_some(start..end)
}

/// The calling thread's own G. Not for threads of the runtime. Allocates at its first call.
///
/// Never inlined: the slot's address would be computed, and left on the stack, in goroutines.
#[inline(never)]
pub(crate) fn foreign_g() -> GRef {
    THIS.get().unwrap_or_else(new_foreign_g)
}

/// The destructors of other thread-locals may still block on something after ours has run: the
/// thread gets a second G then, which nobody gives back.
#[cold]
fn new_foreign_g() -> GRef {
    let g = Foreign::take_g();
    THIS.set(Some(g));
    let _too_late = FOREIGN.try_with(|foreign| {
        foreign.get_or_init(|| Foreign(g));
    });
    g
}

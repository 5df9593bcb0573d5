//! G, a goroutine: a closure that has a stack of its own from its first run to its end.
//!
//! The only file that knows corosensei. A goroutine is resumed by the M that took it out of a
//! queue, and by nobody else; it leaves its stack by [`suspend`](G::suspend), and says why.
//!
//! The full runtime: `runtime/g/goroutine.rs`, `runtime/g/context.rs`. Go: runtime2.go g.
#![allow(unsafe_code, reason = "switches stacks")]

use std::cell::{Cell, UnsafeCell};
use std::sync::Arc;

use corosensei::stack::{self, DefaultStack, StackPointer};
use corosensei::{Coroutine, CoroutineResult, Yielder};

use crate::prim::fatal;
use crate::sched::Sched;
use crate::status::Status;

// [g]
/// A closure that catches its own panics.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// Why a goroutine gives its M up.
#[derive(Clone, Copy)]
pub(crate) enum Switch {
    /// Others first.
    Yield,
    /// It has announced a park.
    Park,
    /// It has ended.
    Done,
}

pub(crate) struct G {
    pub(crate) status: Status,
    /// The `run` that it belongs to: its waker may be on a plain thread, and so on no M.
    pub(crate) sched: &'static Sched,
    /// The way off its stack; null until its first run.
    way_out: Cell<*const Yielder<(), Switch>>,
    /// From its first run to its end.
    coroutine: UnsafeCell<Option<Coroutine<(), Switch, (), Stack>>>,
    /// Until its first run.
    job: Cell<Option<Job>>,
}

/// Whoever may have to find a goroutine holds one of these.
pub(crate) type GRef = Arc<G>;
// [/g]

// SAFETY: the cells are touched by the M that runs the goroutine, and by the goroutine itself
// while it runs there. The status word and the queues pass it from one M to the next.
unsafe impl Send for G {}
// SAFETY: as above.
unsafe impl Sync for G {}

/// How much a stack may grow. A page becomes memory when it is first touched.
const STACK: usize = 256 << 10;

/// corosensei's stack, with a guard page below it. Not all begin at the top of a page: a thousand
/// that did would compete for the same few lines of the cache.
pub(crate) struct Stack(DefaultStack, usize);

impl Stack {
    /// The `n`th.
    pub(crate) fn new(n: usize) -> Stack {
        let stack =
            DefaultStack::new(STACK).unwrap_or_else(|e| fatal(&format!("no stack: {e}")));
        Stack(stack, n % 32 * 64)
    }
}

// SAFETY: a part of a stack is a stack.
unsafe impl stack::Stack for Stack {
    fn base(&self) -> StackPointer {
        StackPointer::new(self.0.base().get() - self.1).expect("not at address 0")
    }

    fn limit(&self) -> StackPointer {
        self.0.limit()
    }
}

// [switch]
impl G {
    pub(crate) fn new(sched: &'static Sched, job: Job) -> GRef {
        Arc::new(G {
            status: Status::new(),
            sched,
            job: Cell::new(Some(job)),
            coroutine: UnsafeCell::new(None),
            way_out: Cell::new(std::ptr::null()),
        })
    }

    /// Runs the goroutine until it gives its M up. `stack` is for its first run.
    pub(crate) fn resume(&self, stack: impl FnOnce() -> Stack) -> Switch {
        // SAFETY: we hold the G, so the cell is ours until the goroutine is off its stack.
        let slot = unsafe { &mut *self.coroutine.get() };
        let coroutine = slot.get_or_insert_with(|| self.first_run(stack()));
        match coroutine.resume(()) {
            CoroutineResult::Yield(switch) => switch,
            CoroutineResult::Return(()) => Switch::Done,
        }
    }

    fn first_run(&self, stack: Stack) -> Coroutine<(), Switch, (), Stack> {
        let job = self.job.take().expect("it has not run yet");
        let me: *const G = self;
        Coroutine::with_stack(stack, move |way_out, ()| {
            // SAFETY: whoever resumes a goroutine holds its G.
            unsafe { &*me }.way_out.set(way_out);
            job();
        })
    }

    /// The stack of a goroutine that has ended on the caller's M.
    pub(crate) fn take_stack(&self) -> Option<Stack> {
        // SAFETY: we hold the G.
        let slot = unsafe { &mut *self.coroutine.get() };
        slot.take().map(Coroutine::into_stack)
    }

    /// By the goroutine itself: leaves its stack. Returns when an M resumes it, maybe on another
    /// thread: so its callers ask `this_m` anew, each time.
    pub(crate) fn suspend(&self, switch: Switch) {
        // SAFETY: set at the first run; the yielder stands at the root of the running stack.
        unsafe { &*self.way_out.get() }.suspend(switch);
    }
}
// [/switch]

impl Drop for G {
    /// A goroutine that waits when nobody can wake it any more is forgotten where it stands, as
    /// in Go: nothing may unwind it on a thread that happens to drop the last handle.
    fn drop(&mut self) {
        std::mem::forget(self.coroutine.get_mut().take());
    }
}

//! A plain OS thread that blocks on one of our primitives gets a G to wait in.
//!
//! So wait queues hold only Gs, whoever waits. The thread keeps it until its thread-locals are
//! destroyed. Destructors of others may wait once more after that: such a *late* G is nobody's to
//! give back, as nothing of ours runs any more when the thread ends. It is found again when Gs are
//! wanted: its thread is gone. Gs of threads stay Gs of threads (`ext/allgs.rs`).
#![forbid(unsafe_code)]

use std::cell::{Cell, OnceCell};
use std::ops::Range;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::g::goroutine::{G, GRef};
use crate::core::g::gqueue::GQueue;
use crate::core::g::status::State;
use crate::core::sys::lock::RawLock;
use crate::core::sys::thread::{self, gettid, is_alive};
use crate::ext::allgs;
use crate::ext::kind::Kind;

/// Gs that no thread has.
static FREE_LOCK: RawLock = RawLock::new();
static FREE: GQueue = GQueue::new();

/// A G's `parent`, which a thread has no use for: the kernel's id of the thread in its lower half,
/// and these. Written by the thread.
const TID: u64 = u32::MAX as u64;
/// It waits, without a deadline.
const ASLEEP: u64 = 1 << 32;
/// Nothing gives it back but its thread's end.
const LATE: u64 = 1 << 33;

/// Gives the G back when the thread ends.
struct Foreign(GRef);

impl Drop for Foreign {
    fn drop(&mut self) {
        if self.0.stack.load(Relaxed).is_some() {
            // It stands on a segment: `exit` runs destructors on top of the thread's frames. Or a
            // coroutine that was forgotten does. Either way not before the thread is gone.
            let word = self.0.parent.load(Relaxed);
            self.0.parent.store(word | LATE, Relaxed);
            return;
        }
        THIS.set(None);
        self.0.status.died();
        self.0.parent.store(0, Relaxed);
        let one = GQueue::new();
        one.push_back(self.0);
        FREE_LOCK.lock();
        FREE.append(&one);
        FREE_LOCK.unlock();
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

#[cold]
fn new_foreign_g() -> GRef {
    let g = take_g();
    g.id.store(thread_id(), Relaxed); // another thread had it before
    g.status.set_running_thread();
    THIS.set(Some(g));
    let given_back = FOREIGN.try_with(|foreign| {
        foreign.get_or_init(|| Foreign(g));
    });
    let late = if given_back.is_err() { LATE } else { 0 };
    g.parent
        .store(u64::from(gettid().cast_unsigned()) | late, Relaxed);
    g
}

/// A dead G.
fn take_g() -> GRef {
    if let Some(g) = pop_free() {
        return g;
    }
    find_late();
    if let Some(g) = pop_free() {
        return g;
    }
    let (first, rest) = allgs::new_slab(Kind::Thread);
    let others = GQueue::new();
    rest.iter().for_each(|g| others.push_back(g));
    FREE_LOCK.lock();
    FREE.append(&others);
    FREE_LOCK.unlock();
    first
}

/// Never used twice, and no goroutine's: those count on without gaps.
fn thread_id() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(1 << 63);
    LAST.fetch_add(1, Relaxed)
}

fn pop_free() -> Option<GRef> {
    FREE_LOCK.lock();
    let g = FREE.pop_front();
    FREE_LOCK.unlock();
    g
}

/// Gives back the late Gs of threads that have ended. One whose id another thread has by now waits
/// for the end of that one.
fn find_late() {
    FREE_LOCK.lock();
    allgs::for_each_thread(|g| {
        let word = g.parent.load(Relaxed);
        if word & LATE != 0 && g.status.state() == State::Running && !is_alive(tid_of(g)) {
            g.parent.store(0, Relaxed);
            g.stack.store(None, Relaxed); // a segment stays with whoever was left on it
            g.status.died();
            FREE.push_back(g);
        }
    });
    FREE_LOCK.unlock();
}

/// The kernel's id of the plain thread that has `g`.
pub(crate) fn tid_of(g: &G) -> i32 {
    ((g.parent.load(Relaxed) & TID) as u32).cast_signed()
}

/// By the thread itself: it is about to wait without a deadline, or has done so.
pub(crate) fn set_asleep(g: &G, asleep: bool) {
    let word = g.parent.load(Relaxed) & !ASLEEP;
    g.parent
        .store(word | if asleep { ASLEEP } else { 0 }, Relaxed);
}

/// Does the plain thread that has `g` wait for somebody to wake it, and for nothing else? One that
/// was readied does not.
pub(crate) fn is_asleep(g: &G) -> bool {
    g.parent.load(Relaxed) & ASLEEP != 0 && g.status.state() == State::Waiting
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count() -> u32 {
        let mut gs = 0;
        allgs::for_each_thread(|_| gs += 1);
        gs
    }

    /// Its destructor comes after that of the thread's own G, as it was used first.
    struct Last;

    impl Drop for Last {
        fn drop(&mut self) {
            assert_ne!(foreign_g().parent.load(Relaxed) & LATE, 0);
        }
    }

    thread_local! {
        static LAST: Last = const { Last };
    }

    #[test]
    fn a_late_g_is_used_again() {
        let before = count();
        for _ in 0..500 {
            let thread = std::thread::spawn(|| {
                LAST.with(|_| ());
                assert_eq!(tid_of(foreign_g()), gettid());
            });
            thread.join().unwrap();
        }
        let after = count();
        // Other tests make some as well.
        assert!(
            after <= before + 4 * allgs::SLAB as u32,
            "{before}, {after}"
        );
    }
}

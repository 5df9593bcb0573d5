//! A foreign thread that blocks on one of our primitives gets a G to wait in.
//!
//! So wait queues hold only Gs. The thread keeps its G until the destructors of its thread-locals
//! have run, and the destructor of a key gives it back (`ext/linux/thread_end.rs`). After that,
//! the destructors of C libraries' keys may wait once more: then the thread takes a G again, and
//! gives it back in the next round. After the last round no code of ours runs. A G that is left
//! over is found later, when a G is needed and there are many: its thread is gone. The G of a
//! thread is never used for a goroutine (`ext/allgs.rs`).
#![forbid(unsafe_code)]

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU64, AtomicUsize};

use crate::core::g::goroutine::{G, GRef};
use crate::core::g::gqueue::GQueue;
use crate::core::sys::lock::RawLock;
use crate::ext::allgs;
use crate::ext::kind::Kind;
use crate::ext::linux::tasks::{self, gettid, is_alive};
use crate::ext::linux::thread_end::ThreadEnd;
use crate::ext::stopped::State;

/// Gs of foreign threads that have ended.
struct FreeGs {
    /// Gs that no thread has.
    lock: RawLock,
    gs: GQueue,
    /// When this many Gs of threads exist and all are taken, it is worth looking for Gs whose
    /// threads are gone. Guarded by the lock.
    worth_a_look: AtomicUsize,
}

static FREE_GS: FreeGs = FreeGs {
    lock: RawLock::new(),
    gs: GQueue::new(),
    worth_a_look: AtomicUsize::new(0),
};

/// A G's `parent`, which a thread has no use for: the kernel's id of the thread in its lower half,
/// and this. Written by the thread. 0: no thread has it.
const TID: u64 = u32::MAX as u64;
/// It waits, without a deadline.
const ASLEEP: u64 = 1 << 32;

static END: ThreadEnd = ThreadEnd::new(give_back);

thread_local! {
    /// Without a destructor, so that it can be read to the very end of the thread.
    static THIS: Cell<Option<GRef>> = const { Cell::new(None) };
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
        (start, end) = tasks::own_stack().map_or((1, 1), |stack| (stack.start, stack.end));
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
    g.id.set(thread_id()); // another thread had it before
    g.status.set_running_thread();
    THIS.set(Some(g));
    g.parent.set(u64::from(gettid().cast_unsigned()));
    END.ask();
    g
}

/// The thread ends.
fn give_back() {
    let Some(g) = THIS.get() else { return };
    // It stands on a segment if a coroutine was left there for good. Then its thread has to be gone
    // first.
    if g.stack.get().is_none() {
        THIS.set(None);
        FREE_GS.lock.lock();
        free(g);
        FREE_GS.lock.unlock();
    }
}

/// Guarded by the lock.
fn free(g: GRef) {
    g.status.died();
    g.parent.set(0);
    FREE_GS.gs.push_back(g);
}

/// A dead G.
fn take_g() -> GRef {
    if let Some(g) = pop_free() {
        return g;
    }
    find_lost();
    if let Some(g) = pop_free() {
        return g;
    }
    let (first, rest) = allgs::new_slab(Kind::Thread);
    let others = GQueue::new();
    rest.iter().for_each(|g| others.push_back(g));
    FREE_GS.lock.lock();
    FREE_GS.gs.append(&others);
    FREE_GS.lock.unlock();
    first
}

/// Never used twice, and no goroutine's: those count on without gaps.
fn thread_id() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(1 << 63);
    LAST.fetch_add(1, Relaxed)
}

fn pop_free() -> Option<GRef> {
    FREE_GS.lock.lock();
    let g = FREE_GS.gs.pop_front();
    FREE_GS.lock.unlock();
    g
}

/// Gives back the Gs of threads that have ended and could not do so. If another thread has the
/// same id by now, the G is given back only after the end of that thread.
///
/// It asks the kernel about each, so it waits until there are twice as many as last had a thread:
/// a few questions for each G that is handed out, however many threads live.
fn find_lost() {
    let me = gettid(); // has none, so that of this id was another thread's
    FREE_GS.lock.lock();
    let (mut gs, mut found) = (0, 0);
    allgs::for_each_thread(|_| gs += 1);
    if gs >= FREE_GS.worth_a_look.load(Relaxed) {
        allgs::for_each_thread(|g| {
            let tid = tid_of(g);
            if tid != 0 && g.status.state() == State::Running && (tid == me || !is_alive(tid)) {
                g.stack.set(None); // a segment stays with whoever was left on it
                free(g);
                found += 1;
            }
        });
        FREE_GS.worth_a_look.store(2 * (gs - found), Relaxed);
    }
    FREE_GS.lock.unlock();
}

/// The kernel's id of the foreign thread that has `g`.
pub(crate) fn tid_of(g: &G) -> i32 {
    ((g.parent.get() & TID) as u32).cast_signed()
}

/// Called by the thread itself: it is about to wait without a deadline, or has done so.
pub(crate) fn set_asleep(g: &G, asleep: bool) {
    let word = g.parent.get() & !ASLEEP;
    g.parent.set(word | if asleep { ASLEEP } else { 0 });
}

/// Does the foreign thread that has `g` wait for a waker, without a deadline? One that was
/// readied does not.
pub(crate) fn is_asleep(g: &G) -> bool {
    g.parent.get() & ASLEEP != 0 && g.status.state() == State::Waiting
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count() -> u32 {
        let mut gs = 0;
        allgs::for_each_thread(|_| gs += 1);
        gs
    }

    thread_local! {
        static LAST: Last = const { Last };
    }

    /// Its destructor comes last, as it was used first.
    struct Last;

    impl Drop for Last {
        fn drop(&mut self) {
            assert_eq!(tid_of(foreign_g()), gettid());
        }
    }

    /// As a C library's: it asks for each round that there is, and needs a G in it.
    fn in_each_round() {
        LIBRARY.ask();
        assert_eq!(tid_of(foreign_g()), gettid());
    }
    static LIBRARY: ThreadEnd = ThreadEnd::new(in_each_round);

    /// Lives of threads that take a G as late as can be.
    fn live(first_at_the_end: bool) {
        LIBRARY.ask();
        LAST.with(|_| ());
        if !first_at_the_end {
            foreign_g();
        }
    }

    #[test]
    fn no_g_is_lost_however_late_it_was_taken() {
        live(true); // our key is older than END, or younger: both orders are met
        let before = count();
        for i in 0..3000 {
            std::thread::spawn(move || live(i % 2 == 0)).join().unwrap();
        }
        let after = count();
        // Other tests make some as well. Each of those threads takes four.
        assert!(
            after <= 2 * before + 8 * allgs::SLAB as u32,
            "{before}, {after}"
        );
    }
}

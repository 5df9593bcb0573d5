//! The TLS guard decides whether a goroutine may continue on another thread, by a scan for
//! addresses of thread-locals.
//!
//! The compiler assumes that a function stays on its thread: it may keep the address of a
//! thread-local in a register or a stack slot across the call that suspends. The switch spills
//! every register, so all such addresses are in the goroutine's live stack. Before a goroutine
//! that has started continues on another M than its last, the guard scans its live stack for
//! words within the last M's window (`ext/linux/tls_ranges.rs`). If it finds one, the goroutine
//! is *tainted*, and stays on that M (`ext/placement/tied.rs`).
//!
//! The guard works like a conservative collector: it may keep a goroutine without need, but it
//! misses no address. A goroutine that was found tainted is scanned each time it suspends from
//! then on. So its M knows that its thread will be needed, and starts no goroutine there that may
//! keep the thread for long. A goroutine that suspends in the middle of a panic is locked to its
//! M until the panic is over: std counts panics per thread. `core/sched/README.md#tls-guard` says
//! more.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};

use crate::core::base::owner_cell::OwnerCell;
use crate::core::g::goroutine::GRef;
use crate::core::m::machine::M;
use crate::ext::allgs;
use crate::ext::latency;
use crate::ext::pins::{
    ABOUT_ITS_WAY_BACK, COUNTED, LOOK, LOOKED_AT, OVERSTAYED, OVERSTAYED_ONE, OVERSTAYS,
    PANICKING, SENT_HOME, UNKNOWN,
};
use crate::ext::stackalloc::SlotRef;
use crate::ext::stopped::State;
use crate::ext::thread_locals::tls_scan::is_tainted;
use crate::ext::threads::allm::{all_ms, m_of};

/// The guard as a whole.
struct Guard {
    off: OwnerCell<bool>,
    /// Goroutines that are `COUNTED`, on all Ms.
    known: AtomicU32,
    /// What Ms that have ended did.
    gone: [AtomicU64; 3],
}

static GUARD: Guard = Guard {
    off: OwnerCell::zero(),
    known: AtomicU32::new(0),
    gone: [const { AtomicU64::new(0) }; 3],
};
/// With more of them, the next goroutine that runs for the first time will rather be one more of
/// them than a hog: it had better share a thread with them than spread them over many.
const FEW: u32 = 3;

/// Lets every goroutine go: by the user's promise (`Builder::without_tls_guard`).
pub(crate) fn switch_off() {
    GUARD.off.set(true);
}

/// On `m`, when `g` has just left its stack: is there anything to do? Also if it is recorded.
#[inline]
pub(crate) fn is_noted(m: &'static M, g: GRef) -> bool {
    g.stay.get() != 0 || is_noted_of_thread(m)
}

/// The part of that which is the same for all goroutines.
#[inline]
pub(crate) fn is_noted_of_thread(m: &'static M) -> bool {
    std::thread::panicking() || m.tls_ranges.is_stale()
}

/// Then, if so, before another thread can have it.
pub(crate) fn leaves(m: &'static M, g: GRef) {
    let was = g.stay.get();
    let overstayed = if was & OVERSTAYS != 0 {
        OVERSTAYED
    } else {
        (was & OVERSTAYED).saturating_sub(OVERSTAYED_ONE)
    };
    let mut stay = was & (LOOK | LOOKED_AT) | overstayed;
    if std::thread::panicking() {
        if g.locked_m.get().is_none() {
            stay |= PANICKING;
            g.locked_m.set(Some(m.id));
            m.add_locked();
            m.affinity.pins.add(1);
        }
    } else if GUARD.off.peek() {
        stay &= !LOOK;
    } else if m.tls_ranges.is_stale() {
        stay |= UNKNOWN;
        m.affinity.stale.store(true, Relaxed);
    } else if stay & LOOK != 0 {
        if is_tainted_at(m, g) {
            stay |= COUNTED;
            m.affinity.waiting.fetch_add(1, Relaxed);
            GUARD.known.fetch_add(1, Relaxed);
        } else {
            stay &= !LOOK;
            m.affinity.left_last.set(None); // it was looked at: no need to again
        }
    }
    g.stay.set(stay);
}

/// One that was counted has gone on.
fn uncount(m: &M) {
    let waiting = &m.affinity.waiting;
    let _ = waiting.fetch_update(Relaxed, Relaxed, |n| n.checked_sub(1));
    GUARD.known.fetch_sub(1, Relaxed);
}

/// `g`, which has left its stack, holds addresses of `m`'s thread-locals.
fn is_tainted_at(m: &M, g: GRef) -> bool {
    g.stack
        .get()
        .is_some_and(|slot| is_tainted(&m.tls_ranges, slot))
}

/// `g` is about to run for the first time.
#[inline]
pub(crate) fn starts(g: GRef) {
    g.stay.set(g.stay.get() | LOOK);
}

/// `g` keeps its thread for long: it was preempted, or lost its P in the kernel. On that thread.
pub(crate) fn overstayed(g: GRef) {
    g.stay.set(g.stay.get() | OVERSTAYS);
    latency::watch_if_timed(g); // it may have been in the kernel when all others were told
}

/// `m` has picked `g`. May that one keep the thread for long, and is there another goroutine that
/// needs this very thread? Nobody knows how long one will run that has not yet; of others, their
/// last runs tell.
#[inline]
pub(crate) fn should_step_aside(m: &'static M, g: GRef) -> bool {
    let new = g.stack.get().is_none() && GUARD.known.load(Relaxed) <= FEW;
    let suspect = new || g.stay.get() & OVERSTAYED != 0;
    suspect
        && (m.affinity.waiting.load(Relaxed) != 0 || m.affinity.left_last.get().is_some())
        && is_needed_by_others(m, g)
}

#[inline(never)]
fn is_needed_by_others(m: &'static M, g: GRef) -> bool {
    let at_home = g.last_m.is(m.incarnation());
    if GUARD.off.peek()
        || g.locked_m.get().is_some()
        || g.stay.get() & ABOUT_ITS_WAY_BACK != 0
        || at_home && is_tainted_at(m, g)
    {
        return false; // it must run here, or nobody minds
    }
    m.affinity.waiting.load(Relaxed) != 0
        || m.affinity.left_last.get().is_some_and(|last| {
            // It may be on its way elsewhere: then what is read here is of no consequence.
            !last.same(g) && last.last_m.is(m.incarnation()) && is_tainted_at(m, last)
        })
}

/// On `m`, when `g` is about to run, if its word says anything `ABOUT_ITS_WAY_BACK`.
#[cold]
pub(crate) fn arrives(m: &'static M, g: GRef) {
    let stay = g.stay.get();
    if stay & PANICKING != 0 {
        g.locked_m.set(None);
        m.remove_locked();
    }
    if stay & COUNTED != 0 {
        uncount(m);
    }
    let tied = stay & (COUNTED | SENT_HOME) != 0;
    let look = if tied { LOOK } else { 0 };
    g.stay.set(stay & !ABOUT_ITS_WAY_BACK | look);
}

/// May `g` continue on `m`? On its last M, and before its first run, it always may.
#[inline]
pub(crate) fn may_resume(m: &'static M, g: GRef) -> bool {
    if g.last_m.is(m.incarnation()) {
        return true;
    }
    match g.stack.get() {
        None => true,
        Some(slot) => may_move(m, g, slot),
    }
}

/// It has started, on another M.
#[inline(never)]
fn may_move(m: &'static M, g: GRef, slot: SlotRef) -> bool {
    if GUARD.off.peek() {
        return true;
    }
    let Some(home) = m_of(g.last_m.load(Relaxed)) else {
        // Its thread has ended, after a look whether that was possible.
        let stay = g.stay.get();
        if stay & COUNTED != 0 {
            GUARD.known.fetch_sub(1, Relaxed);
            g.stay.set(stay & !COUNTED);
        }
        return true;
    };
    m.affinity.scans.add(1);
    let tainted = is_tainted(&home.tls_ranges, slot);
    if tainted {
        m.affinity.taints.add(1);
    }
    let stay = g.stay.get();
    let tied = tainted || stay & (UNKNOWN | PANICKING) != 0;
    if tied {
        m.affinity.pins.add(1);
        g.stay.set(stay | SENT_HOME);
    } else if stay & COUNTED != 0 {
        // Its window is another one since: a module was loaded.
        uncount(home);
        g.stay.set(stay & !COUNTED);
    }
    !tied
}

/// Does a goroutine depend on the thread of `m`, the calling one, which would end? `last` has just
/// left its stack there. Whoever picks such a one meanwhile finds the same: it stands still, and
/// so does the window.
pub(crate) fn is_needed(m: &'static M, last: GRef) -> bool {
    if m.locked() != 0 || needs(m, last, COUNTED | UNKNOWN) {
        return true; // without a look at all the others
    }
    let mut needed = false;
    allgs::for_each(|g| {
        needed = needed
            || needs(m, g, UNKNOWN)
            // One that goes on elsewhere meanwhile does not: what was read of it means nothing.
            || needs(m, g, 0) && is_tainted_at(m, g) && needs(m, g, 0);
    });
    needed && !GUARD.off.peek()
}

/// `g`, a goroutine that has started, ran on `m` last, and `stay` is known of it, if anything.
fn needs(m: &M, g: GRef, stay: u16) -> bool {
    g.last_m.is(m.incarnation())
        && !g.is_thread()
        && g.status.state() != State::Dead
        && g.stack.peek().is_some()
        && (stay == 0 || g.stay.peek() & stay != 0)
}

/// What the guard has done so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) scans: u64,
    pub(crate) taints: u64,
    pub(crate) pins: u64,
}

/// The thread of `m` is about to end.
pub(crate) fn keep_counts(m: &M) {
    let counters = [&m.affinity.scans, &m.affinity.taints, &m.affinity.pins];
    for (sum, counter) in GUARD.gone.iter().zip(counters) {
        sum.fetch_add(counter.take(), Relaxed);
    }
}

/// Of all Ms.
pub(crate) fn counts() -> Counts {
    let [scans, taints, pins] = [0, 1, 2].map(|i| GUARD.gone[i].load(Relaxed));
    let mut sum = Counts {
        scans,
        taints,
        pins,
    };
    for m in all_ms() {
        sum.scans += m.affinity.scans.peek();
        sum.taints += m.affinity.taints.peek();
        sum.pins += m.affinity.pins.peek();
    }
    sum
}

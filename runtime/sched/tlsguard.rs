//! May this goroutine go on on another thread? The scan for addresses of thread-locals.
//!
//! The compiler takes the thread for fixed: it may keep the address of a thread-local in a
//! register or a stack slot across the call that suspends. The switch spills every register, so
//! all such addresses stand in the goroutine's live stack. Before a goroutine that has started
//! goes on on another M than the last, its live stack is looked through for words within the
//! last M's window (`sys/tls.rs`). Found: it is *tainted*, and stays (`sched/affinity.rs`).
//!
//! Like a conservative collector: it may keep a goroutine needlessly, it misses no address.
//! `sched/tls-guard.md` says more.
#![allow(unsafe_code, reason = "reads a suspended goroutine's stack")]

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use crate::g::goroutine::GRef;
use crate::m::machine::M;
use crate::sched::threads::{self, all_ms};
use crate::stack::Slot;
use crate::sys::tls::Window;

/// Nothing known against it: look.
const FREE: u8 = 0;
/// It left while its M's window was out of date.
const UNKNOWN: u8 = 1;
/// It left in the middle of a panic, which std counts per thread: its M is kept for it.
const PANICKING: u8 = 2;

static OFF: AtomicBool = AtomicBool::new(false);

/// Lets every goroutine go: by the user's promise (`Builder::without_tls_guard`).
pub(crate) fn switch_off() {
    OFF.store(true, Relaxed);
}

/// On `m`, when `g` has just left its stack and before anybody else can have it.
#[inline]
pub(crate) fn left(m: &'static M, g: GRef) {
    if std::thread::panicking() || m.window.is_stale() {
        left_tied(m, g);
    }
}

#[cold]
fn left_tied(m: &'static M, g: GRef) {
    if std::thread::panicking() {
        g.stay.store(PANICKING, Relaxed);
        m.affinity.kept_for.store(Some(g), Relaxed);
    } else if !OFF.load(Relaxed) {
        g.stay.store(UNKNOWN, Relaxed);
        m.affinity.stale.store(true, Relaxed);
    }
}

/// `m` is about to resume `g`: true if it may. On its last M a goroutine always may.
#[inline]
pub(crate) fn may_resume(m: &'static M, g: GRef, slot: &Slot) -> bool {
    let stay = g.stay.load(Relaxed);
    if g.last_m.load(Relaxed) != m.id {
        return may_move(m, g, slot, stay);
    }
    if stay != FREE {
        back_home(m, g);
    }
    true
}

#[cold]
fn back_home(m: &'static M, g: GRef) {
    if g.stay.load(Relaxed) == PANICKING {
        m.affinity.kept_for.store(None, Relaxed);
    }
    g.stay.store(FREE, Relaxed);
}

/// `g` last ran elsewhere.
#[inline(never)]
fn may_move(m: &'static M, g: GRef, slot: &Slot, stay: u8) -> bool {
    let off = OFF.load(Relaxed);
    if off && stay != PANICKING {
        return true;
    }
    let tied = stay != FREE || is_tainted(m, g, slot);
    if tied {
        bump(&m.affinity.pins);
    }
    !tied
}

fn is_tainted(m: &'static M, g: GRef, slot: &Slot) -> bool {
    bump(&m.affinity.scans);
    let (from, to) = (slot.saved_sp(), slot.body_sp().load(Relaxed));
    let whole = slot.limit() <= from && from <= to && to <= slot.end();
    let Some(home) = threads::m_by_id(g.last_m.load(Relaxed)) else {
        return false;
    };
    // A goroutine that was suspended on some other stack than its own cannot be seen through.
    // SAFETY: the goroutine is suspended and ours, and lives between the two in its slot.
    let tainted = !whole || unsafe { holds_address(&home.window, from, to) };
    if tainted {
        bump(&m.affinity.taints);
    }
    tainted
}

/// Counters of an M's own.
fn bump(counter: &std::sync::atomic::AtomicU64) {
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}

/// Is there a word in `[from, to)` that is an address in the window? Aligned words only: no
/// compiler spills a pointer elsewhere.
///
/// # Safety
/// The range is mapped, and nobody writes to it.
unsafe fn holds_address(window: &Window, from: usize, to: usize) -> bool {
    let words = from.next_multiple_of(8) as *const usize;
    let count = (to / 8).saturating_sub(from.div_ceil(8));
    // SAFETY: the caller's promise. What a program left unwritten there are words to us all
    // the same: the compiler cannot see where they come from.
    let words = unsafe { std::slice::from_raw_parts(words, count) };
    let (start, len) = window.main();
    any_within(words, start, len) || window.others().any(|(s, l)| any_within(words, s, l))
}

/// Is one of them in `[start, start + len)`? Without a branch within a block, so that it is
/// done with vectors.
#[inline]
fn any_within(words: &[usize], start: usize, len: usize) -> bool {
    let within = |w: &usize| w.wrapping_sub(start) < len;
    let mut blocks = words.chunks_exact(16);
    blocks.any(|block| block.iter().fold(false, |any, w| any | within(w)))
        || blocks.remainder().iter().any(within)
}

/// What the guard has done so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) scans: u64,
    pub(crate) taints: u64,
    pub(crate) pins: u64,
}

/// Of all Ms.
pub(crate) fn counts() -> Counts {
    let mut sum = Counts::default();
    for m in all_ms() {
        sum.scans += m.affinity.scans.load(Relaxed);
        sum.taints += m.affinity.taints.load(Relaxed);
        sum.pins += m.affinity.pins.load(Relaxed);
    }
    sum
}

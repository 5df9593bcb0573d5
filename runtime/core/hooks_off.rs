//! Replaces `core/hooks.rs` where there are no extras: the hooks only start threads, map stacks
//! and detect a deadlock.
#![allow(clippy::unnecessary_wraps, reason = "the extras may fail")]
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};

use crate::core::base::m_id::MId;
use crate::core::base::owner_cell::{OwnerCell, OwnerRef};
use crate::core::g::context::Switch;
use crate::core::g::goroutine::{G, GRef};
use crate::core::g::status::Enqueue;
use crate::core::m::enter::{Call, NoPreempt};
use crate::core::m::machine::M;
use crate::core::p::processor::{LentP, P};
use crate::core::p::run_queue::{Slept, Source};
use crate::core::sched::idle;
use crate::core::sched::schedt::{SCHED, SchedGuard};
use crate::core::sched::schedule::{Next, m_start};
use crate::core::sched::wake::Owed;
use crate::core::sched::wake::hand_over;
use crate::core::sys::clock::{Nanos, nanotime};
use crate::core::sys::fatal::fatal;

use crate::core::plain_stack;
pub(crate) use crate::core::plain_stack::{Slot, SlotRef};

/// How many Ps.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) procs: u32,
}

/// Who wants to know the G and its id.
#[derive(Debug, Default)]
pub(crate) struct Birth(pub(crate) Option<Arc<OnceLock<(GRef, u64)>>>);

#[derive(Debug)]
pub(crate) struct StackSpec;

pub(crate) type StackError = Infallible;

#[derive(Debug)]
pub(crate) struct GExt {
    /// Of `park` and `unpark`: `api/small/thread.rs`.
    pub(crate) token: AtomicU32,
}

#[derive(Debug)]
pub(crate) struct MExt;

#[derive(Debug)]
pub(crate) struct PExt;

#[derive(Debug)]
pub(crate) struct SchedExt {
    /// Main goroutines that run or wait.
    pub(crate) mains: AtomicU32,
}

/// Last in, first out. Under the scheduler's lock.
#[derive(Debug)]
pub(crate) struct IdleMs {
    first: OwnerRef<M>,
    len: OwnerCell<u32>,
}

impl GExt {
    pub(crate) fn new() -> GExt {
        GExt {
            token: AtomicU32::new(0),
        }
    }

    #[inline]
    pub(crate) fn note_wait(&self, _what: usize) {}
}

impl MExt {
    pub(crate) fn new() -> MExt {
        MExt
    }

    /// Nobody takes a P away: whether a goroutine is inside of the runtime does not matter.
    #[inline]
    pub(crate) fn depth(&self) -> u32 {
        1
    }
}

impl PExt {
    pub(crate) fn new() -> PExt {
        PExt
    }
}

impl SchedExt {
    pub(crate) const fn new() -> SchedExt {
        SchedExt {
            mains: AtomicU32::new(0),
        }
    }
}

impl IdleMs {
    pub(crate) const fn new() -> IdleMs {
        IdleMs {
            first: OwnerRef::none(),
            len: OwnerCell::zero(),
        }
    }

    pub(crate) fn push(&self, m: &'static M) {
        m.idle_link.set(self.first.get());
        self.first.set(Some(m));
        self.len.add(1);
    }

    pub(crate) fn pop(&self) -> Option<&'static M> {
        let m = self.first.get()?;
        self.first.set(m.idle_link.take());
        self.len.sub(1);
        Some(m)
    }
}

// Start.

pub(crate) fn configure(_: &Settings) -> Result<(), StackError> {
    Ok(())
}

pub(crate) fn runtime_starts(_: &Settings) {}

pub(crate) fn procs_at_start(s: &Settings) -> u32 {
    s.procs
}

pub(crate) fn runtime_has_started(_: &Settings) {}

// Threads.

/// No M is idle: one more. By whoever has work for it.
pub(crate) fn start_thread(sched: SchedGuard, p: &'static P, spinning: bool) {
    let id = MId::new(SCHED.m_count.get());
    sched.add_m(1);
    drop(sched);
    let m: &'static M = Box::leak(Box::new(M::new(id, nanotime())));
    hand_over(m, p, spinning);
    let thread = std::thread::Builder::new().name(format!("gosched-m{id}"));
    if let Err(e) = thread.spawn(move || m_start(m)) {
        fatal!("failed to create new OS thread (have m0 to {id} already): {e}");
    }
}

#[inline]
pub(crate) fn wants_spare() -> bool {
    false
}

pub(crate) fn make_spare() {}

pub(crate) fn on_thread(_: &'static M, m_loop: &mut dyn FnMut()) {
    m_loop();
}

pub(crate) fn m_starts(_: &'static M) -> Option<()> {
    Some(())
}

/// In the loop: the P that it was made for.
pub(crate) fn m_is_up(m: &'static M) {
    idle::wait_for_p(m);
}

/// All Ms sleep, and nothing is in a queue: main waits for ever. (What a plain thread would still do
/// does not count.)
pub(crate) fn check_if_last() {
    let sched = SCHED.lock();
    let asleep = sched.idle_ms.len.get() == sched.m_count.get();
    let dead = asleep && sched.global_len() == 0 && sched.mains.load(Relaxed) != 0;
    drop(sched);
    if dead {
        fatal!("all goroutines are asleep - deadlock!");
    }
}

// A pick.

#[inline]
pub(crate) fn is_stopping() -> bool {
    false
}

#[inline]
pub(crate) fn stops_for_world(_: &'static M) -> bool {
    false
}

#[inline]
pub(crate) fn run_own_due(_: &NoPreempt, _: &'static M, _: &'static P) -> bool {
    false
}

#[inline]
pub(crate) fn run_due(_: &NoPreempt, _: &'static P, _own: bool) -> bool {
    false
}

#[inline]
pub(crate) fn poll_net(_: &M, _: LentP<'_>) -> Option<GRef> {
    None
}

#[inline]
pub(crate) fn slice_is_over(_: &P) -> bool {
    false
}

#[inline]
pub(crate) fn next_of_m(_: &'static M, _: &P) -> Option<GRef> {
    None
}

pub(crate) fn next_of_m_locked(_: &SchedGuard, _: &'static M) -> Option<GRef> {
    None
}

pub(crate) fn next_starved(_: &SchedGuard, _: &P) -> Option<GRef> {
    None
}

pub(crate) fn p_that_waits(_: &SchedGuard, _: &'static M) -> Option<&'static P> {
    None
}

pub(crate) fn leave_to_others(_: &SchedGuard, _: &'static M) -> Owed {
    Owed::Nothing
}

#[inline]
pub(crate) fn p_gets_busy(_: &SchedGuard) {}

pub(crate) fn wait_for_timers(_: &'static M) -> Slept {
    Slept::NotForTimers
}

// A goroutine's life.

pub(crate) fn promise_stack(_: &Birth) -> Result<StackSpec, StackError> {
    Ok(StackSpec)
}

pub(crate) fn new_gs() -> (GRef, &'static [G]) {
    let gs: Box<[G]> = std::iter::repeat_with(G::new).take(64).collect();
    match Box::leak(gs).split_first() {
        Some((first, rest)) => (first, rest),
        None => fatal!("a slab of no Gs"),
    }
}

/// What its last goroutine left is nobody's.
#[inline]
pub(crate) fn describe(_: &NoPreempt, g: GRef, _: &Birth, _: StackSpec) {
    g.token.store(0, Relaxed);
}

#[inline]
pub(crate) fn count_spawn(_: Option<LentP<'_>>, _: GRef) {}

#[inline]
pub(crate) fn put_identity(g: GRef, id: u64, birth: Birth) {
    if let Some(place) = birth.0 {
        let _ = place.set((g, id)); // for one spawn only
    }
}

pub(crate) fn take_stack(_: LentP<'_>, _: GRef) -> Option<SlotRef> {
    Some(plain_stack::take())
}

pub(crate) fn no_stack(_: GRef) {}

pub(crate) fn begin_stack(_: SlotRef) {}

#[inline]
pub(crate) fn starts(_: GRef) {}

#[inline]
pub(crate) fn slice_begins(_: &'static M) {}

#[inline]
pub(crate) fn may_run(_: &'static M, _: GRef, _inherit: bool) -> bool {
    true
}

#[inline]
pub(crate) fn runs(_: &'static M, _: GRef, _inherits: bool) {}

#[inline]
pub(crate) fn before_switch(_: &'static M, _: GRef) {}

#[inline]
pub(crate) fn after_switch(_: &'static M, _: GRef, _: Switch) -> bool {
    true
}

#[inline]
pub(crate) fn after(_: &'static M, _: GRef) -> Next {
    Next::Anybody
}

pub(crate) fn picked(_: Source) {}

#[inline]
pub(crate) fn spawned(_: GRef) {}

pub(crate) fn p_starts(_: &'static M, _: &P) {}

pub(crate) fn p_stops(_: &'static M, _: &P) {}

#[inline]
pub(crate) fn spins(_: &'static M, _: bool) {}

pub(crate) fn m_sleeps(_: &'static M) {}

pub(crate) fn m_wakes(_: &'static M) {}

#[inline]
pub(crate) fn ends(_: GRef) {}

pub(crate) fn ended(_: &'static M, _: LentP<'_>, _: GRef, slot: SlotRef) {
    plain_stack::give(slot);
}

// The door, and waits.

#[inline(always)]
pub(crate) fn enter(m: &'static M, _: Call) -> &'static M {
    m
}

#[inline(always)]
pub(crate) fn leave(_: &'static M, _: Call) {}

#[inline]
pub(crate) fn leave_after_switch(rt: NoPreempt) {
    drop(rt);
}

#[inline]
pub(crate) fn wake(g: GRef) -> Enqueue {
    g.status.ready()
}

#[track_caller]
pub(crate) fn foreign_g() -> GRef {
    panic!("only goroutines can wait: call this inside of `gosched::run`");
}

pub(crate) fn park_thread(_: GRef) {}

pub(crate) fn waited_for_mutex(_: Nanos) {}

/// A lock may look at the clock.
pub(crate) fn steady() -> bool {
    false
}

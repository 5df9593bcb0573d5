//! Preemption by switching kernel threads: a goroutine that runs too long is stopped in a signal
//! handler, at any instruction of user code, and its P goes to another M.
//!
//! The kernel thread stays with the goroutine, asleep in the handler. So thread-locals, errno,
//! malloc's locks and vector registers all stay right. The M that later picks the goroutine gives
//! its P to the sleeping M. The rules that keep this sound are in `docs/preemption.md`; the
//! states in `core/sched/README.md#preempt`.
//!
//! Go: signal_unix.go doSigPreempt, preempt.go preemptM, proc.go gopreempt_m, startlockedm.
#![allow(unsafe_code, reason = "a signal handler")]

use std::ffi::c_void;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

use crate::core::base::m_id::AtomicMId;
use crate::core::base::owner_cell::OwnerCell;
use crate::core::g::goroutine::GRef;
use crate::core::g::status::Enqueue;
use crate::core::m::current::this_m;
use crate::core::m::machine::M;
use crate::core::p::processor::{HeldP, PStatus};
use crate::core::sched::find::whole_global;
use crate::core::sched::idle::{acquire_p, detach_p, held_p};
use crate::core::sched::schedt::SCHED;
use crate::core::sched::wake::{hand_over, wakep};
use crate::core::sys::clock::nanotime;
use crate::core::sys::fatal::fatal;
use crate::ext::latency;
use crate::ext::linux::cpu_timer;
use crate::ext::linux::dying::is_telling;
use crate::ext::linux::relay;
use crate::ext::linux::signal::{Chain, Errno, alt_stack_bytes, with_errno_kept};
use crate::ext::linux::tasks::signal_thread;
use crate::ext::linux::ucontext::{frame_pointer, program_counter, stack_pointer};
use crate::ext::preempt::deaf;
use crate::ext::preempt::handoff::{acquire_idle_p, start_lost_slice, stop_the_lost_by};
use crate::ext::preempt::pending::SLICE_OVER;
use crate::ext::preempt::retake::Entry;
use crate::ext::recording::emit;
use crate::ext::recording::record::Asleep;
use crate::ext::stopped::{Bound, Stop};
use crate::ext::thread_locals::tls_guard;
use crate::ext::threads::allm;
use crate::ext::threads::runtime_threads;
use crate::ext::timers::sched_timers;
use crate::ext::unwind::registers::{Place, here};

static URG: Chain = Chain::new(libc::SIGURG);
static ENABLED: OwnerCell<bool> = OwnerCell::zero();
static VALVE: OwnerCell<bool> = OwnerCell::<bool>::new(true);

/// `preempt_tick`: preempt whatever runs (the world is being stopped).
const PREEMPT_ANY: u64 = u64::MAX;

/// Installs the handler. Once.
pub(crate) fn install() -> Result<(), Errno> {
    relay::take_over(libc::SIGURG);
    // SAFETY: the handler below keeps to what a handler may do: see `docs/preemption.md`.
    unsafe { URG.install(on_urgent, libc::SA_RESTART) }?;
    ENABLED.set(true);
    stop_the_lost_by(libc::SIGURG);
    Ok(())
}

/// Is the handler still the one that [`install`] put there?
pub(crate) fn is_in_place() -> bool {
    URG.is_in_place(on_urgent)
}

/// Is preemption on?
pub(crate) fn enabled() -> bool {
    ENABLED.peek()
}

/// Whether the safety valve opens at all. Before the first goroutine.
pub(crate) fn set_valve(works: bool) {
    VALVE.set(works);
}

/// Asks the M to give its P up. `tick`: only if the P is still at this schedtick. One signal
/// is on its way to an M at a time. Go: m.signalPending.
pub(crate) fn preempt(m: &'static M, tick: Option<u32>) {
    // Inside, it will yield on its way out. A signal more would only disturb its CPU clock, by
    // which sysmon sees whether it is blocked in there.
    let asked_before = m.pending.is_asked(SLICE_OVER) && m.retake.depth() != 0;
    if asked_before {
        return;
    }
    let asked = tick.map_or(PREEMPT_ANY, |t| u64::from(t) + 1);
    if enabled() && m.preempt_tick.load(Relaxed) == 0 {
        deaf::note_clock(m);
    }
    // Acquire pairs(m-up): `set_up`'s Release. Without the thread's id the request would be lost,
    // and the word would stay as it is.
    if enabled() && m.preempt_tick.swap(asked, Acquire) == 0 {
        match signal_thread(m.tid.peek(), libc::SIGURG) {
            Ok(()) => return,
            Err(errno) => deaf::note_refusal(m, errno),
        }
    }
    // Not for a stopped world, which waits anyhow: who stops it in a loop would let nobody get on.
    if tick.is_some() && !m.retake.is_lost() {
        // Without signals, or while the last one has not come (its thread may block it): at the
        // next way out of the runtime. One that has no P is stopped at its next way in.
        m.pending.ask(SLICE_OVER);
    }
}

extern "C" fn on_urgent(_: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let m = this_m();
    let mut asked = m.map_or(0, |m| m.preempt_tick.swap(0, Relaxed));
    // SAFETY: the kernel's own argument.
    let by_tgkill = unsafe { (*info).si_code } == libc::SI_TKILL;
    // SAFETY: the kernel's own argument.
    let by_timer = unsafe { cpu_timer::sent(info) };
    if by_timer && let Some(m) = m {
        if m.retake.is_lost() {
            asked = PREEMPT_ANY; // it has had its moment without a P
        } else {
            m.lost_timer.stop();
        }
    }
    // A signal of somebody else's may have swallowed ours, as the kernel keeps one SIGURG a
    // thread: then it is meant for both.
    if !by_timer && (asked == 0 || !by_tgkill) && !relay::relayed(libc::SIGURG) {
        // SAFETY: the kernel's own arguments, passed on as they are.
        unsafe { URG.pass_on(info, context) };
    }
    if let Some(m) = m
        && asked != 0
    {
        // SAFETY: the kernel's own argument.
        let place = unsafe { interrupted_at(context) };
        asked_to_yield(m, asked, place);
    }
}

/// # Safety
/// As `ucontext::stack_pointer`.
unsafe fn interrupted_at(context: *const c_void) -> Place {
    Place {
        // SAFETY: the caller's promise.
        pc: unsafe { program_counter(context) },
        // SAFETY: the caller's promise.
        sp: unsafe { stack_pointer(context) },
        // SAFETY: the caller's promise.
        fp: unsafe { frame_pointer(context) },
        interrupted: true,
    }
}

fn asked_to_yield(m: &'static M, asked: u64, place: Place) {
    if m.retake.depth() != 0 {
        let tick = m.p().map(|p| p.schedtick.get());
        if asked == PREEMPT_ANY || tick.is_some_and(|t| asked == u64::from(t) + 1) {
            m.pending.ask(SLICE_OVER); // honoured on the way out: core/m/enter.rs
        }
        return;
    }
    let alt = m.alt_stack.get();
    if (alt..alt + alt_stack_bytes()).contains(&place.sp) {
        return; // another handler of the user's runs on this stack: not now
    }
    if is_telling() {
        return; // others may wait for the end of the process with all Ps
    }
    with_errno_kept(|| {
        m.retake.enter();
        m.stopped_at.set(place);
        std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
        in_handler(m, asked);
        std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
        m.retake.leave();
    });
}

/// Inside the runtime now, on the signal stack.
fn in_handler(m: &'static M, asked: u64) {
    let Some(g) = m.curg() else { return };
    g.panics.look();
    if m.retake.contested() && m.retake.settle() == Entry::Lost {
        m.set_p(None);
        without_p(m, g, Stop::InHandler);
        return;
    }
    let p = held_p(m);
    if SCHED.stopping.peek() {
        stop_in_place(m, p, g, Stop::InHandler);
    } else if asked == u64::from(p.schedtick.get()) + 1 {
        give_way(m, p, g, Stop::InHandler);
    }
}

/// The slice of a goroutine at the door is over, or the world is being stopped: gives up its P if
/// another M can take it, and returns when it has one again.
pub(crate) fn slice_over(m: &'static M, g: GRef) {
    let p = held_p(m);
    if SCHED.stopping.peek() {
        stop_in_place(m, p, g, Stop::AtDoor);
    } else {
        give_way(m, p, g, Stop::AtDoor);
    }
}

/// Out of the kernel, without a P: off the CPU, unless a P is idle.
pub(crate) fn without_p(m: &'static M, g: GRef, at: Stop) {
    let Err(sched) = acquire_idle_p(m, g) else {
        latency::watch_if_timed(g); // it may have been in the kernel when all others were told
        return;
    };
    emit::leaves(m, g);
    tie(m, g, at);
    if g.status.stopped_without_p(at) == Enqueue::Mine {
        sched.push_global(g);
    }
    drop(sched);
    sleep_bound(m, g);
}

/// The time slice is over and others wait: the goroutine to the global tail, the P to another M.
fn give_way(m: &'static M, p: HeldP, g: GRef, at: Stop) {
    if !SCHED.has_work_for(&p) && !sched_timers::is_overdue(&p, nanotime()) {
        return;
    }
    let sched = whole_global(p.lend());
    let Some(successor) = sched.pop_idle_m() else {
        // Nobody to go on with: neither a handler nor the runtime must make threads. The spawner
        // will have one by the next tick.
        drop(sched);
        wakep(); // nobody saw those that have yielded on their way to the global queue
        runtime_threads::wake_spawner();
        return;
    };
    emit::stops_in_place(m, g, false);
    bind(m, g, at);
    sched.push_global(g);
    p.begin_slice(); // who is next does not inherit one that is over
    let p = detach_p(m, p);
    let last = SCHED.wants_spare();
    drop(sched);
    hand_over(successor, p, false);
    if last {
        runtime_threads::wake_spawner();
    }
    sleep_bound(m, g);
}

/// The world is being stopped: the goroutine stays first in line on its own P.
fn stop_in_place(m: &'static M, p: HeldP, g: GRef, at: Stop) {
    let sched = SCHED.lock();
    if !SCHED.stopping.peek() {
        return;
    }
    emit::stops_in_place(m, g, true);
    bind(m, g, at);
    p.put_next(g, |batch| sched.global().append(batch));
    detach_p(m, p).set_status(PStatus::Stopped);
    sched.p_stopped();
    drop(sched);
    sleep_bound(m, g);
}

fn bind(m: &M, g: GRef, at: Stop) {
    tie(m, g, at);
    g.status.stopped(at);
}

fn tie(m: &M, g: GRef, at: Stop) {
    g.bound_m.set(Some(m.id));
    m.bound_asleep.set(at == Stop::InHandler);
    tls_guard::overstayed(g);
}

/// Sleeps, on the goroutine's stack or in the handler, until the M is given a P; in the handler
/// also until the valve lets it go on without.
fn sleep_bound(m: &'static M, g: GRef) {
    if !m.bound_asleep.get() {
        m.stopped_at.set(here()); // on the goroutine's own stack, at the door
    }
    emit::m_sleeps_for(m, Asleep::InPlace);
    m.note.sleep();
    emit::m_wakes(m);
    m.bound_asleep.set(false);
    m.pending.clear();
    match m.next_p.take() {
        Some(p) => {
            acquire_p(m, p);
            p.begin_slice();
            emit::goes_on_in_place(m, g);
        }
        None if g.status.may_run_without_p() => {
            emit::through_valve(m, g);
            m.retake.set_lost();
        }
        None => fatal!("m{} was woken with its goroutine, and without a P", m.id),
    }
}

/// Called by the M that picked a goroutine which is bound to another: gives its P to that one.
/// `Asleep`: done, the caller has no P any more. `bound_m` may be stale, the status decides.
pub(crate) fn resume_bound(m: &'static M, g: GRef) -> Bound {
    let bound = take_bound(g);
    if bound == Bound::Asleep {
        let owner = bound_to(g);
        let p = held_p(m);
        hand_over(owner, detach_p(m, p), false);
    }
    bound
}

/// Called by who has taken `g` out of its queue. `Asleep`: the caller has to wake its M, with a P.
pub(crate) fn take_bound(g: GRef) -> Bound {
    let bound = g.status.resume_bound();
    if bound == Bound::Runnable {
        g.bound_m.set(None);
    }
    bound
}

/// The M in whose handler `g` was stopped. Called by the thread that has just won the right to
/// wake it.
pub(crate) fn bound_to(g: GRef) -> &'static M {
    match g.bound_m.get().and_then(allm::m_by_id) {
        Some(m) => m,
        None => fatal!("goroutine {} is bound to a thread that is gone", g.id()),
    }
}

/// The safety valve: lets one preempted goroutine run without a P. Returns `false` if there is
/// none. Round about, as each gets a moment only and it may be the last one that matters.
pub(crate) fn open_valve() -> bool {
    static LAST: AtomicMId = AtomicMId::none();
    if !VALVE.peek() {
        return false;
    }
    let last = LAST.get();
    let candidates = || allm::all_ms().filter(|m| m.bound_asleep.peek());
    let after = candidates().filter(|m| Some(m.id) > last);
    let before = candidates().filter(|m| Some(m.id) <= last);
    for g in after.chain(before).filter_map(M::curg) {
        if g.status.open_valve() {
            // Not the M that we found it on: it may have moved since, and been stopped again.
            let m = bound_to(g);
            LAST.set(Some(m.id));
            start_lost_slice(m);
            m.note.wake();
            return true;
        }
    }
    false
}

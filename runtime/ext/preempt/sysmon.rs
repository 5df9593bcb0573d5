//! sysmon, the monitor: a thread without a P that prevents starvation.
//!
//! At every tick it looks at each busy P. A goroutine that runs for 10 ms while others wait is
//! preempted. An M that is blocked in the kernel loses its P. An M that computes without a P is
//! stopped, if it has no timer for that. If an M is blocked *inside* the runtime, or the spawner
//! is, the safety valve opens. Ticks are 20 us apart when there is something to do, up to 10 ms
//! when not, but not past the next timer, and there are none while every P is idle. sysmon does
//! not allocate or sleep on a lock: the holder of malloc's lock, or of the scheduler's lock, may
//! need sysmon to continue.
//!
//! Go: proc.go sysmon, retake.
#![forbid(unsafe_code)]

use crate::core::base::atomic::spin_hint;
use crate::core::base::owner_cell::OwnerCell;
use crate::core::hooks;
use crate::core::m::machine::M;
use crate::core::p::processor::{MAX_PS, P, PStatus};
use crate::core::sched::schedt::{SCHED, SchedGuard};
use crate::core::sys::clock::{Nanos, nanotime};
use crate::ext::diagnostics::exit_watcher;
use crate::ext::diagnostics::schedtrace;
use crate::ext::linux::coarse;
use crate::ext::linux::cpu_time::{is_blocked_in_kernel, thread_cpu_time};
use crate::ext::linux::helper;
use crate::ext::linux::membarrier;
use crate::ext::linux::tasks::{exact_timeouts, nanosleep};
use crate::ext::preempt::deaf::{self, Teller};
use crate::ext::preempt::handoff::{LOST_SLICE, hand_off_locked, take_from};
use crate::ext::preempt::nap::{self, work_waits};
use crate::ext::preempt::pending::THREAD_WANTED;
use crate::ext::preempt::preempt_signal;
use crate::ext::preempt::retake::Thief;
use crate::ext::scavenge::scavenger::{self, Scavenger};
use crate::ext::settings::config::steady;
use crate::ext::settings::default_procs;
use crate::ext::threads::{allm, runtime_threads};
use crate::ext::timers::last_awake::check_if_last;
use crate::ext::timers::sched_timers;

const US: Nanos = 1_000;
const MS: Nanos = 1_000 * US;
const STACK: usize = (256 << 10) + 2 * size_of::<[SysmonTick; MAX_PS]>();
/// Shortest time between ticks, and rounds before it gets longer. Go: sysmon.
const DELAY_MIN: Nanos = 20 * US;
const IDLE_ROUNDS: u32 = 50;
/// Idle rounds before it goes to sleep for good.
const SLEEPY_ROUNDS: u32 = 60;
/// A time slice, unless `GOSCHED=slice=...` says otherwise. Go: forcePreemptNS.
pub(crate) const DEFAULT_SLICE: Nanos = 10 * MS;
static SLICE: OwnerCell<u64> = OwnerCell::<u64>::new(DEFAULT_SLICE);
/// For each nanosecond that a look at those without a P took, so many pass without one.
const LOST_REST: Nanos = 100;
/// A thread that takes longer than this to be made is waiting for something, or the machine is
/// so busy that it does not matter.
const SPAWNER_PATIENCE: Nanos = 10 * MS;
/// For so long a thread must have used no CPU, if nothing else is known.
const UNTOLD_PATIENCE: Nanos = 10 * MS;

/// What was seen of a P at the last tick.
struct SysmonTick {
    schedtick: u32,
    syscalltick: u32,
    since: Nanos,
    tid: i32,
    cpu: Nanos,
    /// Ticks in a row with the same CPU time.
    still: u32,
    /// Since when it has been the same.
    still_since: Nanos,
}

const UNWATCHED: SysmonTick = SysmonTick {
    schedtick: 0,
    syscalltick: 0,
    since: 0,
    tid: 0,
    cpu: 0,
    still: 0,
    still_since: 0,
};

impl SysmonTick {
    /// The same slice on the same thread as at the last tick.
    fn look_again(&mut self, now: Nanos) {
        let cpu = thread_cpu_time(self.tid).unwrap_or(0);
        if cpu == self.cpu {
            self.still += 1;
        } else {
            (self.cpu, self.still, self.still_since) = (cpu, 0, now);
        }
    }
}

/// What a tick saw.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    Quiet,
    /// Something was done, or will be if the next tick sees it again: soon.
    Busy,
}

/// What was seen of the spawner.
struct SpawnerWatch {
    threads: u32,
    since: Nanos,
}

/// How long a goroutine runs while others wait.
pub(crate) fn slice() -> Nanos {
    SLICE.peek()
}

/// Starts the monitor, soon: by the spawner, as the second thread after the first M, and again if
/// it is refused. Once.
pub(crate) fn start(slice: Nanos) {
    SLICE.set(slice);
    runtime_threads::have_made(|| helper::start(c"gosched-sysmon", STACK, sysmon).is_ok());
}

fn sysmon(_: &'static ()) {
    runtime_threads::set_sysmon();
    exit_watcher::is_ours();
    exact_timeouts();
    // Until now this thread counted as an unknown thread, which could have woken a goroutine.
    check_if_last();
    let mut watches = [const { UNWATCHED }; MAX_PS]; // on the stack: where no memory is left, this thread is still needed
    let mut spawner = SpawnerWatch {
        threads: 0,
        since: 0,
    };
    let mut next_lost = 0;
    let mut rounds = 0;
    let mut delay = DELAY_MIN;
    let born = nanotime();
    let mut traced = born;
    let mut counted = born;
    default_procs::prepare();
    let mut scavenger = Scavenger::new();
    let mut teller = Teller::new();
    loop {
        if rounds == 0 {
            delay = DELAY_MIN;
        } else if rounds > IDLE_ROUNDS {
            let max = nap::longest(slice());
            delay = (delay * 2).min(max);
        }
        nanosleep(nap::not_past_timers(delay));
        if rounds >= SLEEPY_ROUNDS && schedtrace::period().is_none() && sleep_while_idle() {
            rounds = 0;
        }
        let now = nanotime();
        coarse::set_coarse(now);
        scavenger.look(now);
        teller.look(preempt_signal::is_in_place);
        hooks::poll_if_unasked(now, lock_patiently);
        if now - counted >= default_procs::EVERY {
            counted = now;
            default_procs::look();
        }
        if let Some(period) = schedtrace::period()
            && now - traced >= period
        {
            traced = now;
            schedtrace::print(now - born);
        }
        let mut round = Round::Quiet;
        for (p, watch) in SCHED.ps().zip(watches.iter_mut()) {
            if look_at(p, watch, now) == Round::Busy {
                round = Round::Busy;
            }
        }
        if look_at_spawner(&mut spawner, now) == Round::Busy {
            round = Round::Busy;
        }
        if now >= next_lost {
            let begin = nanotime();
            stop_the_lost();
            let end = nanotime();
            next_lost = end + LOST_SLICE.max((end - begin) * LOST_REST);
        }
        rounds = if round == Round::Busy {
            0
        } else {
            rounds.saturating_add(1)
        };
    }
}

/// Sleeps while every P is idle. Returns `false` at once if some P is busy.
fn sleep_while_idle() -> bool {
    let all_idle = || SCHED.idle.load().idle_ps() == SCHED.procs();
    // Never wait for this lock: its holder may be the one who needs the valve.
    let Some(sched) = all_idle().then(|| SCHED.try_lock()).flatten() else {
        return false;
    };
    let all_idle = all_idle()
        && !SCHED.stopping.peek()
        && !(preempt_signal::enabled() && allm::all_ms().any(is_mine_to_stop));
    SCHED.sysmon_asleep.set(all_idle);
    drop(sched);
    if all_idle {
        sleep_and_scavenge();
    }
    all_idle
}

/// Sleeps until a P is busy. As long as there are stacks with memory that nobody wants, which is
/// some seconds, it gets up in between to give that back.
fn sleep_and_scavenge() {
    let mut next = scavenger::first_look(nanotime());
    while !SCHED.sysmon_note.sleep_until(next) {
        next = scavenger::while_idle(nanotime());
    }
}

/// One P, one tick.
fn look_at(p: &'static P, watch: &mut SysmonTick, now: Nanos) -> Round {
    if p.status() != PStatus::Running || steady() {
        watch.since = now;
        return Round::Quiet;
    }
    let (tick, systick) = (p.schedtick.peek(), p.syscalltick.peek());
    let same_slice = (tick, systick) == (watch.schedtick, watch.syscalltick);
    if !same_slice {
        (watch.schedtick, watch.syscalltick, watch.since) = (tick, systick, now);
    }
    let long = now - watch.since >= slice();
    let over = long && work_waits();
    if over {
        p.end_slice(tick); // on whatever thread it goes on, which may be none just now
    }
    let Some(m) = p.m.get().and_then(allm::m_by_id) else {
        return Round::Quiet;
    };
    let tid = m.tid.peek();
    if !same_slice || tid != watch.tid {
        watch.tid = tid;
        watch.cpu = thread_cpu_time(tid).unwrap_or(0);
        (watch.still, watch.still_since) = (0, now);
        if !same_slice {
            return glance(m, p, watch, now);
        }
    } else {
        watch.look_again(now);
        // The signal would wake it: then it would use CPU between two looks, and seem to compute.
        let at_once = over && m.retake.depth() == 0;
        if (at_once || watch.still > 0 && (long || is_missed(p))) && is_blocked(m, watch, now) {
            return blocked(m, watch);
        }
    }
    if over {
        preempt_signal::preempt(m, Some(tick));
        if deaf::is_deaf(m) && may_one_more_be_lost() {
            return take_p(m, tick);
        }
    }
    if SCHED.stopping.peek() && now - watch.since >= MS {
        preempt_signal::preempt(m, None); // the stopper may be a real-time thread that gets no CPU
    }
    if long && !m.affinity.queue.is_empty() {
        // They need this very thread: only a suspension helps, at the next call that may wait.
        m.pending.ask(THREAD_WANTED);
    }
    Round::Quiet
}

/// The P has got on since the last tick. But calls that are shorter than a tick would never be
/// seen: with its thread blocked now and others waiting, the next look is soon. Not where nobody
/// says that it is.
fn glance(m: &M, p: &P, watch: &SysmonTick, now: Nanos) -> Round {
    let waiting = SCHED.has_work_for(p) || sched_timers::is_overdue(p, now);
    if waiting && m.retake.depth() == 0 && is_blocked(m, watch, watch.still_since) {
        return Round::Busy;
    }
    Round::Quiet
}

/// Where nothing is known (no descriptor is left), a thread that uses no CPU for long is taken for blocked. One that
/// waits for a CPU may be taken for it, too: it loses its P, and gets it back later.
fn is_blocked(m: &M, watch: &SysmonTick, now: Nanos) -> bool {
    // Its clock goes on: it runs. That is asked first, as it is some ten times cheaper.
    let runs = || thread_cpu_time(watch.tid).is_some_and(|cpu| cpu != watch.cpu);
    m.blocking.peek()
        || !runs()
            && is_blocked_in_kernel(watch.tid)
                .unwrap_or_else(|| now - watch.still_since >= UNTOLD_PATIENCE)
}

/// Could another M use a P whose thread may be blocked? Go: retake, for a P in a system call.
fn is_missed(p: &P) -> bool {
    !p.runq.is_empty() || SCHED.idle.load().all_busy()
}

/// The P's thread is blocked in the kernel: in user code it loses the P; inside the runtime
/// somebody else must let it go on.
fn blocked(m: &'static M, watch: &SysmonTick) -> Round {
    if m.retake.depth() == 0 {
        return take_p(m, watch.schedtick);
    } else if watch.still >= 2 && preempt_signal::open_valve() {
        return Round::Busy;
    }
    Round::Quiet
}

/// Passes the P of an M that is in user code on.
fn take_p(m: &'static M, tick: u32) -> Round {
    let sched = lock_patiently();
    match take_from(m, Thief::Sysmon) {
        Some(p) => {
            hand_off_locked(sched, p);
            Round::Busy
        }
        None => {
            drop(sched);
            if membarrier::refused() != 0 {
                preempt_signal::preempt(m, Some(tick)); // interrupts a system call, but somebody gets on
            }
            Round::Quiet
        }
    }
}

/// Takes the scheduler's lock without ever sleeping on it: should its holder be waiting for a
/// goroutine (which it must not, but then nobody else would notice), the valve opens.
fn lock_patiently() -> SchedGuard {
    let mut looks = 0u32;
    loop {
        if let Some(sched) = SCHED.try_lock() {
            return sched;
        }
        looks += 1;
        if looks.is_multiple_of(128) {
            nanosleep(DELAY_MIN);
            if looks > 128 * 64 {
                preempt_signal::open_valve();
            }
        } else {
            spin_hint();
        }
    }
}

/// A spawner that does not get on: a goroutine that was preempted inside of malloc, or of
/// pthread_create, may hold what it waits for; and a P waits for the spawner, or a goroutine is
/// not preempted for want of a successor.
fn look_at_spawner(watch: &mut SpawnerWatch, now: Nanos) -> Round {
    let (making, threads) = runtime_threads::making();
    if !making || threads != watch.threads {
        *watch = SpawnerWatch {
            threads,
            since: now,
        };
    } else if now - watch.since >= SPAWNER_PATIENCE && preempt_signal::open_valve() {
        return Round::Busy;
    }
    Round::Quiet
}

/// Ms that run user code without a P may do so for a moment only. Their own timers see to that;
/// here it is done for those that could have none.
fn stop_the_lost() {
    for m in allm::all_ms() {
        if is_mine_to_stop(m) && computes(m) {
            preempt_signal::preempt(m, None);
        }
    }
}

/// Without a P, and without a timer. It may be asleep in the kernel, and compute when it is back:
/// sysmon stays up meanwhile.
fn is_mine_to_stop(m: &'static M) -> bool {
    m.retake.is_lost() && !m.lost_is_timed.peek()
}

/// May the P of one more that cannot be stopped be taken? Each of them computes beside those with a
/// P from then on, on a thread that others cannot use: so not more than there are Ps.
fn may_one_more_be_lost() -> bool {
    let lost = allm::all_ms().filter(|m| m.retake.is_lost() && computes(m));
    lost.count() < SCHED.procs() as usize
}

/// Has it used more CPU than it may since it lost its P?
fn computes(m: &M) -> bool {
    let tid = m.tid.peek();
    match thread_cpu_time(tid) {
        Some(cpu) => cpu > m.lost_cpu.peek() + LOST_SLICE,
        None => false,
    }
}

//! A poll has brought one goroutine, and there is nothing else to do: the M that asked runs it, and wakes
//! no other M. It asks again when that goroutine waits.
//!
//! Meanwhile nobody sleeps for descriptors and timers. So this file also says when that is too long:
//! because such goroutines were seen to compute, or because sysmon sees it. `README.md#alone`
//!
//! Go: proc.go findRunnable, after netpoll has blocked; sysmon, its netpoll and its startm for timers.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::m::machine::M;
use crate::core::sched::schedt::SCHED;
use crate::core::sys::clock::Nanos;
use crate::core::sys::clock::nanotime;
use crate::ext::linux::cpu_time::thread_cpu_time;
use crate::ext::timers::sched_timers;

/// A goroutine that keeps its M from asking again for longer keeps others waiting. Some ten times what it
/// costs to wake an M.
const LONG: Nanos = 200_000;
/// After one that took longer, more of them are expected for so many times as long.
const AGAIN: u64 = 10;
/// One that took an hour says no more than one that took this.
const LONGEST: Nanos = 100_000_000;
/// A timer that is due so soon has an M that sleeps for it. Later ones are left to sysmon, which is less
/// exact, if it comes to that.
const SOON: Nanos = 10_000_000;
/// With a P idle, sysmon lets nobody be without an M that asks for longer.
const UNASKED: Nanos = 1_000_000;

/// Since when an M runs one alone. 0: none does, or another has begun meanwhile.
static SINCE: AtomicU64 = AtomicU64::new(0);
/// One took long: so long it is measured whether the next ones compute, or the machine is only busy.
static SUSPECTED: AtomicU64 = AtomicU64::new(0);
/// One computed for long: so long another M is woken for each.
static EXPECTED: AtomicU64 = AtomicU64::new(0);

/// `m` has taken one goroutine, and nothing else, from a poll. Returns `true` if `m` is enough for it.
pub(crate) fn begins(m: &M, now: Nanos) -> bool {
    m.net_since.set(now);
    if now < SUSPECTED.load(Relaxed) {
        m.net_cpu.set(cpu_time(m));
    }
    let alone = now >= EXPECTED.load(Relaxed);
    if alone {
        SINCE.store(now, Relaxed);
    }
    alone
}

/// `m` has run all that it could, and asks again.
#[inline]
pub(crate) fn ends(m: &M) {
    let since = m.net_since.get();
    if since != 0 {
        ended(m, since);
    }
}

fn ended(m: &M, since: Nanos) {
    m.net_since.set(0);
    let cpu = m.net_cpu.take();
    if SINCE.load(Relaxed) == since {
        SINCE.store(0, Relaxed);
    }
    let now = nanotime();
    if now - since > LONG {
        was_long(m, now, now - since, cpu);
    }
}

/// The CPU time costs a system call, so it is asked for only when the clock says that one took long.
#[cold]
fn was_long(m: &M, now: Nanos, took: Nanos, cpu: Nanos) {
    SUSPECTED.store(now + AGAIN * took.min(LONGEST), Relaxed);
    let used = cpu_time(m).saturating_sub(cpu);
    if cpu != 0 && used > LONG {
        EXPECTED.store(now + AGAIN * used.min(LONGEST), Relaxed);
    }
}

/// Of the calling thread.
fn cpu_time(m: &M) -> Nanos {
    thread_cpu_time(m.tid.peek()).unwrap_or(0)
}

/// Nothing but the one goroutine: no timer is due soon, and no goroutine needs the thread of `m`.
pub(crate) fn nothing_else(m: &M, now: Nanos) -> bool {
    !sched_timers::any_before(now + SOON) && m.affinity.queue.is_empty()
}

/// An M has made its P idle, and would sleep for descriptors and timers. It need not, if another M that
/// has a P runs one alone, and will look when that waits.
pub(crate) fn another_will_look() -> bool {
    let since = SINCE.load(Relaxed);
    since != 0 && SCHED.idle.others_busy(SCHED.procs()) && {
        let now = nanotime();
        now.saturating_sub(since) < LONG && !sched_timers::any_before(now + SOON)
    }
}

/// By sysmon, while nobody sleeps for descriptors and timers: a P is idle, and the last who asked did so
/// long ago, or a timer is due. Then an M has to look.
pub(crate) fn is_too_long(now: Nanos, last_poll: Nanos) -> bool {
    let idle = SCHED.idle.load();
    let unasked = now.saturating_sub(last_poll) >= UNASKED;
    idle.idle_ps() != 0
        && idle.spinning() == 0
        && (unasked && SCHED.io_waiters.load(Relaxed) != 0 || sched_timers::overdue(now))
}

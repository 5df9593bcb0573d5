//! The pick: **which goroutine runs next**.
//!
//! The order *is* the scheduler: at every 61st pick the global queue, then `runnext`, the local
//! queue, a share of the global queue, then stealing. Nothing: sleep.
//!
//! The full runtime: `runtime/sched/find.rs`. Go: proc.go findRunnable.
#![forbid(unsafe_code)]

use std::iter::repeat_with;
use std::thread;
use std::time::Duration;

use crate::g::GRef;
use crate::idle::Slept;
use crate::m::M;
use crate::prim::fatal;

// [find]
/// Every so many picks the global queue goes first: two goroutines that keep each other in the
/// local queue could hide it for ever. A prime, so as not to fall in step with anything.
const GLOBAL_EVERY: u32 = 61;
/// At most so many at a time come from the global queue.
const SHARE: usize = 128;
/// How often a thief goes round.
const ROUNDS: u32 = 4;
/// A goroutine in `runnext` is left alone for so long, at least: its P will probably run it sooner.
const GRACE: Duration = Duration::from_micros(3);

/// The next goroutine. Sleeps until there is one; none when main has ended.
pub(crate) fn find_runnable(m: &M) -> Option<GRef> {
    while !m.sched.is_over() {
        if let Some(g) = look(m) {
            if m.spinning.take() {
                m.sched.idle.stop_spinning();
            }
            return Some(g);
        }
        rest(m);
    }
    None
}

fn look(m: &M) -> Option<GRef> {
    every_61st_global(m)
        .or_else(|| m.shared().take_next())
        .or_else(|| counted(m, m.p.local.pop()))
        .or_else(|| counted(m, global_share(m)))
        .or_else(|| counted(m, steal(m)))
}

fn every_61st_global(m: &M) -> Option<GRef> {
    if !m.tick.get().is_multiple_of(GLOBAL_EVERY) || m.sched.global.is_empty() {
        return None;
    }
    let first = repeat_with(|| m.sched.global.steal()).find(|found| !found.is_retry())?;
    counted(m, first.success())
}

/// A pick from anywhere but `runnext` is a tick.
fn counted(m: &M, g: Option<GRef>) -> Option<GRef> {
    if g.is_some() {
        m.tick.set(m.tick.get().wrapping_add(1));
    }
    g
}

/// This P's share of the global queue: the first runs, the rest goes into the local queue, which
/// is empty.
fn global_share(m: &M) -> Option<GRef> {
    let (global, local) = (&m.sched.global, &m.p.local);
    let size = global.len();
    let share = (size / m.sched.ps.len() + 1).min(size).min(SHARE);
    while local.len() < share {
        let more = global.steal_batch_with_limit(local, share - local.len());
        if more.is_empty() {
            break;
        }
    }
    let first = local.pop();
    if share > 1 {
        m.sched.idle.wakep(); // in our hands, the others were in no queue
    }
    first
}

fn steal(m: &M) -> Option<GRef> {
    let ps = &m.sched.ps;
    if !m.spinning.get() {
        if !m.sched.idle.try_spin(ps.len()) {
            return None;
        }
        m.spinning.set(true);
    }
    for round in 1..=ROUNDS {
        let first = m.random();
        for i in 0..ps.len() {
            let victim = first.wrapping_add(i) % ps.len();
            if victim == m.id {
                continue;
            }
            if let Some(g) = ps[victim].steal_half(&m.p) {
                return Some(g);
            }
            if round == ROUNDS && !ps[victim].is_empty() {
                thread::sleep(GRACE);
                if let Some(g) = ps[victim].take_next() {
                    return Some(g);
                }
            }
        }
    }
    None
}

/// Nothing found. To look is easy; to stop looking is not: see `idle.rs`.
fn rest(m: &M) {
    let (sched, spinning) = (m.sched, m.spinning.take());
    let anything = || sched.has_work() || sched.is_over();
    let slept = sched.idle.sleep(m.id, spinning, sched.ps.len(), anything);
    if slept == Slept::AllAsleep {
        fatal("all goroutines are asleep - deadlock!");
    }
    m.spinning.set(true);
}
// [/find]

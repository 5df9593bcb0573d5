//! When the memory of idle stacks is returned to the system.
//!
//! sysmon does it, once a second while free stacks have pages to lose (`ext/scavenge/aging.rs`).
//! When every P is idle, sysmon sleeps until the next such second. When no work is left, it
//! sleeps without a deadline: this takes some dozen rounds at most, since an idle process frees
//! no stacks. Then the Ps' own caches are emptied as well.
//!
//! Go: mgcscavenge.go bgscavenge; proc.go sysmon.
#![forbid(unsafe_code)]

use crate::core::sched::schedt::SCHED;
use crate::core::sys::clock::Nanos;
use crate::ext::scavenge::aging;
use crate::ext::threads::hold::{Unheld, hold};

/// Between two looks.
const PERIOD: Nanos = 1_000_000_000;
/// Fewer stacks than these, a megabyte if they are not deep, are left in memory: an idle process
/// stays asleep.
const WORTH_IT: usize = 256;

/// For sysmon, while it is awake.
#[derive(Debug)]
pub(crate) struct Scavenger {
    next: Nanos,
}

impl Scavenger {
    pub(crate) fn new() -> Scavenger {
        Scavenger { next: 0 }
    }

    /// A part of the work, if it is time. Two milliseconds at most.
    #[inline]
    pub(crate) fn look(&mut self, now: Nanos) {
        if now >= self.next {
            self.next = aging::scavenge(now).unwrap_or(now + PERIOD);
        }
    }
}

/// Every P has just become idle: when to come, if there is anything to give back.
pub(crate) fn first_look(now: Nanos) -> Option<Nanos> {
    let kept: usize = SCHED.ps().map(|p| p.stacks_kept()).sum();
    (aging::waiting() + kept >= WORTH_IT).then_some(now + PERIOD)
}

/// Every P is still idle: does a part of the work. Returns when to call again; `None`: nothing to
/// do as long as it stays so.
pub(crate) fn while_idle(now: Nanos) -> Option<Nanos> {
    // Never wait for this lock: its holder may need sysmon to go on.
    if let Some(sched) = SCHED.try_lock() {
        // In the list and under its lock: nobody can take them from us.
        sched.for_each_idle_p(|p| hold(p, Unheld::Idle).flush_stacks());
        drop(sched);
    }
    aging::scavenge(now)
}

//! When it is worth spinning for a lock instead of sleeping.
//!
//! Go: proc.go internal_sync_runtime_canSpin, runtime_doSpin.
#![forbid(unsafe_code)]

use crate::core::base::atomic::spin_hint;

/// Rounds of spinning before a sleep, and pauses in a round.
#[cfg(not(loom))]
const ROUNDS: u32 = 4;
const PAUSES: u32 = 30;

/// May the caller spin once more, after `iteration` rounds? Only if the lock's holder may be
/// running at this moment: on another CPU, on another P; and if no goroutine waits for our P.
#[cfg(not(loom))]
pub(crate) fn can_spin(iteration: u32) -> bool {
    use crate::core::m::current::this_m;
    use crate::core::sched::schedt::SCHED;

    if iteration >= ROUNDS || cpus() <= 1 {
        return false;
    }
    let Some(m) = this_m() else {
        return true; // a plain thread keeps nobody from running
    };
    let idle = SCHED.idle.load();
    SCHED.procs() > idle.idle_ps() + idle.spinning() + 1
        && m.p().is_some_and(|p| p.runq.is_empty())
}

/// In a model the lock's holder cannot be waited for like this.
#[cfg(loom)]
pub(crate) fn can_spin(_iteration: u32) -> bool {
    false
}

/// One round.
pub(crate) fn spin() {
    for _ in 0..PAUSES {
        spin_hint();
    }
}

/// CPUs this process may use; asked for once.
#[cfg(not(loom))]
fn cpus() -> u32 {
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering::Relaxed;

    static CPUS: AtomicU32 = AtomicU32::new(0);
    match CPUS.load(Relaxed) {
        0 => {
            let n = num_cpus::get() as u32;
            CPUS.store(n.max(1), Relaxed);
            n
        }
        n => n,
    }
}

//! The default number of Ps: the number of usable CPUs, which may change.
//!
//! The usable CPUs are those of the affinity mask, but not more than the limit of the cgroup,
//! rounded up; a limit below two counts as two. sysmon checks once a second, unless it sleeps
//! because every P is idle; `ext/world/resizer.rs` does the rest. A number that the program has
//! set does not change.
//!
//! Go: runtime/cgroup_linux.go adjustCgroupGOMAXPROCS; proc.go sysmonUpdateGOMAXPROCS.
#![forbid(unsafe_code)]

use std::sync::OnceLock;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32};

use crate::core::base::owner_cell::OwnerCell;
use crate::core::p::processor::MAX_PS;
use crate::core::sched::schedt::SCHED;
use crate::core::sys::clock::Nanos;
use crate::ext::linux::cpu_limit::CpuLimit;
use crate::ext::linux::cpus;
use crate::ext::settings::config::steady;
use crate::ext::threads::runtime_threads;

/// Between two looks. Go: sysmon.
pub(crate) const EVERY: Nanos = 1_000_000_000;
/// What a limit of less than that counts as: with one P a goroutine that computes would keep all
/// others waiting for a slice, however idle the CPUs are.
const LEAST_LIMIT: u64 = 2;

/// The program has not set a number.
static AUTOMATIC: AtomicBool = AtomicBool::new(false);
/// `updatemaxprocs`
static UPDATES: OwnerCell<bool> = OwnerCell::<bool>::new(true);
/// The number that sysmon has found to be right, until the spawner handles it; 0: none.
static WANTED: AtomicU32 = AtomicU32::new(0);

/// The number to start with. What is read again later is found here, while allocating is allowed.
pub(crate) fn at_start(updates: bool) -> u32 {
    AUTOMATIC.store(true, Relaxed);
    UPDATES.set(updates);
    // It looks at the cgroup once a process, and rounds a limit to no less than one.
    let limit = num_cpus::get() as u64;
    within(Some(limit), allowed_cpus().unwrap_or(limit))
}

/// The number that it should be now. Allocates when it is called for the first time.
pub(crate) fn automatic() -> u32 {
    let limit = limit().and_then(CpuLimit::read);
    within(limit, allowed_cpus().unwrap_or(SCHED.procs().into()))
}

/// Go: adjustCgroupGOMAXPROCS.
fn within(limit: Option<u64>, cpus: u64) -> u32 {
    let n = limit.map_or(cpus, |limit| limit.max(LEAST_LIMIT).min(cpus));
    n.clamp(1, MAX_PS as u64) as u32
}

/// Those of sysmon's thread, which runs nobody's code that might change them; before there is one,
/// of the thread that calls `run`, which is as good.
fn allowed_cpus() -> Option<u64> {
    cpus::allowed(runtime_threads::sysmon_tid()).map(u64::from)
}

fn limit() -> Option<&'static CpuLimit> {
    static LIMIT: OnceLock<Option<CpuLimit>> = OnceLock::new();
    LIMIT.get_or_init(CpuLimit::find).as_ref()
}

/// Called by sysmon, before its first tick: what is found here needs memory.
pub(crate) fn prepare() {
    if watches() {
        limit();
    }
}

fn watches() -> bool {
    AUTOMATIC.load(Relaxed) && UPDATES.peek() && !steady()
}

/// Called by sysmon, every [`EVERY`]: has the number of usable CPUs changed?
pub(crate) fn look() {
    if !watches() {
        return;
    }
    let n = automatic();
    if n != SCHED.procs() {
        WANTED.store(n, Relaxed);
        runtime_threads::wake_spawner();
    }
}

/// What sysmon wants it to be, once.
pub(crate) fn take_wanted() -> Option<u32> {
    Some(WANTED.swap(0, Relaxed)).filter(|&n| n != 0)
}

/// Whether the program has not set a number.
pub(crate) fn is_automatic() -> bool {
    AUTOMATIC.load(Relaxed)
}

/// Sets whether the runtime chooses the number from now on; returns whether it did before.
pub(crate) fn set_automatic(on: bool) -> bool {
    AUTOMATIC.swap(on, Relaxed)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_limit_counts_as_two_at_least_and_cpus_are_all_there_is() {
        assert_eq!(within(None, 8), 8);
        assert_eq!(within(Some(1), 8), 2);
        assert_eq!(within(Some(1), 1), 1);
        assert_eq!(within(Some(3), 8), 3);
        assert_eq!(within(Some(9), 8), 8);
        assert_eq!(within(None, 5000), 1024);
    }

    /// num_cpus and we read the same files.
    #[test]
    fn the_number_at_the_start_is_what_it_is_later() {
        let cpus = allowed_cpus().unwrap();
        let start = within(Some(num_cpus::get() as u64), cpus);
        assert_eq!(start, within(limit().and_then(CpuLimit::read), cpus));
    }
}

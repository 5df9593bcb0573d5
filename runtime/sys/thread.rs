//! Kernel threads: ids, yielding the CPU.
#![allow(unsafe_code, reason = "gettid, sched_yield, prctl")]

/// The kernel's id of the calling thread.
pub(crate) fn gettid() -> i32 {
    // SAFETY: no preconditions.
    unsafe { libc::gettid() }
}

/// Time-outs of the calling thread end when they should, not up to 50 us later.
pub(crate) fn exact_timeouts() {
    // SAFETY: changes a number of this thread's; 1 ns is the least that is not "the default".
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) };
}

/// Lets other threads of this CPU run. Go: osyield.
pub(crate) fn osyield() {
    // SAFETY: no preconditions.
    unsafe { libc::sched_yield() };
}

/// The kernel's ids of all threads of this process; `None` where `/proc` is not to be had.
pub(crate) fn live_tids() -> Option<Vec<i32>> {
    let entries = std::fs::read_dir("/proc/self/task").ok()?;
    let tid = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.ok()?.file_name().to_str()?.parse().ok()
    };
    entries.map(tid).collect()
}

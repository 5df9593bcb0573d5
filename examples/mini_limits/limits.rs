//! The eight, by name.

/// A program of `programs.rs`.
pub(crate) struct Limit {
    pub(crate) name: &'static str,
    /// On so many Ps.
    pub(crate) procs: usize,
    /// Where the full runtime has the answer.
    pub(crate) answer: &'static str,
}

/// In the order of `programs.rs`.
pub(crate) const LIMITS: [Limit; 8] = [
    limit("endless_loop", 1, "ext/preempt/preempt_signal.rs"),
    limit("blocking_call", 1, "ext/preempt/handoff.rs"),
    limit("thread_local", 2, "ext/thread_locals/tls_guard.rs"),
    limit("many_stacks", 1, "ext/stackalloc/region.rs"),
    limit("deep_recursion", 1, "ext/growth/overflow.rs"),
    limit("lost_slice", 1, "ext/preempt/sysmon.rs"),
    limit("sleeping_timers", 1, "ext/timers/sched_timers.rs"),
    limit("foreign_thread", 1, "ext/diagnostics/deadlock.rs"),
];

const fn limit(name: &'static str, procs: usize, answer: &'static str) -> Limit {
    Limit {
        name,
        procs,
        answer,
    }
}

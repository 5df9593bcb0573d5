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
    limit("endless_loop", 1, "sched/preempt.rs"),
    limit("blocking_call", 1, "sched/handoff.rs"),
    limit("thread_local", 2, "sched/tlsguard.rs"),
    limit("many_stacks", 1, "stacks/region.rs"),
    limit("deep_recursion", 1, "stacks/overflow.rs"),
    limit("lost_slice", 1, "sched/sysmon.rs"),
    limit("sleeping_timers", 1, "sched/timers.rs"),
    limit("foreign_thread", 1, "sched/deadlock.rs"),
];

const fn limit(name: &'static str, procs: usize, answer: &'static str) -> Limit {
    Limit {
        name,
        procs,
        answer,
    }
}

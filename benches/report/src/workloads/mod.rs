//! What is measured. `tasks.rs`, `channels.rs`, `meetings.rs` and `crowd.rs` are compiled twice: with
//! gosched's `thread`, `sync` and `channel`, and with those of std and crossbeam-channel, which have
//! the same names; the first two also with mini's. So all run the same source, and what differs is
//! the scheduler.

use crate::outcome::Outcome;

pub(crate) mod green;
pub(crate) mod mini;
pub(crate) mod os;

/// Does about so many operations.
pub(crate) type Work = fn(u64) -> Outcome;

pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// What one operation is.
    pub(crate) operation: &'static str,
    pub(crate) green: Work,
    /// If it has the means.
    pub(crate) mini: Option<Work>,
    pub(crate) os: Work,
    /// Operations of a measurement, for about a tenth of a second.
    pub(crate) green_n: u64,
    pub(crate) os_n: u64,
}

/// An entry whose function has the same path on all sides; without `mini`, there is none on mini.
macro_rules! workload {
    ($name:literal, $operation:literal, $module:ident::$f:ident, $green_n:literal, $os_n:literal) => {
        workload!(@ $name, $operation, $module::$f, None, $green_n, $os_n)
    };
    (mini $name:literal, $operation:literal, $module:ident::$f:ident, $green_n:literal, $os_n:literal) => {
        workload!(@ $name, $operation, $module::$f, Some(mini::$module::$f), $green_n, $os_n)
    };
    (@ $name:literal, $operation:literal, $module:ident::$f:ident, $mini:expr, $green_n:literal, $os_n:literal) => {
        Workload {
            name: $name,
            operation: $operation,
            green: green::$module::$f,
            mini: $mini,
            os: os::$module::$f,
            green_n: $green_n,
            os_n: $os_n,
        }
    };
}

#[rustfmt::skip]
pub(crate) const ALL: &[Workload] = &[
    workload!(mini "spawn", "start a task and join it, 1000 at a time", tasks::spawn, 200_000, 4_000),
    workload!(mini "fork-join", "a fork and a join in a tree of tasks", tasks::fork_join, 75_000, 1_600),
    workload!(mini "yield", "a yield among 500 tasks that only yield", tasks::yields, 1_000_000, 50_000),
    workload!(mini "mutex", "lock, add one, unlock: 8 tasks, one mutex", tasks::mutex, 4_000_000, 2_000_000),
    workload!("barrier", "8 tasks meet", meetings::barrier, 20_000, 1_500),
    workload!(mini "ping-pong", "a message to and fro, unbuffered: one turn", channels::ping_pong, 300_000, 10_000),
    workload!(mini "pipe", "a value through a channel of 128", channels::pipe, 2_000_000, 500_000),
    workload!(mini "crossing", "the same with 4 senders and 4 receivers", channels::crossing, 2_000_000, 500_000),
    workload!("select", "a value out of one of 4 channels", meetings::select_of_4, 500_000, 200_000),
    workload!(mini "sieve", "prime sieve, a task for each prime: one hop", channels::sieve, 300_000, 10_000),
    workload!(mini "daisy", "a chain of tasks, built and gone through: one link", channels::daisy, 50_000, 2_000),
];

//! What is measured. `tasks.rs`, `channels.rs` and `crowd.rs` are compiled twice: with gosched's
//! `thread`, `sync` and `channel`, and with those of std and crossbeam-channel, which have the
//! same names. So both sides run the same source, and what differs is the scheduler.

use crate::outcome::Outcome;

pub(crate) mod green;
pub(crate) mod os;

/// Does about so many operations.
pub(crate) type Work = fn(u64) -> Outcome;

pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// What one operation is.
    pub(crate) operation: &'static str,
    pub(crate) green: Work,
    pub(crate) os: Work,
    /// Operations of a measurement, for about a tenth of a second.
    pub(crate) green_n: u64,
    pub(crate) os_n: u64,
}

/// An entry whose function has the same path on both sides.
macro_rules! workload {
    ($name:literal, $operation:literal, $module:ident::$f:ident, $green_n:literal, $os_n:literal) => {
        Workload {
            name: $name,
            operation: $operation,
            green: green::$module::$f,
            os: os::$module::$f,
            green_n: $green_n,
            os_n: $os_n,
        }
    };
}

#[rustfmt::skip]
pub(crate) const ALL: &[Workload] = &[
    workload!("spawn", "start a task and join it, 1000 at a time", tasks::spawn, 200_000, 4_000),
    workload!("fork-join", "a fork and a join in a tree of tasks", tasks::fork_join, 75_000, 1_600),
    workload!("yield", "a yield among 500 tasks that only yield", tasks::yields, 1_000_000, 50_000),
    workload!("mutex", "lock, add one, unlock: 8 tasks, one mutex", tasks::mutex, 4_000_000, 2_000_000),
    workload!("barrier", "8 tasks meet", tasks::barrier, 20_000, 1_500),
    workload!("ping-pong", "a message to and fro, unbuffered: one turn", channels::ping_pong, 300_000, 10_000),
    workload!("pipe", "a value through a channel of 128", channels::pipe, 2_000_000, 500_000),
    workload!("crossing", "the same with 4 senders and 4 receivers", channels::crossing, 2_000_000, 500_000),
    workload!("select", "a value out of one of 4 channels", channels::select_of_4, 500_000, 200_000),
    workload!("sieve", "prime sieve, a task for each prime: one hop", channels::sieve, 300_000, 10_000),
    workload!("daisy", "a chain of tasks, built and gone through: one link", channels::daisy, 50_000, 2_000),
];

//! What is measured. `tasks.rs`, `channels.rs`, `meetings.rs`, `work.rs`, `echo.rs`, `late.rs` and `crowd.rs` are compiled
//! twice: with gosched's `thread`, `sync` and `channel`, and with those of std and crossbeam-channel, which have
//! the same names; tasks, channels and work also with mini's. So all run the same source, and what differs is
//! the scheduler. Only `pool` differs: on threads it is rayon's.

use anyhow::{Context, Result};

use crate::outcome::Outcome;

pub(crate) mod green;
pub(crate) mod mini;
pub(crate) mod pool;
pub(crate) mod os;

/// Does about so many operations.
pub(crate) type Work = fn(u64) -> Outcome;

pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// What one operation is.
    pub(crate) operation: &'static str,
    /// Why threads are as fast or faster, where they are.
    pub(crate) why: &'static str,
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
    (mini $name:literal, $operation:literal, $module:ident::$f:ident, $green_n:literal, $os_n:literal, $why:expr) => {
        Workload {
            mini: Some(mini::$module::$f),
            ..workload!($name, $operation, $module::$f, $green_n, $os_n, $why)
        }
    };
    ($name:literal, $operation:literal, $module:ident::$f:ident, $green_n:literal, $os_n:literal, $why:expr) => {
        Workload {
            name: $name,
            operation: $operation,
            why: $why,
            green: green::$module::$f,
            mini: None,
            os: os::$module::$f,
            green_n: $green_n,
            os_n: $os_n,
        }
    };
}

const NEVER_WAITS: &str = "its tasks hardly ever wait, so nothing has to be switched: what is left is the work itself";
const SPINS: &str = "two threads on two CPUs hand values over while both run, without a switch; a goroutine that finds nothing \
    gives its P to the next one";
const MUTEX: &str = "std's mutex goes to the thread that happens to run, again and again; ours, as Go's, is handed over to a \
    goroutine that has waited for a millisecond";
const SAME_WORK: &str = "the computing takes the time, and that is the same on both";
const KERNEL: &str =
    "most of the time is the kernel's, which copies and delivers: that is the same on both";
const SLEEPS: &str = "the kernel lets a thread that has slept run before those that compute; a goroutine that is \
    ready waits until those before it have used their slices of up to 10 ms";

#[rustfmt::skip]
pub(crate) const ALL: &[Workload] = &[
    workload!(mini "spawn", "start a task and join it, 1000 at a time", tasks::spawn, 200_000, 4_000, NEVER_WAITS),
    workload!(mini "fork-join", "a fork and a join in a tree of tasks", tasks::fork_join, 75_000, 1_600, NEVER_WAITS),
    workload!(mini "yield", "a yield among 500 tasks that only yield", tasks::yields, 1_000_000, 50_000, SPINS),
    workload!(mini "mutex", "lock, add one, unlock: 8 tasks, one mutex", tasks::mutex, 4_000_000, 2_000_000, MUTEX),
    workload!("barrier", "8 tasks meet", meetings::barrier, 20_000, 1_500, SPINS),
    workload!(mini "ping-pong", "a message to and fro, unbuffered: one turn", channels::ping_pong, 300_000, 10_000, SPINS),
    workload!(mini "pipe", "a value through a channel of 128", channels::pipe, 2_000_000, 500_000, SPINS),
    workload!(mini "crossing", "the same with 4 senders and 4 receivers", channels::crossing, 2_000_000, 500_000, SPINS),
    workload!("select", "a value out of one of 4 channels", meetings::select_of_4, 500_000, 200_000, SPINS),
    workload!(mini "sieve", "prime sieve, a task for each prime: one hop", channels::sieve, 300_000, 10_000, SPINS),
    workload!(mini "daisy", "a chain of tasks, built and gone through: one link", channels::daisy, 50_000, 2_000, SPINS),
    workload!(mini "work-1us", "start a task that computes for 1 µs, and join it, 1000 at a time", work::us_1, 50_000, 4_000, SAME_WORK),
    workload!(mini "work-10us", "the same with 10 µs", work::us_10, 10_000, 4_000, SAME_WORK),
    workload!(mini "work-100us", "the same with 100 µs", work::us_100, 2_000, 2_000, SAME_WORK),
    workload!(mini "computing", "1 µs of computing, in 8 tasks that never wait", work::computing, 100_000, 100_000, SAME_WORK),
    workload!(mini "workers", "a job of 1 µs for 2 workers at a channel", work::workers, 50_000, 50_000, SAME_WORK),
    workload!("pool", "a job of 1 µs: a goroutine for each; on threads, rayon's pool", pool::jobs, 50_000, 50_000,
        "rayon's workers take closures from queues and never switch stacks; a goroutine for each job brings a stack along, which \
         this job does not need"),
    workload!("echo", "a request of 64 bytes over TCP and its answer, on 64 connections", echo::echo, 30_000, 30_000, KERNEL),
    workload!("lateness", "how late a sleep of 1 ms ends beside 8 tasks that compute: one in a hundred is later", late::lateness, 300, 300, SLEEPS),
];

pub(crate) fn find(name: &str) -> Result<&'static Workload> {
    let workload = ALL.iter().find(|workload| workload.name == name);
    workload.with_context(|| format!("there is no workload {name}"))
}

//! Who runs next. The protocols and their proofs are in `sched/README.md`.

pub(crate) mod state;
pub(crate) mod config;
pub(crate) mod names;
pub(crate) mod threads;
pub(crate) mod deadlock;
pub(crate) mod wake;
pub(crate) mod ready;
pub(crate) mod timers;
pub(crate) mod park;
pub(crate) mod body;
pub(crate) mod segment;
pub(crate) mod exit;
pub(crate) mod idle;
pub(crate) mod find;
pub(crate) mod handoff;
pub(crate) mod preempt;
pub(crate) mod locked;
pub(crate) mod schedtrace;
pub(crate) mod scavenge;
pub(crate) mod sysmon;
pub(crate) mod run;
pub(crate) mod world;
pub(crate) mod shrink;
pub(crate) mod start;
pub(crate) mod spawn;

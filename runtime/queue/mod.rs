//! Where runnable goroutines wait: each P's own queue. The one that all Ps share is a list in
//! `sched/state.rs`.

pub(crate) mod owner;
pub(crate) mod ring;
pub(crate) mod local;

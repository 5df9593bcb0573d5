//! The extras, which the scheduler works without: preemption, timers, thread-locals, dumps,
//! channels. Each folder is a chapter that can be skipped on a first reading.

#[cfg(not(loom))]
pub(crate) mod linux;
#[cfg(not(loom))]
pub(crate) mod pins;
#[cfg(not(loom))]
pub(crate) mod looks;
#[cfg(not(loom))]
pub(crate) mod mutex_wait;
#[cfg(not(loom))]
pub(crate) mod latency;
#[cfg(not(loom))]
pub(crate) mod recording;
#[cfg(not(loom))]
pub(crate) mod stackalloc;
pub(crate) mod stopped;
#[cfg(not(loom))]
pub(crate) mod kind;
#[cfg(not(loom))]
pub(crate) mod allgs;
pub(crate) mod plain_threads;
pub(crate) mod timers;
pub(crate) mod locks;
pub(crate) mod net;
#[cfg(not(loom))]
pub(crate) mod threads;
#[cfg(not(loom))]
pub(crate) mod settings;
#[cfg(not(loom))]
pub(crate) mod scavenge;
#[cfg(not(loom))]
pub(crate) mod growth;
#[cfg(not(loom))]
pub(crate) mod unwind;
pub(crate) mod diagnostics;
#[cfg(not(loom))]
pub(crate) mod thread_locals;
pub(crate) mod preempt;
#[cfg(not(loom))]
pub(crate) mod placement;
#[cfg(not(loom))]
pub(crate) mod world;
#[cfg(not(loom))]
pub(crate) mod trace;
#[cfg(not(loom))]
pub(crate) mod life;
#[cfg(not(loom))]
pub(crate) mod per_g;
#[cfg(not(loom))]
pub(crate) mod per_m;
#[cfg(not(loom))]
pub(crate) mod per_p;
#[cfg(not(loom))]
pub(crate) mod per_sched;
#[cfg(not(loom))]
pub(crate) mod around_switch;
#[cfg(not(loom))]
pub(crate) mod hooks;
#[cfg(not(loom))]
pub(crate) mod chan;

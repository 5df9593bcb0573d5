//! The bits of `G::stay`: facts about a goroutine and its thread, for which the M looks each time that
//! the goroutine comes or leaves.
//!
//! Written by the M that holds the G. See `ext/thread_locals/tls_guard.rs`.
#![forbid(unsafe_code)]

/// It left while its M's window was out of date.
pub(crate) const UNKNOWN: u16 = 1;
/// It left in the middle of a panic, and was locked to its M for that.
pub(crate) const PANICKING: u16 = 2;
/// It left tainted, and is counted in its M's `waiting`.
pub(crate) const COUNTED: u16 = 4;
/// Found tainted when another M had it: it waits for its thread.
pub(crate) const SENT_HOME: u16 = 8;
/// These end when it is back.
pub(crate) const ABOUT_ITS_WAY_BACK: u16 = UNKNOWN | PANICKING | COUNTED | SENT_HOME;
/// See whether it is tainted when it leaves: at its first suspension, then as long as it was.
pub(crate) const LOOK: u16 = 16;
/// In this run it was preempted, or lost its P in the kernel.
pub(crate) const OVERSTAYS: u16 = 32;
/// In one of its last three runs it did: three in the last, two in the one before, one.
pub(crate) const OVERSTAYED: u16 = 3 * OVERSTAYED_ONE;
pub(crate) const OVERSTAYED_ONE: u16 = 64;
/// What it does is written down (`ext/recording/emit.rs`), or was.
pub(crate) const RECORDED: u16 = 256;
/// How long it waits in run queues is timed (`ext/latency.rs`).
pub(crate) const TIMED: u16 = 512;
/// What stays from one run to the next, and from one goroutine to the next in the same G.
pub(crate) const LOOKED_AT: u16 = RECORDED | TIMED;

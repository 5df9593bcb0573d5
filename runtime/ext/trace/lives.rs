//! A recording as stretches of time: what each P ran, what became of each goroutine, what Ms did besides.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use crate::core::g::wait_reason::WaitReason;
use crate::ext::recording::record::{Asleep, Fires, Rule};
use crate::ext::trace::possible::{Queues, WriterId};

/// A goroutine on a P, without a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) g: u64,
    pub(crate) p: u32,
    pub(crate) m: WriterId,
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// Why it ran; none: it ran when the recording began, or went on after its P was taken.
    pub(crate) rule: Option<Rule>,
    /// What was in the two queues besides.
    pub(crate) queues: Queues,
    pub(crate) ended_by: Ended,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Stop(crate::ext::recording::record::Why),
    Block(WaitReason),
    End,
    /// The P was taken while it was in the kernel, or computed for too long.
    Retaken,
    /// It still ran when the recording ended.
    Not,
}

/// What a goroutine was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Runnable,
    Running(u32),
    /// In user code without a P.
    Lost,
    Waiting(WaitReason),
}

/// ... from then to then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) state: State,
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// The number of the stack that it left before, if that was recorded.
    pub(crate) stack: u16,
}

/// All that is known of one goroutine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Life {
    /// Who started it, and when, if that was seen.
    pub(crate) parent: Option<u64>,
    pub(crate) spans: Vec<Span>,
    pub(crate) ended: bool,
}

/// Who made whom ready or started it; when, and from which P.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wake {
    pub(crate) time: u64,
    pub(crate) by: Option<u64>,
    pub(crate) p: Option<u32>,
    pub(crate) g: u64,
    pub(crate) spawned: bool,
}

/// An M that looked for work, with a P or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) m: WriterId,
    pub(crate) p: Option<u32>,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// An M that slept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sleep {
    pub(crate) m: WriterId,
    pub(crate) why: Asleep,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// `p` took from `victim`: so many goroutines, if that was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steal {
    pub(crate) time: u64,
    pub(crate) p: u32,
    pub(crate) rule: Rule,
    pub(crate) victim: u32,
    pub(crate) n: u32,
}

/// A timer of the heap of `p` fired for `g`, on the P `on`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timer {
    pub(crate) time: u64,
    pub(crate) on: Option<u32>,
    pub(crate) p: u32,
    pub(crate) g: u64,
    pub(crate) fires: Fires,
}

/// `g` continued on a stack of so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grown {
    pub(crate) time: u64,
    pub(crate) g: u64,
    pub(crate) bytes: u64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Lives {
    /// Nanoseconds.
    pub(crate) end: u64,
    pub(crate) runs: Vec<Run>,
    pub(crate) gs: BTreeMap<u64, Life>,
    pub(crate) wakes: Vec<Wake>,
    /// When a P had an M, from and to.
    pub(crate) held: Vec<(u32, WriterId, u64, u64)>,
    pub(crate) steals: Vec<Steal>,
    /// The lengths of a P's queue and of the global one, at each event that says them.
    pub(crate) queues: Vec<(u64, u32, Queues)>,
    pub(crate) looks: Vec<Look>,
    pub(crate) sleeps: Vec<Sleep>,
    pub(crate) timers: Vec<Timer>,
    pub(crate) grown: Vec<Grown>,
}

//! What is written down: the kinds of events, and one event. `words.rs` has its form in memory.
#![forbid(unsafe_code)]

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident = $number:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub(crate) enum $name { $($(#[$item])* $variant = $number,)* }

        impl $name {
            pub(crate) fn from_u8(n: u8) -> Option<$name> {
                match n {
                    $($number => Some($name::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

numbered! {
    /// The kinds of events. `a` and `b` are the record's second and third word.
    Kind {
        /// How a goroutine was when the recording began. `a`: its id; `b`: its number of moves.
        /// Small: a [`Was`].
        GWas = 1,
        /// `a`: a P, `b`: its number of moves, when the recording began. It is idle.
        PWas = 2,
        /// The M takes a P. `a`: the P, `b`: its number of moves.
        PStart = 3,
        /// The M gives its P up. `a`: the P.
        PStop = 4,
        /// Somebody takes the P of an M that is in user code. `a`: the P; `b`: its number of moves,
        /// and above these the M.
        PRetake = 5,
        /// `a`: the new goroutine, `b`: where it was asked for, and above that the length of the local
        /// queue before ([`with_number`]).
        Create = 6,
        /// `a`: the goroutine; `b`: its number of moves, then the lengths of the local and of the
        /// global queue. Small: a [`Rule`].
        Start = 7,
        /// It is runnable again. `a`: the goroutine, `b`: as of a start, but the number of a
        /// stack in the place of moves. Small: a [`Why`].
        Stop = 8,
        /// It waits. `a`: the goroutine, `b`: the address of what for, and above that the number
        /// of a stack ([`with_number`]). Small: the `WaitReason`.
        Block = 9,
        End = 10,
        /// `a`: the goroutine that may go on, `b`: as of a start; the queues before it comes into one.
        Ready = 11,
        /// A goroutine whose P was taken leaves the M, and is runnable.
        Leave = 12,
        /// A goroutine whose P was taken goes on with another.
        Return = 13,
        /// The next goroutine of this M comes from another P. Small: a [`Rule`]; `a`: the victim's P;
        /// `b`: how many were taken, 0 if that was not counted.
        Steal = 14,
        /// Words of the program's: `a`: their number. Small: a [`Note`].
        Note = 15,
        /// A goroutine that was stopped in place goes on without a P, for a moment (the safety
        /// valve). `a`: the goroutine.
        Valve = 16,
        /// Small: 1: the M looks for work from now on, 0: not any more.
        Spin = 17,
        /// The M falls asleep. Small: an [`Asleep`].
        Sleep = 18,
        /// It is awake. Small: 1: to look for work.
        Wake = 19,
        /// A timer fired. `a`: the goroutine that it was for, `b`: the P in whose heap it was. Small: a
        /// [`Fires`].
        Timer = 20,
        /// `a`: a goroutine that continues on a larger stack, `b`: bytes of that.
        Grow = 21,
    }
}

numbered! {
    /// How a goroutine was when the recording began.
    Was {
        Runnable = 1,
        Running = 2,
        /// In user code, without a P.
        Lost = 3,
        Waiting = 4,
    }
}

numbered! {
    /// Which of the scheduler's rules chose a goroutine.
    Rule {
        Runnext = 0,
        Local = 1,
        Global61 = 2,
        GlobalBatch = 3,
        StealHalf = 4,
        StealNext = 5,
        /// A victim's timer was due, and made it ready here.
        StealTimer = 6,
        /// The M's own queue: goroutines that need its thread.
        Tied = 7,
        /// It was stopped by a signal, and goes on where it stands.
        InPlace = 8,
        /// It had waited for a stack.
        Starved = 9,
        /// Its descriptor was ready, as the kernel said when this P had nothing else.
        Net = 10,
    }
}

impl Rule {
    /// Why it ran next, in one sentence.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Rule::Runnext => {
                "It was made ready here last, so it stood in runnext, before the queue."
            }
            Rule::Local => "It was the first of this P's own queue, and runnext was empty.",
            Rule::Global61 => "At every 61st tick of a P the global queue goes first.",
            Rule::GlobalBatch => {
                "The P's own queue was empty; it was the first of a batch from the global queue."
            }
            Rule::StealHalf => {
                "The P had nothing, nor had the global queue: half of another P's queue was stolen."
            }
            Rule::StealNext => {
                "The P had nothing: another P's runnext was stolen, after a grace."
            }
            Rule::StealTimer => {
                "The P had nothing: another P's timer was due and made it ready here."
            }
            Rule::Tied => {
                "It needs this very thread, which runs such goroutines before its queue."
            }
            Rule::InPlace => {
                "It was stopped where it stood; the M that picked it gave its P to this thread."
            }
            Rule::Starved => "It had waited for a stack, and there is one.",
            Rule::Net => {
                "This P had nothing, nor had the global queue: the kernel said what is ready."
            }
        }
    }

    /// Who decided.
    pub(crate) fn decided_by(self) -> &'static str {
        match self {
            Rule::Runnext | Rule::Local => "runtime/core/sched/find.rs local",
            Rule::Global61 => "runtime/core/sched/find.rs every_61st_global",
            Rule::GlobalBatch => "runtime/core/sched/find.rs global_batch",
            Rule::StealHalf | Rule::StealTimer => "runtime/core/sched/find.rs steal",
            Rule::StealNext => "runtime/core/sched/find.rs steal_next",
            Rule::Tied => "runtime/ext/placement/tied.rs next",
            Rule::InPlace => "runtime/ext/preempt/preempt_signal.rs resume_bound",
            Rule::Starved => "runtime/ext/threads/starved.rs next_locked",
            Rule::Net => "runtime/ext/net/poller.rs poll_net",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Rule::Runnext => "runnext",
            Rule::Local => "local queue",
            Rule::Global61 => "global, every 61st",
            Rule::GlobalBatch => "global batch",
            Rule::StealHalf => "steal",
            Rule::StealNext => "steal of runnext",
            Rule::StealTimer => "steal of a timer",
            Rule::Tied => "tied",
            Rule::InPlace => "in place",
            Rule::Starved => "got a stack",
            Rule::Net => "ready descriptor",
        }
    }
}

numbered! {
    /// Why a goroutine that could go on does not run.
    Why {
        Yield = 0,
        YieldLocal = 1,
        Preempted = 2,
        /// The world is being stopped.
        World = 3,
    }
}

impl Why {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Why::Yield => "yield",
            Why::YieldLocal => "yield to the local queue",
            Why::Preempted => "preempted",
            Why::World => "the world is stopped",
        }
    }
}

numbered! {
    /// Why an M sleeps.
    Asleep {
        /// It has nothing to do.
        Idle = 0,
        /// The same, and it is the one that wakes for timers and descriptors.
        Timers = 1,
        /// It waits for a goroutine that needs its thread.
        Own = 2,
        /// Its goroutine was stopped where it stands.
        InPlace = 3,
    }
}

impl Asleep {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Asleep::Idle => "asleep",
            Asleep::Timers => "asleep, for timers and descriptors",
            Asleep::Own => "asleep, for a goroutine of its own",
            Asleep::InPlace => "asleep, with its goroutine stopped in place",
        }
    }
}

numbered! {
    /// What a timer did that fired.
    Fires {
        /// It ended a wait.
        Wait = 0,
        /// It started a goroutine.
        Birth = 1,
        /// The time for a descriptor was over.
        Deadline = 2,
    }
}

impl Fires {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Fires::Wait => "a timer ends a wait",
            Fires::Birth => "a timer starts a goroutine",
            Fires::Deadline => "the time for a descriptor is over",
        }
    }
}

numbered! {
    /// What the program's own words mean.
    Note {
        Log = 0,
        RegionBegin = 1,
        RegionEnd = 2,
        TaskBegin = 3,
        TaskEnd = 4,
        /// The goroutine's own name.
        Named = 5,
    }
}

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Ticks of `ext/linux/ticks.rs`, of which the record keeps [`TIME_BITS`].
    pub(crate) time: u64,
    pub(crate) kind: Kind,
    pub(crate) small: u8,
    pub(crate) a: u64,
    pub(crate) b: u64,
}

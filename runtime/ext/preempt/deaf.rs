//! *Deaf* Ms, which do not react to the signal of preemption, and what is done instead.
//!
//! User code may block SIGURG in its thread, or replace our handler; a seccomp filter may refuse
//! `tgkill`. Then a goroutine that computes cannot be stopped. But its P can be taken, as from a
//! thread in a system call (`handoff.rs`). The goroutine continues without a P, and waits for one
//! when it next enters the runtime. So the others do not starve, and the world can be stopped.
//!
//! An M counts as deaf when it was asked, has used CPU time since then, and has not reacted. A
//! thread that only waits for a CPU uses no CPU time. A long system call looks the same as
//! deafness, and the same treatment is right there.
//!
//! Go: none; there a C library that blocks the signal keeps its P as long as it computes Go code.
#![forbid(unsafe_code)]

use std::fmt::Write as _;
use std::sync::atomic::AtomicI32;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::m::machine::M;
use crate::core::sys::clock::Nanos;
use crate::ext::linux::cpu_time::{blocks_signal, thread_cpu_time};
use crate::ext::linux::errno::Named;
use crate::ext::linux::membarrier;
use crate::ext::linux::signal::Errno;
use crate::ext::linux::stderr::{BufferedStderr, has_room};

/// CPU time in which a signal arrives, even where a tick of the kernel's is 10 ms.
const PATIENCE: Nanos = 20_000_000;

/// What is to be reported of threads that do not hear the signal.
struct Deaf {
    /// What the kernel said to `tgkill`; 0: it has not refused.
    refused: AtomicI32,
    /// The thread of an M that was found deaf, which is to be reported; 0: none.
    found: AtomicI32,
}

static DEAF: Deaf = Deaf {
    refused: AtomicI32::new(0),
    found: AtomicI32::new(0),
};

/// `m` is about to be asked.
pub(crate) fn note_clock(m: &M) {
    let cpu = thread_cpu_time(m.tid.peek()).unwrap_or(0);
    m.asked_cpu.set(cpu);
}

/// The signal could not be sent.
pub(crate) fn note_refusal(m: &M, errno: Errno) {
    m.preempt_tick.store(0, Relaxed);
    if errno != libc::ESRCH {
        DEAF.refused.store(errno, Relaxed);
    }
}

/// Does `m` compute in user code although it was asked to stop? If so it will be asked again.
pub(crate) fn is_deaf(m: &M) -> bool {
    if m.retake.depth() != 0 {
        return false; // it looks at its way out
    }
    if DEAF.refused.load(Relaxed) != 0 {
        return true;
    }
    let deaf = m.preempt_tick.load(Relaxed) != 0
        && thread_cpu_time(m.tid.peek()).is_some_and(|cpu| cpu > m.asked_cpu.peek() + PATIENCE);
    if deaf {
        // Should the signal be gone, to a handler that knows nothing of us, the next one may come.
        m.preempt_tick.store(0, Relaxed);
        DEAF.found.store(m.tid.peek(), Relaxed);
    }
    deaf
}

/// What has been told already.
pub(crate) struct Teller {
    refused: bool,
    replaced: bool,
    blocked: bool,
    barrier: bool,
}

impl Teller {
    pub(crate) fn new() -> Teller {
        Teller {
            refused: false,
            replaced: false,
            blocked: false,
            barrier: false,
        }
    }

    /// Called by sysmon, now and then: says each of it once, when stderr has room, as sysmon waits for nobody.
    /// `is_ours`: is the handler still ours?
    #[inline]
    pub(crate) fn look(&mut self, is_ours: fn() -> bool) {
        if (DEAF.found.load(Relaxed) != 0
            || DEAF.refused.load(Relaxed) != 0
            || membarrier::refused() != 0)
            && has_room()
        {
            self.tell(is_ours);
        }
    }

    #[cold]
    fn tell(&mut self, is_ours: fn() -> bool) {
        let mut out = BufferedStderr::hasty();
        let (refused, barrier) = (DEAF.refused.load(Relaxed), membarrier::refused());
        if refused != 0 && !std::mem::replace(&mut self.refused, true) {
            let _ = writeln!(
                out,
                "gosched: the system refuses tgkill ({}): goroutines that compute cannot be \
                 stopped; the others go on without them",
                Named(refused)
            );
        }
        if barrier != 0 && !std::mem::replace(&mut self.barrier, true) {
            let _ = writeln!(
                out,
                "gosched: the system refuses membarrier ({}) from now on: system calls \
                 that wait are interrupted, so that others get on",
                Named(barrier)
            );
        }
        let tid = DEAF.found.swap(0, Relaxed);
        if tid != 0 && !self.replaced && !is_ours() {
            self.replaced = true;
            let _ = writeln!(
                out,
                "gosched: the handler of SIGURG was replaced: goroutines that compute cannot \
                 be stopped; the others go on without them"
            );
        }
        if tid != 0 && !self.blocked && blocks_signal(tid, libc::SIGURG) {
            self.blocked = true;
            let _ = writeln!(
                out,
                "gosched: a goroutine that computes has SIGURG blocked and cannot be stopped; \
                 the others go on without it"
            );
        }
    }
}

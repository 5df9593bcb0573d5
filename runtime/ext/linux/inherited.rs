//! What a new thread inherits from the thread that makes it, and what the runtime's threads
//! should have.
//!
//! A new thread inherits its maker's signal mask, scheduling policy and priority, nice value,
//! affinity, timer slack, rounding mode and seccomp filters, but not its signal stack. The first
//! caller of `run` is the maker of all threads of the runtime. They keep the nice value, the
//! affinity, the timer slack, the rounding mode and the filters, as any thread would. The runtime
//! changes these:
//!
//! | state | helpers (spawner, sysmon, watcher) | Ms |
//! |---|---|---|
//! | signal mask | all blocked but faults: handlers of the user's run elsewhere | the first caller's, less faults and the signal of preemption |
//! | real-time priority | one more than the caller's: a thread that computes must not keep them off the CPU | the caller's; one less where the helpers may not have more |
//! | signal stack | std's | their own (`ext/linux/signal.rs`) |
//!
//! A goroutine that changes any of this for its thread changes it for all goroutines that run
//! there later, unless it is locked: then the thread ends with it. The spawner makes all new
//! threads, and it runs no user code.
//!
//! Go: os_linux.go newosproc, minitSignalMask; signal_unix.go initSigmask.
#![allow(unsafe_code, reason = "pthread_sigmask(3), sched_setscheduler(2)")]

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::sync::OnceLock;

/// What the kernel raises for an instruction: blocked, it kills without asking the handler.
const FAULTS: [libc::c_int; 6] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGTRAP,
    libc::SIGSYS,
];

/// The mask of the first caller of `run`.
static CALLERS: OnceLock<libc::sigset_t> = OnceLock::new();

/// Called by the first caller of `run`, before any thread of ours is made.
pub(crate) fn remember_signals() {
    CALLERS.get_or_init(|| change(libc::SIG_BLOCK, &empty()));
}

/// Called by an M that can handle `ours`: the first caller's mask, but faults and `ours` come through.
pub(crate) fn take_signals(ours: Option<libc::c_int>) {
    let mut mask = CALLERS.get().copied().unwrap_or_else(empty);
    for signal in FAULTS.into_iter().chain(ours) {
        // SAFETY: an initialised set of ours, and a signal that there is.
        unsafe { libc::sigdelset(&raw mut mask, signal) };
    }
    change(libc::SIG_SETMASK, &mask);
}

/// The calling thread handles faults only, until this is dropped. Threads that it makes
/// meanwhile begin like that, and stay so unless they call [`take_signals`].
pub(crate) struct HeldBack {
    before: libc::sigset_t,
    /// It is about its thread.
    not_send: PhantomData<*mut ()>,
}

impl HeldBack {
    pub(crate) fn now() -> HeldBack {
        let mut mask = empty();
        // The C library leaves the signals out that it needs itself.
        // SAFETY: a set of ours.
        unsafe { libc::sigfillset(&raw mut mask) };
        for signal in FAULTS {
            // SAFETY: an initialised set of ours, and a signal that there is.
            unsafe { libc::sigdelset(&raw mut mask, signal) };
        }
        HeldBack {
            before: change(libc::SIG_SETMASK, &mask),
            not_send: PhantomData,
        }
    }
}

impl Drop for HeldBack {
    fn drop(&mut self) {
        change(libc::SIG_SETMASK, &self.before);
    }
}

fn empty() -> libc::sigset_t {
    let mut mask = MaybeUninit::uninit();
    // SAFETY: the place is ours.
    unsafe { libc::sigemptyset(mask.as_mut_ptr()) };
    // SAFETY: filled in by the call above, which cannot fail.
    unsafe { mask.assume_init() }
}

/// Changes the calling thread's mask; returns the old one.
fn change(how: libc::c_int, mask: &libc::sigset_t) -> libc::sigset_t {
    let mut before = empty();
    // SAFETY: both sets are initialised; `how` is one of the three there are.
    unsafe { libc::pthread_sigmask(how, mask, &raw mut before) };
    before
}

/// The policy of all our threads and their priorities, once the first was made.
static REAL_TIME: OnceLock<Option<RealTime>> = OnceLock::new();

struct RealTime {
    policy: libc::c_int,
    of_helpers: libc::c_int,
    of_ms: libc::c_int,
}

/// The calling thread has the helpers' priority until this is dropped, and so have those that it
/// makes meanwhile. A real-time thread that computes is never stopped for one of the same priority:
/// sysmon, which preempts it, would not come to run, not even to ask for more.
pub(crate) struct Ahead {
    before: Option<(libc::c_int, libc::c_int)>,
    /// It is about its thread.
    not_send: PhantomData<*mut ()>,
}

impl Ahead {
    pub(crate) fn now() -> Ahead {
        let before = real_time();
        let plan = REAL_TIME.get_or_init(|| before.map(plan));
        if let Some(RealTime {
            policy, of_helpers, ..
        }) = plan
        {
            set_real_time(*policy, *of_helpers);
        }
        Ahead {
            before,
            not_send: PhantomData,
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        if let Some((policy, priority)) = self.before {
            set_real_time(policy, priority);
        }
    }
}

/// Called by an M that is about to run goroutines: behind the helpers, one of which has made it.
pub(crate) fn run_behind() {
    if let Some(Some(RealTime { policy, of_ms, .. })) = REAL_TIME.get() {
        set_real_time(*policy, *of_ms); // less is always allowed
    }
}

/// What the first caller's policy and priority make of ours. Tries for the calling thread.
fn plan((policy, priority): (libc::c_int, libc::c_int)) -> RealTime {
    // SAFETY: no preconditions.
    let least = unsafe { libc::sched_get_priority_min(policy) };
    let (of_helpers, of_ms) = if set_real_time(policy, priority + 1) {
        (priority + 1, priority)
    } else {
        (priority, (priority - 1).max(least))
    };
    RealTime {
        policy,
        of_helpers,
        of_ms,
    }
}

/// The calling thread's policy and priority, if it is a real-time thread.
fn real_time() -> Option<(libc::c_int, libc::c_int)> {
    // SAFETY: no preconditions.
    let policy = unsafe { libc::syscall(libc::SYS_sched_getscheduler, 0) } as libc::c_int;
    if policy != libc::SCHED_FIFO && policy != libc::SCHED_RR {
        return None;
    }
    let mut param = libc::sched_param { sched_priority: 0 };
    // SAFETY: the place is ours.
    unsafe { libc::syscall(libc::SYS_sched_getparam, 0, &raw mut param) };
    Some((policy, param.sched_priority))
}

/// As system calls: musl's functions do nothing.
fn set_real_time(policy: libc::c_int, priority: libc::c_int) -> bool {
    let param = libc::sched_param {
        sched_priority: priority,
    };
    // SAFETY: about the calling thread; `param` is ours.
    unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, policy, &raw const param) == 0 }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::ext::linux::cpu_time::blocks_signal;
    use crate::ext::linux::tasks::gettid;

    fn is_blocked(signal: libc::c_int) -> bool {
        blocks_signal(gettid(), signal)
    }

    #[test]
    fn what_is_held_back_comes_again_and_faults_come_through() {
        let before = is_blocked(libc::SIGTERM);
        let held = HeldBack::now();
        assert!(is_blocked(libc::SIGTERM) && is_blocked(libc::SIGURG));
        assert!(FAULTS.into_iter().all(|fault| !is_blocked(fault)));
        let child = std::thread::spawn(|| is_blocked(libc::SIGTERM));
        assert!(child.join().unwrap(), "a thread begins as its maker is");
        drop(held);
        assert_eq!(is_blocked(libc::SIGTERM), before);
    }
}

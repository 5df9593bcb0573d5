//! Signals that the program wants to hear of: the handler sets a bit and rings a bell, and whoever waits for
//! the bell takes the bits.
//!
//! `wanted` is set before the handler is in place, and cleared before the action of earlier is back. So a
//! signal that comes in between finds a handler that knows what to do: what is not wanted has the effect that
//! it had before. The same holds if another handler was put in front of ours later and calls it.
//!
//! SIGURG is the runtime's own: its handler stays, and asks here first ([`take_over`]).
//!
//! Go: sigqueue.go sigsend, signal_enable, signal_disable, signal_ignore; signal_unix.go sigenable, sigdisable.
#![allow(unsafe_code, reason = "sigaction(2), a signal handler")]

use std::ffi::c_void;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, AtomicUsize};

use crate::ext::linux::pidfd::Bell;
use crate::ext::linux::signal::{Handler, act, plain_action, with_errno_kept};

/// Signals are numbers from 1 to this.
pub(crate) const LAST: libc::c_int = 64;
/// In [`BEFORE`]: the handler takes the kernel's record. No program has code there.
const WITH_INFO: usize = 1 << 63;

/// A bit for each signal.
static WANTED: AtomicU64 = AtomicU64::new(0);
/// Came, and was not taken.
static CAME: AtomicU64 = AtomicU64::new(0);
/// Those whose handler is the runtime's, and asks here.
static ASKS: AtomicU64 = AtomicU64::new(0);
/// The action before ours, for the handler: its address, and [`WITH_INFO`].
static BEFORE: [AtomicUsize; LAST as usize] = [const { AtomicUsize::new(libc::SIG_DFL) }; _];
static BELL: OnceLock<Bell> = OnceLock::new();

fn bit(signo: libc::c_int) -> u64 {
    1 << (signo - 1)
}

/// Called by the handler of the runtime for `signo`, before the first goroutine: from now on it asks
/// [`relayed`].
pub(crate) fn take_over(signo: libc::c_int) {
    ASKS.fetch_or(bit(signo), Relaxed);
}

/// By a signal handler: is the signal wanted? Then it will be heard of.
pub(crate) fn relayed(signo: libc::c_int) -> bool {
    if WANTED.load(Relaxed) & bit(signo) == 0 {
        return false;
    }
    CAME.fetch_or(bit(signo), Release); // pairs(signal): came's Acquire
    if let Some(bell) = BELL.get() {
        with_errno_kept(|| bell.ring());
    }
    true
}

extern "C" fn on_signal(signo: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    if relayed(signo) {
        return;
    }
    let before = BEFORE[(signo - 1) as usize].load(Acquire); // pairs(signal-before)
    let (address, with_info) = (before & !WITH_INFO, before & WITH_INFO != 0);
    // SAFETY: the kernel's own arguments; the type is the one that the action had.
    unsafe { act(address, with_info, signo, info, context) };
}

/// Waits until the bell rings.
pub(crate) fn wait() {
    bell().wait_alone();
}

/// The signals that came since the last call, as bits: signal 1 is the lowest.
pub(crate) fn came() -> u64 {
    CAME.swap(0, Acquire) // pairs(signal): relayed's Release
}

fn bell() -> &'static Bell {
    BELL.get_or_init(Bell::new)
}

/// What the actions of the signals were before we changed them. Whoever changes actions has it to itself.
pub(crate) struct Actions([Option<libc::sigaction>; LAST as usize]);

impl Actions {
    pub(crate) const fn new() -> Actions {
        Actions([None; LAST as usize])
    }

    /// From now on the signal is heard of. Nothing happens if the kernel does not let it be handled.
    pub(crate) fn want(&mut self, signo: libc::c_int) {
        bell();
        WANTED.fetch_or(bit(signo), Relaxed);
        if ASKS.load(Relaxed) & bit(signo) == 0 {
            let mut action = plain_action(on_signal as Handler as usize);
            action.sa_flags = libc::SA_RESTART | libc::SA_SIGINFO | libc::SA_ONSTACK;
            self.set(signo, &action);
        }
    }

    /// From now on it is ignored.
    pub(crate) fn ignore(&mut self, signo: libc::c_int) {
        WANTED.fetch_and(!bit(signo), Relaxed);
        if ASKS.load(Relaxed) & bit(signo) == 0 {
            self.set(signo, &plain_action(libc::SIG_IGN));
        }
    }

    /// It does again what it did before the first change. If somebody has put another action in the place of
    /// ours since, that one stays.
    pub(crate) fn restore(&mut self, signo: libc::c_int) {
        WANTED.fetch_and(!bit(signo), Relaxed);
        if let Some(before) = self.0[(signo - 1) as usize].take()
            && is_ours(&now(signo))
        {
            change(signo, Some(&before));
        }
    }

    fn set(&mut self, signo: libc::c_int, action: &libc::sigaction) {
        let now = now(signo);
        let before = &mut self.0[(signo - 1) as usize];
        if before.is_none() || !is_ours(&now) {
            let flag = match now.sa_flags & libc::SA_SIGINFO != 0 {
                true => WITH_INFO,
                false => 0,
            };
            // Release pairs(signal-before): on_signal's Acquire.
            BEFORE[(signo - 1) as usize].store(now.sa_sigaction | flag, Release);
            *before = Some(now);
        }
        change(signo, Some(action));
    }
}

/// Is it ignored at present?
pub(crate) fn is_ignored(signo: libc::c_int) -> bool {
    now(signo).sa_sigaction == libc::SIG_IGN
}

fn is_ours(action: &libc::sigaction) -> bool {
    let address = action.sa_sigaction;
    address == on_signal as Handler as usize || address == libc::SIG_IGN
}

/// The present action.
fn now(signo: libc::c_int) -> libc::sigaction {
    change(signo, None)
}

/// The action before the change. The kernel refuses numbers of its own and the C library's.
fn change(signo: libc::c_int, to: Option<&libc::sigaction>) -> libc::sigaction {
    let mut before = plain_action(libc::SIG_DFL);
    let to = to.map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: a valid action or none, and a place of ours; the handlers do only what handlers may.
    unsafe { libc::sigaction(signo, to, &raw mut before) };
    before
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    static HEARD: AtomicU32 = AtomicU32::new(0);

    extern "C" fn of_the_program(_: libc::c_int) {
        HEARD.fetch_add(1, Relaxed);
    }

    /// A handler of the program that was there before is back afterwards; meanwhile it hears nothing.
    #[test]
    fn a_handler_from_before_comes_back() {
        let signo = libc::SIGUSR2;
        change(
            signo,
            Some(&plain_action(of_the_program as *const () as usize)),
        );
        // SAFETY: a signal for this thread, whose handler is in place.
        let send = || unsafe { libc::raise(signo) };
        send();
        assert_eq!(HEARD.load(Relaxed), 1);
        let mut actions = Actions::new();
        for _ in 0..2 {
            let heard = HEARD.load(Relaxed);
            actions.want(signo);
            send();
            assert_eq!(
                (HEARD.load(Relaxed), came() & bit(signo)),
                (heard, bit(signo))
            );
            wait();
            actions.ignore(signo);
            assert!(is_ignored(signo));
            send();
            assert_eq!((HEARD.load(Relaxed), came() & bit(signo)), (heard, 0));
            actions.want(signo);
            WANTED.fetch_and(!bit(signo), Relaxed); // as in the middle of `restore`
            send();
            assert_eq!((HEARD.load(Relaxed), came() & bit(signo)), (heard + 1, 0));
            actions.restore(signo);
            send();
            assert_eq!(HEARD.load(Relaxed), heard + 2);
        }
        change(signo, Some(&plain_action(libc::SIG_DFL)));
    }
}

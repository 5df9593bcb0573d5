//! A 32-bit word that threads can sleep on, by the kernel's futex; and a replacement for loom.
//!
//! Go: os_linux.go futexsleep, futexwakeup.
#![allow(unsafe_code, reason = "the futex system call")]

use crate::core::base::atomic::AtomicU32;
use crate::core::sys::clock::Nanos;

/// A word and the threads asleep on it.
#[derive(Debug)]
pub(crate) struct Futex {
    pub(crate) word: AtomicU32,
    #[cfg(loom)]
    sleepers: (loom::sync::Mutex<()>, loom::sync::Condvar),
}

#[cfg(not(loom))]
impl Futex {
    pub(crate) const fn new(value: u32) -> Futex {
        Futex {
            word: AtomicU32::new(value),
        }
    }

    /// Sleeps while the word is `expected`, until woken or until `deadline` on the monotonic clock.
    /// May return early for no reason. Returns `false` if the deadline has passed.
    pub(crate) fn wait(&self, expected: u32, deadline: Option<Nanos>) -> bool {
        let mut at = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let timeout: *const libc::timespec = match deadline {
            Some(when) => {
                at.tv_sec = (when / 1_000_000_000) as libc::time_t;
                at.tv_nsec = (when % 1_000_000_000) as libc::c_long;
                &raw const at
            }
            None => std::ptr::null(),
        };
        // SAFETY: the word is alive for the call (`&self`), the time-out is null or ours.
        // FUTEX_WAIT_BITSET takes an absolute CLOCK_MONOTONIC time.
        let answer = unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.word.as_ptr(),
                libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG,
                expected,
                timeout,
                std::ptr::null::<u32>(),
                libc::FUTEX_BITSET_MATCH_ANY,
            )
        };
        answer == 0 || errno() != libc::ETIMEDOUT
    }

    /// Wakes up to `count` sleepers.
    pub(crate) fn wake(&self, count: u32) {
        // SAFETY: the kernel only uses the address as a key; a word that has just been freed
        // gives at most a spurious wake-up elsewhere, which every sleeper allows for.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.word.as_ptr(),
                libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
                count.min(i32::MAX as u32),
            )
        };
    }
}

/// The calling thread's errno, read right after a system call (no suspension in between).
#[cfg(not(loom))]
fn errno() -> i32 {
    // SAFETY: no preconditions.
    let place = unsafe { libc::__errno_location() };
    // SAFETY: always a valid pointer to this thread's errno.
    unsafe { *place }
}

#[cfg(loom)]
impl Futex {
    pub(crate) fn new(value: u32) -> Futex {
        Futex {
            word: AtomicU32::new(value),
            sleepers: (loom::sync::Mutex::new(()), loom::sync::Condvar::new()),
        }
    }

    /// The kernel compares and queues under one lock: so does the twin. No time in loom.
    pub(crate) fn wait(&self, expected: u32, _deadline: Option<Nanos>) -> bool {
        let queue = self.sleepers.0.lock().unwrap();
        if self.word.load(crate::core::base::atomic::Ordering::SeqCst) == expected {
            drop(self.sleepers.1.wait(queue).unwrap());
        }
        true
    }

    pub(crate) fn wake(&self, count: u32) {
        let _queue = self.sleepers.0.lock().unwrap();
        if count == 1 {
            self.sleepers.1.notify_one()
        } else {
            self.sleepers.1.notify_all()
        }
    }
}

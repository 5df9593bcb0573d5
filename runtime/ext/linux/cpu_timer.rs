//! A timer on the CPU clock of another thread: it signals that thread when the thread has used
//! some CPU time.
//!
//! The timer costs nothing while the thread sleeps in the kernel, and no other thread has to
//! watch. The kernel checks the timer at its ticks, so the signal is some milliseconds late. The
//! timer is made by a system call, without the C library, whose `timer_create` may allocate. The
//! system may refuse a timer (`RLIMIT_SIGPENDING`): then the caller has to watch the thread.
#![allow(unsafe_code, reason = "timer_create, timer_settime, timer_delete")]

use std::sync::atomic::AtomicI32;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::sys::clock::Nanos;
use crate::ext::linux::cpu_time::clock_of;

const NONE: i32 = -1;
const REFUSED: i32 = -2;
const BEING_MADE: i32 = -3;

/// One thread's; made when it is first needed.
#[derive(Debug)]
pub(crate) struct CpuTimer(AtomicI32);

/// What the signal carries, so that a handler knows it: the address of this.
static MARK: u8 = 0;

impl CpuTimer {
    pub(crate) const fn new() -> CpuTimer {
        CpuTimer(AtomicI32::new(NONE))
    }

    /// From now on, whenever thread `tid` has used `every` of CPU time it gets `signo`. Returns
    /// `false` if the system has no such timer for us.
    pub(crate) fn start(&self, tid: i32, signo: libc::c_int, every: Nanos) -> bool {
        if self.0.load(Relaxed) == NONE {
            self.make(tid, signo);
        }
        self.set(every)
    }

    fn make(&self, tid: i32, signo: libc::c_int) {
        if self
            .0
            .compare_exchange(NONE, BEING_MADE, Relaxed, Relaxed)
            .is_err()
        {
            return;
        }
        // SAFETY: all zeros are a sigevent.
        let mut event: libc::sigevent = unsafe { std::mem::zeroed() };
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_notify_thread_id = tid;
        event.sigev_signo = signo;
        event.sigev_value.sival_ptr = (&raw const MARK).cast_mut().cast();
        let mut id: libc::c_int = 0;
        // SAFETY: the kernel reads `event`, writes an int to `id`, and keeps neither.
        let made = unsafe {
            libc::syscall(
                libc::SYS_timer_create,
                clock_of(tid),
                &raw const event,
                &raw mut id,
            )
        };
        self.0.store(if made == 0 { id } else { REFUSED }, Relaxed);
    }

    /// No signals any more, but for one that is on its way. May be called in a signal handler.
    pub(crate) fn stop(&self) {
        self.set(0);
    }

    fn set(&self, every: Nanos) -> bool {
        let id = self.0.load(Relaxed);
        let time = libc::timespec {
            tv_sec: 0,
            tv_nsec: every as libc::c_long,
        };
        let spec = libc::itimerspec {
            it_interval: time,
            it_value: time,
        };
        // SAFETY: the kernel reads `spec`; an id that is none is an error.
        id >= 0
            && unsafe {
                libc::syscall(
                    libc::SYS_timer_settime,
                    id,
                    0,
                    &raw const spec,
                    std::ptr::null_mut::<libc::itimerspec>(),
                )
            } == 0
    }

    /// Gives it back. Called by the thread itself, at its end.
    pub(crate) fn delete(&self) {
        let id = self.0.swap(NONE, Relaxed);
        if id >= 0 {
            // SAFETY: no memory is passed.
            unsafe { libc::syscall(libc::SYS_timer_delete, id) };
        }
    }
}

/// Did one of these timers send this signal?
///
/// # Safety
/// `info` is the second argument of a signal handler that has not returned yet.
pub(crate) unsafe fn sent(info: *const libc::siginfo_t) -> bool {
    // SAFETY: the caller's promise.
    let info = unsafe { &*info };
    // SAFETY: signals of timers carry a value.
    info.si_code == libc::SI_TIMER
        && std::ptr::addr_eq(unsafe { info.si_value() }.sival_ptr, &raw const MARK)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::ext::linux::tasks::gettid;
    use std::ffi::c_void;
    use std::sync::atomic::AtomicU32;

    static OURS: AtomicU32 = AtomicU32::new(0);

    extern "C" fn count(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
        // SAFETY: the kernel's own argument.
        if unsafe { sent(info) } {
            OURS.fetch_add(1, Relaxed);
        }
    }

    #[test]
    fn a_thread_that_computes_is_told_and_one_that_stopped_it_is_not() {
        // SAFETY: all zeros are an action.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = count as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        // SAFETY: the handler only counts.
        unsafe { libc::sigaction(libc::SIGWINCH, &raw const action, std::ptr::null_mut()) };
        let timer = CpuTimer::new();
        if !timer.start(gettid(), libc::SIGWINCH, 1_000_000) {
            return; // the system has none for us
        }
        while OURS.load(Relaxed) < 3 {
            std::hint::spin_loop();
        }
        timer.stop();
        let told = OURS.load(Relaxed);
        let end = crate::ext::linux::cpu_time::thread_cpu_time(gettid()).unwrap() + 50_000_000;
        while crate::ext::linux::cpu_time::thread_cpu_time(gettid()).unwrap() < end {
            std::hint::spin_loop();
        }
        assert!(OURS.load(Relaxed) <= told + 1, "it goes on");
        timer.delete();
        assert!(!timer.set(1), "it is gone");
    }
}

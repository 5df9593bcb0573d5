//! Whether another thread runs: its CPU clock, and its state in `/proc`.
#![allow(unsafe_code, reason = "clocks of other threads")]

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;

use crate::core::sys::clock::Nanos;

/// The CPU-time clock of a thread of this process, by its kernel id; works from any thread.
///
/// Linux: `make_thread_cpuclock(tid, CPUCLOCK_SCHED)`, the value that `pthread_getcpuclockid`
/// returns.
pub(crate) fn clock_of(tid: i32) -> libc::clockid_t {
    const PER_THREAD_SCHED: i32 = 4 | 2;
    (!tid << 3) | PER_THREAD_SCHED
}

/// CPU time that the thread has used; `None` when it is gone, or there is none: `tid` is 0 (an M whose
/// thread has ended), which the kernel would take for the calling thread.
pub(crate) fn thread_cpu_time(tid: i32) -> Option<Nanos> {
    if tid == 0 {
        return None;
    }
    let mut ts = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `ts` is a valid place; an id that names no thread is an error, not a fault.
    let ok = unsafe { libc::clock_gettime(clock_of(tid), &raw mut ts) } == 0;
    ok.then(|| ts.tv_sec as u64 * 1_000_000_000 + ts.tv_nsec as u64)
}

/// Without an allocation: sysmon must not wait for malloc's lock.
fn open_task_file(tid: i32, name: &str) -> io::Result<File> {
    let mut path = [0u8; 48];
    let mut rest = &mut path[..];
    write!(rest, "/proc/self/task/{tid}/{name}")?;
    let left = rest.len();
    let used = &path[..path.len() - left];
    File::open(OsStr::from_bytes(used))
}

/// Has the thread blocked the signal? False where `/proc` does not say.
pub(crate) fn blocks_signal(tid: i32, signo: i32) -> bool {
    const KEY: &[u8] = b"\nSigBlk:\t";
    let mut text = [0u8; 2048];
    let read = open_task_file(tid, "status").and_then(|file| file.read_at(&mut text, 0));
    let text = &text[..read.unwrap_or(0)];
    let Some(at) = text.windows(KEY.len()).position(|w| w == KEY) else {
        return false;
    };
    let digits = text[at + KEY.len()..].iter();
    let digits = digits.map_while(|&c| char::from(c).to_digit(16));
    let mask = digits.fold(0u64, |mask, digit| mask << 4 | u64::from(digit));
    mask >> (signo - 1) & 1 == 1
}

/// Is a thread blocked in the kernel, in a system call or a page fault, and not just waiting for a
/// CPU? Without `/proc`, always: then the CPU clock alone decides. `None`: not known just now, for
/// want of a descriptor.
///
/// The file is not kept open: a descriptor for each P would be many. And if the program closed it
/// together with all its others, its number would soon belong to another file.
pub(crate) fn is_blocked_in_kernel(tid: i32) -> Option<bool> {
    let mut text = [0u8; 8];
    let read = open_task_file(tid, "syscall").and_then(|file| file.read_at(&mut text, 0));
    match read {
        Ok(n) => Some(!text[..n].starts_with(b"running")),
        Err(e) => match e.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM) => None,
            _ => Some(true),
        },
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::ext::linux::tasks::{gettid, signal_thread};
    use std::sync::atomic::Ordering::Relaxed;
    use std::sync::atomic::{AtomicBool, AtomicI32};

    /// A busy thread may be caught in a page fault or the like, but not every time.
    #[test]
    fn a_running_thread_is_not_blocked_and_its_clock_goes() {
        let stop = AtomicBool::new(false);
        let tid = AtomicI32::new(0);
        std::thread::scope(|s| {
            s.spawn(|| {
                tid.store(gettid(), Relaxed);
                while !stop.load(Relaxed) {
                    std::hint::spin_loop();
                }
            });
            while tid.load(Relaxed) == 0 {
                std::thread::yield_now();
            }
            let before = thread_cpu_time(tid.load(Relaxed)).unwrap();
            while is_blocked_in_kernel(tid.load(Relaxed)) != Some(false)
                || thread_cpu_time(tid.load(Relaxed)).unwrap() == before
            {
                std::hint::spin_loop();
            }
            stop.store(true, Relaxed);
        });
    }

    /// sysmon may look at an M while its thread ends. Then one refusal by the kernel counted as a
    /// refusal of all signals, for ever, and sysmon's own clock as that of the M.
    #[test]
    fn an_m_without_a_thread_has_none() {
        assert_eq!(signal_thread(0, libc::SIGURG), Err(libc::ESRCH));
        assert_eq!(thread_cpu_time(0), None);
        assert_eq!(is_blocked_in_kernel(0), Some(true));
    }

    #[test]
    fn a_sleeping_thread_is_blocked() {
        let (tx, rx) = std::sync::mpsc::channel();
        let (stop, wait) = std::sync::mpsc::channel::<()>();
        let sleeper = std::thread::spawn(move || {
            tx.send(gettid()).unwrap();
            let _ = wait.recv();
        });
        let tid = rx.recv().unwrap();
        while is_blocked_in_kernel(tid) != Some(true) {
            std::thread::yield_now();
        }
        drop(stop);
        sleeper.join().unwrap();
    }
}

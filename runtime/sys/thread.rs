//! Kernel threads: ids, yielding the CPU.
#![allow(unsafe_code, reason = "gettid, sched_yield, prctl, getdents64")]

use std::fs::File;
use std::os::fd::AsRawFd;

/// The kernel's id of the calling thread.
pub(crate) fn gettid() -> i32 {
    // SAFETY: no preconditions.
    unsafe { libc::gettid() }
}

/// Time-outs of the calling thread end when they should, not up to 50 us later.
pub(crate) fn exact_timeouts() {
    // SAFETY: changes a number of this thread's; 1 ns is the least that is not "the default".
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) };
}

/// Lets other threads of this CPU run. Go: osyield.
pub(crate) fn osyield() {
    // SAFETY: no preconditions.
    unsafe { libc::sched_yield() };
}

/// Sleeps for about `nanos`; may come back early.
pub(crate) fn nanosleep(nanos: u64) {
    let ts = libc::timespec {
        tv_sec: (nanos / 1_000_000_000) as libc::time_t,
        tv_nsec: (nanos % 1_000_000_000) as libc::c_long,
    };
    // SAFETY: `ts` is valid; no remainder is asked for.
    unsafe { libc::nanosleep(&raw const ts, std::ptr::null_mut()) };
}

/// Sends a signal to one thread of this process; false: it is gone.
pub(crate) fn signal_thread(tid: i32, signo: libc::c_int) -> bool {
    // SAFETY: no memory is passed; an id that names no thread of ours is an error.
    unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), tid, signo) == 0 }
}

/// Asks `is_it` of the kernel's ids of all threads of this process, until one is; `None` where
/// `/proc` is not to be had. No allocation: the scheduler's loop asks.
pub(crate) fn any_thread(mut is_it: impl FnMut(i32) -> bool) -> Option<bool> {
    let folder = File::open("/proc/self/task").ok()?;
    let mut entries = [0u8; 2048];
    loop {
        // SAFETY: the buffer is ours and as long as we say.
        let got = unsafe {
            libc::syscall(
                libc::SYS_getdents64,
                folder.as_raw_fd(),
                entries.as_mut_ptr(),
                entries.len(),
            )
        };
        match usize::try_from(got) {
            Ok(0) => return Some(false),
            Ok(len) if names_in(&entries[..len]).filter_map(number).any(&mut is_it) => {
                return Some(true);
            }
            Ok(_) => (),
            Err(_) => return None,
        }
    }
}

/// The names in what `getdents64` answered: records of number, offset, length, kind and name.
fn names_in(mut entries: &[u8]) -> impl Iterator<Item = &[u8]> {
    const LENGTH: usize = 16;
    const NAME: usize = 19;
    std::iter::from_fn(move || {
        let length = entries.get(LENGTH..LENGTH + 2)?;
        let length = usize::from(u16::from_ne_bytes([length[0], length[1]]));
        let name = entries.get(NAME..length)?;
        entries = &entries[length..];
        name.split(|&byte| byte == 0).next()
    })
}

fn number(name: &[u8]) -> Option<i32> {
    std::str::from_utf8(name).ok()?.parse().ok()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_thread_is_seen_however_many_there_are() {
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::scope(|s| {
            let ends: Vec<_> = (0..200)
                .map(|_| {
                    let (end, wait) = std::sync::mpsc::channel::<()>();
                    let tell = tell.clone();
                    s.spawn(move || {
                        tell.send(gettid()).unwrap();
                        let _ = wait.recv();
                    });
                    end
                })
                .collect();
            let mut missing: Vec<i32> = told.iter().take(200).collect();
            missing.push(gettid());
            let all = any_thread(|tid| {
                missing.retain(|&m| m != tid);
                false
            });
            assert_eq!(all, Some(false));
            assert_eq!(missing, []);
            let me = gettid();
            assert_eq!(any_thread(|tid| tid == me), Some(true));
            drop(ends);
        });
    }
}

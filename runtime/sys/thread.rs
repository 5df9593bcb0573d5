//! Kernel threads: ids, yielding the CPU.
#![allow(unsafe_code, reason = "gettid, sched_yield, prctl")]

use std::mem::MaybeUninit;
use std::os::unix::fs::MetadataExt;

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

/// The lowest usable address of the calling thread's stack, as the C library knows it. Slow.
pub(crate) fn own_stack_limit() -> Option<usize> {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: no preconditions.
    let me = unsafe { libc::pthread_self() };
    // SAFETY: the place is ours, and is initialised when the answer is 0.
    if unsafe { libc::pthread_getattr_np(me, attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    let (mut lowest, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: initialised above; both places are ours.
    let asked = unsafe {
        libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut lowest, &raw mut size)
    };
    // SAFETY: initialised above, destroyed once.
    unsafe { libc::pthread_attr_destroy(attributes.as_mut_ptr()) };
    (asked == 0).then_some(lowest as usize)
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

/// Sends a signal to one thread of this process. ESRCH: it is gone.
pub(crate) fn signal_thread(tid: i32, signo: libc::c_int) -> Result<(), libc::c_int> {
    // SAFETY: no preconditions.
    let me = unsafe { libc::getpid() };
    // SAFETY: no memory is passed; an id that names no thread of ours is an error.
    if unsafe { libc::syscall(libc::SYS_tgkill, me, tid, signo) } == 0 {
        return Ok(());
    }
    Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

/// How many threads this process has, all at one moment; `None` where `/proc` is not to be had.
pub(crate) fn count_threads() -> Option<u32> {
    let links = std::fs::metadata("/proc/self/task").ok()?.nlink();
    u32::try_from(links.checked_sub(2)?).ok()
}

/// The kernel's ids of all threads of this process; `None` where `/proc` is not to be had.
pub(crate) fn live_tids() -> Option<Vec<i32>> {
    let entries = std::fs::read_dir("/proc/self/task").ok()?;
    let tid = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.ok()?.file_name().to_str()?.parse().ok()
    };
    entries.map(tid).collect()
}

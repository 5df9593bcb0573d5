//! Kernel threads: ids, stacks, sleeping, signals, and which there are.
#![allow(unsafe_code, reason = "gettid, prctl, nanosleep, tgkill, getdents64")]

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

/// The kernel's id of the calling thread.
pub(crate) fn gettid() -> i32 {
    // SAFETY: no preconditions.
    unsafe { libc::gettid() }
}

/// Time-outs of the calling thread end on time, not up to 50 us later.
pub(crate) fn exact_timeouts() {
    // SAFETY: changes a number of this thread's; 1 ns is the least that is not "the default".
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) };
}

/// The addresses of the calling thread's stack, as the C library knows them. Slow.
pub(crate) fn own_stack() -> Option<Range<usize>> {
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
    (asked == 0).then(|| lowest.addr()..lowest.addr() + size)
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

/// Sends a signal to one thread of this process. ESRCH: it is gone, or there is none: `tid` is 0 (an M
/// whose thread has ended), which the kernel would refuse like a wrong signal.
pub(crate) fn signal_thread(tid: i32, signo: libc::c_int) -> Result<(), libc::c_int> {
    if tid == 0 {
        return Err(libc::ESRCH);
    }
    // SAFETY: no preconditions.
    let me = unsafe { libc::getpid() };
    // SAFETY: no memory is passed; an id that names no thread of ours is an error.
    if unsafe { libc::syscall(libc::SYS_tgkill, me, tid, signo) } == 0 {
        return Ok(());
    }
    Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

/// Is there a thread of this process with this id? A new thread may have it. Also true where the
/// system does not allow the question.
pub(crate) fn is_alive(tid: i32) -> bool {
    signal_thread(tid, 0) != Err(libc::ESRCH)
}

/// Has this thread ended, although the kernel counts it? So it does with a process's first one.
pub(crate) fn is_zombie(tid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{tid}/stat"));
    // The name in parentheses may hold anything.
    stat.is_ok_and(|s| s.rsplit(") ").next().is_some_and(|s| s.starts_with('Z')))
}

/// How many threads this process has, all at one moment; `None` where `/proc` is not available.
pub(crate) fn count_threads() -> Option<u32> {
    let links = std::fs::metadata("/proc/self/task").ok()?.nlink();
    u32::try_from(links.checked_sub(2)?).ok()
}

/// The first thread of this process that `is_it` likes, the oldest first; the list is read no
/// further than that. `Err` where `/proc` or a descriptor is not available.
pub(crate) fn find_thread(mut is_it: impl FnMut(i32) -> bool) -> io::Result<Option<i32>> {
    let list = File::open("/proc/self/task")?;
    // For twenty at a time: the kernel makes as many as there is room for.
    let mut room = [0_u64; 64];
    loop {
        // SAFETY: the descriptor is open; the room is ours and as large as said.
        let got = unsafe {
            libc::syscall(
                libc::SYS_getdents64,
                list.as_raw_fd(),
                room.as_mut_ptr(),
                size_of_val(&room),
            )
        };
        let Ok(got) = usize::try_from(got) else {
            return Err(io::Error::last_os_error());
        };
        if got == 0 {
            return Ok(None);
        }
        let bytes: Vec<u8> = room.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let mut entries = bytes.get(..got).unwrap_or_default();
        while let Some((name, rest)) = first_name(entries) {
            entries = rest;
            let tid = std::str::from_utf8(name).ok().and_then(|n| n.parse().ok());
            if let Some(tid) = tid.filter(|&tid| is_it(tid)) {
                return Ok(Some(tid));
            }
        }
    }
}

/// The name of the first of some `struct linux_dirent64`, and the others: at 16 stands the length
/// of the entry, at 19 begins the name, which ends with a NUL.
fn first_name(entries: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = entries.get(16..18)?.try_into().ok()?;
    let (entry, rest) = entries.split_at_checked(usize::from(u16::from_ne_bytes(length)))?;
    let name = entry.get(19..)?.split(|&byte| byte == 0).next()?;
    Some((name, rest))
}

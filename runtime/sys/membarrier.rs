//! A memory barrier on every CPU that runs one of our threads: the rare side of an asymmetric
//! fence pays for it, the frequent side (each entry into the runtime) pays nothing.
//!
//! Linux: membarrier(2), PRIVATE_EXPEDITED.
#![allow(unsafe_code, reason = "the membarrier system call")]

const REGISTER: libc::c_int = 1 << 4;
const EXPEDITED: libc::c_int = 1 << 3;

fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: no memory is passed.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

/// Tells the kernel that this process will use [`everywhere`]. False: it cannot.
pub(crate) fn register() -> bool {
    membarrier(REGISTER)
}

/// Every thread of the process has executed a full barrier when this returns. True: done.
pub(crate) fn everywhere() -> bool {
    membarrier(EXPEDITED)
}

//! A memory barrier on every CPU that runs a thread of the process. In an asymmetric fence the
//! rare side executes it, and the frequent side (each entry into the runtime) pays nothing.
//!
//! Linux: membarrier(2), PRIVATE_EXPEDITED.
#![allow(unsafe_code, reason = "the membarrier system call")]

use std::sync::atomic::AtomicI32;
use std::sync::atomic::Ordering::Relaxed;

const REGISTER: libc::c_int = 1 << 4;
const EXPEDITED: libc::c_int = 1 << 3;

/// What the kernel said to [`everywhere`] when it refused; 0: it has not.
static REFUSED: AtomicI32 = AtomicI32::new(0);

fn membarrier(command: libc::c_int) -> Result<(), libc::c_int> {
    // SAFETY: no memory is passed.
    if unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) } == 0 {
        return Ok(());
    }
    Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

/// Tells the kernel that this process will use [`everywhere`].
pub(crate) fn register() -> Result<(), libc::c_int> {
    membarrier(REGISTER)
}

/// Every thread of the process has executed a full barrier when this returns `true`.
pub(crate) fn everywhere() -> bool {
    match membarrier(EXPEDITED) {
        Ok(()) => true,
        Err(errno) => {
            REFUSED.store(errno, Relaxed); // a filter that came after the start
            false
        }
    }
}

/// The error with which the kernel has refused [`everywhere`]; 0: it has not.
pub(crate) fn refused() -> libc::c_int {
    REFUSED.load(Relaxed)
}

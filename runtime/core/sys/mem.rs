//! Memory from the kernel: reserve and commit.
//!
//! The functions do not allocate or lock, so they may be called from the runtime's
//! non-preemptible regions and from signal handlers.
#![allow(unsafe_code, reason = "mmap(2) and its relatives")]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The kernel's error: an `errno` value.
pub(crate) type Errno = i32;

/// A range of addresses, laid out as the kernel's `struct iovec`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Span {
    pub(crate) addr: usize,
    pub(crate) len: usize,
}

impl Span {
    /// From `from` to `to`; empty when they meet or cross.
    pub(crate) const fn between(from: usize, to: usize) -> Span {
        Span {
            addr: from,
            len: to.saturating_sub(from),
        }
    }
}

pub(crate) fn last_errno() -> Errno {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

pub(crate) fn answer(code: libc::c_int) -> Result<(), Errno> {
    if code == 0 { Ok(()) } else { Err(last_errno()) }
}

/// Bytes in a page, as this kernel has them (4, 16 or 64 KiB).
#[inline]
pub(crate) fn page_size() -> usize {
    static PAGE: AtomicUsize = AtomicUsize::new(0);
    match PAGE.load(Relaxed) {
        0 => {
            // SAFETY: sysconf has no preconditions.
            let asked = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
            let page = usize::try_from(asked).unwrap_or(4096).max(4096);
            PAGE.store(page, Relaxed);
            page
        }
        page => page,
    }
}

/// New address space, unused and not accessible; it costs no memory.
pub(crate) fn reserve(len: usize) -> Result<usize, Errno> {
    reserve_near(0, len)
}

/// As [`reserve`], at `hint` if the kernel can.
pub(crate) fn reserve_near(hint: usize, len: usize) -> Result<usize, Errno> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK;
    // SAFETY: the kernel picks a free place, so no existing mapping changes.
    let at = unsafe {
        libc::mmap(
            hint as *mut libc::c_void,
            len,
            libc::PROT_NONE,
            flags,
            -1,
            0,
        )
    };
    if at == libc::MAP_FAILED {
        return Err(last_errno());
    }
    Ok(at as usize)
}

/// Makes reserved memory readable and writable.
///
/// # Safety
/// The caller owns all of `span` (it came from [`reserve`]).
pub(crate) unsafe fn commit(span: Span) -> Result<(), Errno> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: the caller's promise.
    answer(unsafe { libc::mprotect(span.addr as *mut libc::c_void, span.len, access) })
}

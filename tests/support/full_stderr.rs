//! A standard error that nobody reads.
#![allow(unsafe_code, reason = "fcntl(2), write(2)")]

/// Fills standard error, so that the next who writes there waits for a reader.
pub(crate) fn fill_stderr() {
    let flags = |flags: libc::c_int| {
        // SAFETY: no memory is passed.
        unsafe { libc::fcntl(2, libc::F_SETFL, flags) };
    };
    flags(libc::O_NONBLOCK);
    let dots = [b'.'; 4096];
    // SAFETY: the bytes are ours.
    while unsafe { libc::write(2, dots.as_ptr().cast(), dots.len()) } > 0 {}
    // SAFETY: as above.
    while unsafe { libc::write(2, dots.as_ptr().cast(), 1) } > 0 {}
    flags(0);
}

//! Reads a word that may not be there any more.
#![allow(unsafe_code, reason = "a system call that gets addresses")]

/// The word at `address` in this process. `None`: nothing is mapped there, or the system refuses.
pub(crate) fn peek(address: usize) -> Option<u64> {
    let mut word = 0_u64;
    let len = size_of::<u64>();
    let to = libc::iovec {
        iov_base: (&raw mut word).cast(),
        iov_len: len,
    };
    let from = libc::iovec {
        iov_base: address as *mut libc::c_void,
        iov_len: len,
    };
    // SAFETY: no preconditions.
    let me = unsafe { libc::getpid() };
    // SAFETY: `to` is a word of ours; the kernel itself checks `from`.
    let read = unsafe { libc::process_vm_readv(me, &raw const to, 1, &raw const from, 1, 0) };
    usize::try_from(read)
        .is_ok_and(|n| n == len)
        .then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_no_word() {
        let word = 7_u64;
        let read = peek(std::ptr::from_ref(&word).addr());
        assert!(read == Some(7) || read.is_none()); // None: refused
        assert_eq!(peek(8), None);
    }
}

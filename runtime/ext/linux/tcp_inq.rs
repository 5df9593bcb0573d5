//! A read from a TCP socket that also says how many bytes are left in it.
//!
//! tcp(7), TCP_INQ: the kernel adds the count to what `recvmsg` returns. It counts the end of the
//! stream as a byte, and what lies behind urgent data too.
#![allow(unsafe_code, reason = "recvmsg")]

use std::io::{self, IoSliceMut};
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd};

use libc::c_int;

use crate::ext::linux::socket;

/// Of TLS in the kernel: the level of its messages, and the kind of record that is data.
const SOL_TLS: c_int = 282;
const APPLICATION_DATA: u8 = 23;

/// Switches the count on. Returns `false` if there is none, or if somebody else has done so: an old
/// kernel; MPTCP, which has a count of its own; a socket that tells of data only from some number of
/// bytes on.
pub(crate) fn begin_to_count(fd: BorrowedFd<'_>) -> bool {
    let is = |level, name, value| {
        // SAFETY: a number.
        unsafe { socket::option::<c_int>(fd, level, name, 0) == Some(value) }
    };
    is(libc::SOL_SOCKET, libc::SO_PROTOCOL, libc::IPPROTO_TCP)
        && is(libc::SOL_SOCKET, libc::SO_RCVLOWAT, 1)
        && is(libc::IPPROTO_TCP, libc::TCP_INQ, 0)
        && count(fd, true)
}

/// Switches the count off.
pub(crate) fn end_count(fd: BorrowedFd<'_>) {
    count(fd, false);
}

fn count(fd: BorrowedFd<'_>, on: bool) -> bool {
    socket::set_option(fd, libc::IPPROTO_TCP, libc::TCP_INQ, &c_int::from(on))
}

/// Room for one count, as the kernel lays it out.
#[repr(C)]
struct Count {
    header: libc::cmsghdr,
    bytes: c_int,
}

/// As many buffers as one call takes. std leaves the rest out, too.
const MOST: usize = libc::UIO_MAXIOV as usize;

/// As `readv`. And how many bytes are left, if the kernel has said it.
pub(crate) fn read(
    fd: BorrowedFd<'_>,
    bufs: &mut [IoSliceMut<'_>],
) -> io::Result<(usize, Option<usize>)> {
    // SAFETY: all zeros is a message with nothing.
    let mut message: libc::msghdr = unsafe { zeroed() };
    // SAFETY: and a count of nothing.
    let mut count: Count = unsafe { zeroed() };
    message.msg_iov = bufs.as_mut_ptr().cast(); // std: the same layout as iovec
    message.msg_iovlen = bufs.len().min(MOST) as _;
    message.msg_control = (&raw mut count).cast();
    message.msg_controllen = size_of::<Count>() as _;
    // SAFETY: all places are ours and as long as said.
    let n = unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut message, 0) };
    let n = usize::try_from(n).map_err(|_| io::Error::last_os_error())?;
    let whole = message.msg_controllen >= size_of::<Count>() as _;
    match (count.header.cmsg_level, count.header.cmsg_type) {
        (libc::IPPROTO_TCP, libc::TCP_CM_INQ) if whole => {
            Ok((n, Some(usize::try_from(count.bytes).unwrap_or(usize::MAX))))
        }
        // As for who has no room for the kind: it is not data.
        (SOL_TLS, _) if count.bytes.to_ne_bytes()[0] != APPLICATION_DATA => {
            Err(io::Error::from_raw_os_error(libc::EIO))
        }
        _ => Ok((n, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::os::fd::AsFd as _;

    #[test]
    fn what_is_left_is_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut far, _) = listener.accept().unwrap();
        let fd = near.as_fd();
        let take = |room: usize| {
            let (mut a, mut b) = ([0; 2], [0; 8]);
            let bufs = &mut [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b[..room - 2])];
            let (n, left) = read(fd, bufs).unwrap();
            ([&a[..n.min(2)], &b[..n.saturating_sub(2)]].concat(), left)
        };
        far.write_all(b"abcdef").unwrap();
        assert_eq!(take(4), (b"abcd".to_vec(), None), "nobody has asked");
        assert!(begin_to_count(fd));
        assert!(!begin_to_count(fd), "somebody else has done so");
        far.write_all(b"gh").unwrap();
        assert_eq!(take(3), (b"efg".to_vec(), Some(1)));
        assert_eq!(take(3), (b"h".to_vec(), Some(0)));
        far.shutdown(Shutdown::Write).unwrap();
        assert_eq!(take(3), (vec![], Some(1)), "the end counts");
        end_count(fd);
        assert_eq!(take(3), (vec![], None));
        let (unix, _far) = std::os::unix::net::UnixStream::pair().unwrap();
        assert!(!begin_to_count(unix.as_fd()), "no TCP");
    }
}

//! What `std` has no function for: sockets that never block from their first moment on, and waiting
//! for one on a plain thread.
#![allow(
    unsafe_code,
    reason = "socket, connect, accept4, fcntl, getsockopt, setsockopt, poll"
)]

use std::io;
use std::mem::{MaybeUninit, offset_of, size_of};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::SocketAddr as UnixAddr;
use std::time::Duration;

use libc::{sockaddr_in, sockaddr_in6, sockaddr_storage, sockaddr_un, socklen_t};

use crate::ext::linux::event_fd::owned;

/// A socket that is on its way to `to`, or already there.
pub(crate) fn connect(to: &SocketAddr) -> io::Result<OwnedFd> {
    let family = match to {
        SocketAddr::V4(_) => libc::AF_INET,
        SocketAddr::V6(_) => libc::AF_INET6,
    };
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: no memory is passed.
    let fd = owned(unsafe { libc::socket(family, kind, 0) })?;
    let answer = match to {
        SocketAddr::V4(to) => connect_to(&fd, &from_v4(to)),
        SocketAddr::V6(to) => connect_to(&fd, &from_v6(to)),
    };
    if answer < 0 {
        let e = io::Error::last_os_error();
        if e.raw_os_error() != Some(libc::EINPROGRESS) && e.kind() != io::ErrorKind::Interrupted
        {
            return Err(e);
        }
    }
    Ok(fd)
}

/// `T`: an address as the kernel knows it.
fn connect_to<T>(fd: &OwnedFd, to: &T) -> i32 {
    let (place, len) = (std::ptr::from_ref(to).cast(), size_of::<T>());
    // SAFETY: the address is ours and as long as said.
    unsafe { libc::connect(fd.as_raw_fd(), place, len as socklen_t) }
}

/// A Unix socket, which is to be connected.
pub(crate) fn unix_stream() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: no memory is passed.
    owned(unsafe { libc::socket(libc::AF_UNIX, kind, 0) })
}

/// `WouldBlock`: the listener has no room for one more, and the kernel will not tell when it has.
pub(crate) fn connect_unix(fd: BorrowedFd<'_>, to: &UnixAddr) -> io::Result<()> {
    let bytes = match (to.as_pathname(), to.as_abstract_name()) {
        (Some(path), _) => path.as_os_str().as_bytes().to_vec(),
        (None, Some(name)) => [&[0], name].concat(),
        (None, None) => Vec::new(),
    };
    // SAFETY: all zeroes are an address.
    let mut place: sockaddr_un = unsafe { std::mem::zeroed() };
    place.sun_family = libc::AF_UNIX as libc::sa_family_t;
    for (to, from) in place.sun_path.iter_mut().zip(&bytes) {
        *to = libc::c_char::from_ne_bytes([*from]);
    }
    // A path ends with a zero.
    let zero = usize::from(to.as_pathname().is_some());
    let len = offset_of!(sockaddr_un, sun_path) + bytes.len() + zero;
    let (fd, place) = (fd.as_raw_fd(), (&raw const place).cast());
    // SAFETY: the address is ours; std's addresses are no longer than the kernel's.
    if unsafe { libc::connect(fd, place, len as socklen_t) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// The next connection of a TCP listener.
pub(crate) fn accept_inet(listener: BorrowedFd<'_>) -> io::Result<(OwnedFd, SocketAddr)> {
    let mut place = MaybeUninit::<sockaddr_storage>::zeroed();
    let mut len = size_of::<sockaddr_storage>() as socklen_t;
    let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: the place is ours and as long as said.
    let fd = unsafe {
        libc::accept4(
            listener.as_raw_fd(),
            place.as_mut_ptr().cast(),
            &raw mut len,
            flags,
        )
    };
    let fd = owned(fd)?;
    // SAFETY: it was zeroed, and the kernel has filled in an address.
    let from = unsafe { place.assume_init_ref() };
    Ok((fd, inet(from)?))
}

/// The next connection of a Unix listener.
pub(crate) fn accept_unix(listener: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    let (fd, none) = (listener.as_raw_fd(), std::ptr::null_mut());
    // SAFETY: no memory is passed.
    owned(unsafe { libc::accept4(fd, none, std::ptr::null_mut(), flags) })
}

/// Do the calls of the open file behind `fd` return instead of waiting?
pub(crate) fn is_nonblocking(fd: BorrowedFd<'_>) -> bool {
    // SAFETY: no memory is passed.
    let flags = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) };
    flags >= 0 && flags & libc::O_NONBLOCK != 0
}

/// From now on they do, or do not.
pub(crate) fn set_nonblocking(fd: BorrowedFd<'_>, nonblocking: bool) -> io::Result<()> {
    let mut on = i32::from(nonblocking);
    // SAFETY: a number of ours.
    let answer = unsafe { libc::ioctl(fd.as_raw_fd(), libc::FIONBIO, &raw mut on) };
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// The socket's time limit: of reads, or of writes.
pub(crate) fn timeout(fd: BorrowedFd<'_>, of_writes: bool) -> Option<Duration> {
    let none = libc::timeval {
        tv_sec: 0,
        tv_usec: 0,
    };
    // SAFETY: numbers.
    let time = unsafe { option(fd, libc::SOL_SOCKET, time_option(of_writes), none) }?;
    let span = Duration::new(time.tv_sec.cast_unsigned(), time.tv_usec as u32 * 1_000);
    (!span.is_zero()).then_some(span)
}

fn time_option(of_writes: bool) -> libc::c_int {
    match of_writes {
        true => libc::SO_SNDTIMEO,
        false => libc::SO_RCVTIMEO,
    }
}

/// Makes that the socket's time limit. It has no effect on what is no socket.
pub(crate) fn tell_timeout(fd: BorrowedFd<'_>, of_writes: bool, span: Option<Duration>) {
    // The kernel's zero is no limit.
    let span = span.map_or(Duration::ZERO, |span| span.max(Duration::from_micros(1)));
    let time = libc::timeval {
        tv_sec: span.as_secs().cast_signed(),
        tv_usec: span.subsec_micros().into(),
    };
    set_option(fd, libc::SOL_SOCKET, time_option(of_writes), &time);
}

/// What the kernel says of the option. `None`: `fd` has none. `value`: of the same type.
///
/// # Safety
/// Any bytes are a `T`.
pub(super) unsafe fn option<T: Copy>(
    fd: BorrowedFd<'_>,
    level: libc::c_int,
    name: libc::c_int,
    mut value: T,
) -> Option<T> {
    let mut len = size_of::<T>() as socklen_t;
    let (fd, place) = (fd.as_raw_fd(), (&raw mut value).cast());
    // SAFETY: the place is ours and as long as said; what the kernel writes is a `T`: the caller.
    let answer = unsafe { libc::getsockopt(fd, level, name, place, &raw mut len) };
    (answer == 0).then_some(value)
}

/// Returns `false` if `fd` has no such option, or not this value.
pub(super) fn set_option<T>(
    fd: BorrowedFd<'_>,
    level: libc::c_int,
    name: libc::c_int,
    value: &T,
) -> bool {
    let len = size_of::<T>() as socklen_t;
    let (fd, place) = (fd.as_raw_fd(), std::ptr::from_ref(value).cast());
    // SAFETY: the value is the caller's and as long as said.
    unsafe { libc::setsockopt(fd, level, name, place, len) == 0 }
}

/// The calling thread waits until `fd` is ready, for `span` at most. Returns `false` if the time is
/// over.
pub(crate) fn wait_on_thread(
    fd: BorrowedFd<'_>,
    to_write: bool,
    span: Option<Duration>,
) -> bool {
    let mut entry = libc::pollfd {
        fd: fd.as_raw_fd(),
        events: if to_write {
            libc::POLLOUT
        } else {
            libc::POLLIN
        },
        revents: 0,
    };
    let time = span.map(|span| libc::timespec {
        tv_sec: span.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: span.subsec_nanos().into(),
    });
    let time = time.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: one entry, and a time of ours or none; no mask.
    unsafe { libc::ppoll(&raw mut entry, 1, time, std::ptr::null()) != 0 }
}

fn from_v4(addr: &SocketAddrV4) -> sockaddr_in {
    // SAFETY: all zeroes are an address.
    let mut to: sockaddr_in = unsafe { std::mem::zeroed() };
    to.sin_family = libc::AF_INET as libc::sa_family_t;
    to.sin_port = addr.port().to_be();
    to.sin_addr.s_addr = u32::from_ne_bytes(addr.ip().octets());
    to
}

fn from_v6(addr: &SocketAddrV6) -> sockaddr_in6 {
    // SAFETY: all zeroes are an address.
    let mut to: sockaddr_in6 = unsafe { std::mem::zeroed() };
    to.sin6_family = libc::AF_INET6 as libc::sa_family_t;
    to.sin6_port = addr.port().to_be();
    to.sin6_addr.s6_addr = addr.ip().octets();
    to.sin6_flowinfo = addr.flowinfo();
    to.sin6_scope_id = addr.scope_id();
    to
}

fn inet(from: &sockaddr_storage) -> io::Result<SocketAddr> {
    let place = std::ptr::from_ref(from);
    match i32::from(from.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says what it is.
            let v4 = unsafe { &*place.cast::<sockaddr_in>() };
            let ip = Ipv4Addr::from(v4.sin_addr.s_addr.to_ne_bytes());
            Ok(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: the family says what it is.
            let v6 = unsafe { &*place.cast::<sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            let port = u16::from_be(v6.sin6_port);
            Ok(SocketAddrV6::new(ip, port, v6.sin6_flowinfo, v6.sin6_scope_id).into())
        }
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "invalid argument",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::os::fd::AsFd;

    #[test]
    fn addresses_survive_the_way_through_the_kernel() {
        for ip in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(ip) else {
                continue; // no IPv6 here
            };
            let to = listener.local_addr().unwrap();
            let near = std::net::TcpStream::from(connect(&to).unwrap());
            assert!(wait_on_thread(near.as_fd(), true, None));
            let (far, from) = accept_inet(listener.as_fd()).unwrap();
            assert_eq!(from, near.local_addr().unwrap());
            assert_eq!(near.peer_addr().unwrap(), to);
            assert!(is_nonblocking(far.as_fd()) && is_nonblocking(near.as_fd()));
            set_nonblocking(far.as_fd(), false).unwrap();
            assert!(!is_nonblocking(far.as_fd()));
            let long = Duration::from_millis(1_234_568);
            near.set_write_timeout(Some(long)).unwrap();
            assert_eq!(timeout(near.as_fd(), true), Some(long));
            assert_eq!(timeout(near.as_fd(), false), None);
            assert!(!wait_on_thread(
                near.as_fd(),
                false,
                Some(Duration::from_millis(1))
            ));
        }
    }
}

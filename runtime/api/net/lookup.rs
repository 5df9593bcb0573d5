//! Names of hosts become addresses. The C library does this with system calls that block, and on a
//! deep stack: so other goroutines get the processor meanwhile, and the stack grows first if it is
//! short.
#![forbid(unsafe_code)]

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use crate::api::os_thread::blocking;
use crate::api::stack::grow;

/// What `getaddrinfo` may need.
const ROOM: usize = 96 << 10;
const GROWN: usize = 512 << 10;

fn away<R>(f: impl FnOnce() -> R) -> R {
    grow(ROOM, GROWN, || blocking(f))
}

/// All addresses.
pub(crate) fn all(addr: impl ToSocketAddrs) -> io::Result<Vec<SocketAddr>> {
    away(|| addr.to_socket_addrs().map(Iterator::collect))
}

/// The first one, if there is any.
pub(crate) fn first(addr: impl ToSocketAddrs) -> io::Result<Option<SocketAddr>> {
    away(|| addr.to_socket_addrs().map(|mut all| all.next()))
}

/// The first success, or the last failure.
pub(crate) fn each<R>(
    addr: impl ToSocketAddrs,
    mut f: impl FnMut(SocketAddr) -> io::Result<R>,
) -> io::Result<R> {
    let mut last = None;
    for addr in all(addr)? {
        match f(addr) {
            Ok(answer) => return Ok(answer),
            Err(e) => last = Some(e),
        }
    }
    let none = || {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "could not resolve to any addresses",
        )
    };
    Err(last.unwrap_or_else(none))
}

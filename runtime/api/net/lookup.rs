//! Names of hosts become addresses. The C library does this with system calls that block, and on a
//! deep stack: so other goroutines get the processor meanwhile, and the stack grows first if it is
//! short. Addresses need no such care.
#![forbid(unsafe_code)]

use std::any::type_name;
use std::io;
use std::net::{
    IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, ToSocketAddrs,
};

use crate::api::os_thread::blocking;
use crate::api::stack::grow;

/// What `getaddrinfo` may need.
const ROOM: usize = 96 << 10;
const GROWN: usize = 512 << 10;

/// Is an `A` an address already? Then there is nothing to look up. By its name, as it need not be
/// `'static`. A type of somebody's that has the name of one of std's would be asked on this P, no more.
fn is_address<A>() -> bool {
    let name = type_name::<A>().trim_start_matches('&');
    [
        type_name::<SocketAddr>(),
        type_name::<SocketAddrV4>(),
        type_name::<SocketAddrV6>(),
        type_name::<(IpAddr, u16)>(),
        type_name::<(Ipv4Addr, u16)>(),
        type_name::<(Ipv6Addr, u16)>(),
        type_name::<[SocketAddr]>(),
    ]
    .contains(&name)
}

/// Calls `f`, which looks an `A` up: away from the P, unless there is nothing to look up.
fn resolve<A, R>(f: impl FnOnce() -> R) -> R {
    match is_address::<A>() {
        true => f(),
        false => grow(ROOM, GROWN, || blocking(f)),
    }
}

/// All addresses.
pub(crate) fn all<A: ToSocketAddrs>(addr: A) -> io::Result<Vec<SocketAddr>> {
    resolve::<A, _>(|| addr.to_socket_addrs().map(Iterator::collect))
}

/// The first one, if there is any.
pub(crate) fn first<A: ToSocketAddrs>(addr: A) -> io::Result<Option<SocketAddr>> {
    resolve::<A, _>(|| addr.to_socket_addrs().map(|mut all| all.next()))
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

#[cfg(test)]
mod tests {
    use super::is_address;
    use std::net::{IpAddr, SocketAddr, SocketAddrV6};

    #[test]
    fn only_names_are_looked_up() {
        assert!(is_address::<SocketAddr>());
        assert!(is_address::<&&SocketAddrV6>());
        assert!(is_address::<(IpAddr, u16)>());
        assert!(is_address::<&[SocketAddr]>());
        assert!(!is_address::<&str>());
        assert!(!is_address::<String>());
        assert!(!is_address::<(&str, u16)>());
    }
}

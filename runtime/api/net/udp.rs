//! A UDP socket.
#![forbid(unsafe_code)]

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::AsFd as _;

use crate::api::net::common::{common, connected, ttl};
use crate::api::net::lookup::{all, each, first};
use crate::api::net::socket::Socket;
use crate::ext::linux::socket::set_nonblocking;

/// As [`std::net::UdpSocket`]; a goroutine that waits in one of its calls holds no thread.
///
/// # Examples
/// ```
/// use gosched::net::UdpSocket;
///
/// # // SAFETY: nothing here is tied to an OS thread.
/// # unsafe { gosched::run(|| {
/// let (a, b) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
/// a.send_to(b"hello", b.local_addr().unwrap()).unwrap();
/// let mut buf = [0; 16];
/// let (n, from) = b.recv_from(&mut buf).unwrap();
/// assert_eq!((&buf[..n], from), (&b"hello"[..], a.local_addr().unwrap()));
/// # }) };
/// ```
///
/// Go: net.UDPConn
#[doc(alias = "UDPConn")]
pub struct UdpSocket(Socket<std::net::UdpSocket>);

common!(UdpSocket, std::net::UdpSocket);
connected!(UdpSocket);
ttl!(UdpSocket);

/// Options that go to std's socket as they are.
macro_rules! options {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        impl UdpSocket {
            $($(#[$doc])*
            ///
            /// # Errors
            /// As std's.
            pub fn $name(&self $(, $arg: $type)*) -> io::Result<$answer> {
                self.0.std().$name($($arg),*)
            })*
        }
    };
}

options! {
    /// May it send to broadcast addresses?
    set_broadcast(broadcast: bool) -> ();
    /// May it send to broadcast addresses?
    broadcast() -> bool;
    /// Do its own multicast packets come back?
    set_multicast_loop_v4(back: bool) -> ();
    /// Do its own multicast packets come back?
    multicast_loop_v4() -> bool;
    /// The time to live of multicast packets.
    set_multicast_ttl_v4(ttl: u32) -> ();
    /// The time to live of multicast packets.
    multicast_ttl_v4() -> u32;
    /// Do its own multicast packets come back?
    set_multicast_loop_v6(back: bool) -> ();
    /// Do its own multicast packets come back?
    multicast_loop_v6() -> bool;
    /// Joins a multicast group.
    join_multicast_v4(group: &Ipv4Addr, interface: &Ipv4Addr) -> ();
    /// Joins a multicast group.
    join_multicast_v6(group: &Ipv6Addr, interface: u32) -> ();
    /// Leaves a multicast group.
    leave_multicast_v4(group: &Ipv4Addr, interface: &Ipv4Addr) -> ();
    /// Leaves a multicast group.
    leave_multicast_v6(group: &Ipv6Addr, interface: u32) -> ();
}

impl UdpSocket {
    /// A socket at the first of the addresses that can be had. Port 0: the kernel chooses one.
    ///
    /// # Errors
    /// As std's.
    ///
    /// Go: net.ListenUDP
    #[doc(alias = "ListenUDP")]
    pub fn bind<A: ToSocketAddrs>(addr: A) -> io::Result<UdpSocket> {
        let socket = each(addr, std::net::UdpSocket::bind)?;
        set_nonblocking(socket.as_fd(), true)?;
        Ok(UdpSocket::wrap(Socket::new(socket)))
    }

    /// From now on [`send`](UdpSocket::send) and [`recv`](UdpSocket::recv) are for this address.
    ///
    /// # Errors
    /// As std's.
    pub fn connect<A: ToSocketAddrs>(&self, addr: A) -> io::Result<()> {
        self.0.std().connect(&all(addr)?[..])
    }

    /// Waits for a packet; says how long it is and where it comes from.
    ///
    /// # Errors
    /// As std's.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.read(|std| std.recv_from(buf))
    }

    /// As [`recv_from`](UdpSocket::recv_from), and leaves the packet there.
    ///
    /// # Errors
    /// As std's.
    pub fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.read(|std| std.peek_from(buf))
    }

    /// Sends a packet to the first of the addresses.
    ///
    /// # Errors
    /// As std's.
    pub fn send_to<A: ToSocketAddrs>(&self, buf: &[u8], addr: A) -> io::Result<usize> {
        match first(addr)? {
            Some(addr) => self.0.write(|std| std.send_to(buf, addr)),
            None => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "no addresses to send data to",
            )),
        }
    }

    /// Sends a packet to the address that it is connected to.
    ///
    /// # Errors
    /// As std's.
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(|std| std.send(buf))
    }

    /// Waits for a packet from the address that it is connected to.
    ///
    /// # Errors
    /// As std's.
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(|std| std.recv(buf))
    }

    /// As [`recv`](UdpSocket::recv), and leaves the packet there.
    ///
    /// # Errors
    /// As std's.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(|std| std.peek(buf))
    }
}

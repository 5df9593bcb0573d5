//! Sockets for goroutines, with the names, errors and behaviour of [`std::net`]: a program changes
//! its `use` line. A goroutine that waits for a socket holds no thread; the scheduler asks the kernel
//! which sockets are ready (`runtime/ext/net/README.md`). `gosched::os::unix::net` has the Unix
//! sockets.
//!
//! The sockets work on plain threads too: there the thread waits.
//!
//! What differs from std:
//!
//! - The descriptors never block (`O_NONBLOCK`): it shows in `as_raw_fd`. `into_raw_fd`, and the way
//!   back to std's types and to `OwnedFd`, give the descriptor the mode that was asked for.
//! - If several goroutines read from one socket, they are served in the order of their coming.

pub(crate) mod socket;
pub(crate) mod read_write;
pub(crate) mod common;
pub(crate) mod lookup;
pub(crate) mod tcp_stream;
pub(crate) mod tcp_listener;
pub(crate) mod udp;
pub(crate) mod unix_stream;
pub(crate) mod unix_listener;
pub(crate) mod unix_datagram;
pub(crate) mod from_raw_fd;

pub use std::net::{
    AddrParseError, IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV4,
    SocketAddrV6, ToSocketAddrs,
};
pub use tcp_listener::{Incoming, TcpListener};
pub use tcp_stream::TcpStream;
pub use udp::UdpSocket;

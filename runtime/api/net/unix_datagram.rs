//! Packets between processes of one machine.
#![forbid(unsafe_code)]

use std::io;
use std::net::Shutdown;
use std::os::fd::AsFd as _;
use std::os::unix::net::SocketAddr;
use std::path::Path;

use crate::api::net::common::{common, connected};
use crate::api::net::socket::Socket;
use crate::ext::linux::socket::set_nonblocking;

/// As [`std::os::unix::net::UnixDatagram`]; a goroutine that waits in one of its calls holds no
/// thread.
///
/// The kernel tells a socket that is not connected nothing about the room at the other end: where
/// there is none, [`send_to`](UnixDatagram::send_to) looks again every millisecond.
///
/// Go: net.UnixConn of the network "unixgram"
pub struct UnixDatagram(Socket<std::os::unix::net::UnixDatagram>);

common!(UnixDatagram, std::os::unix::net::UnixDatagram);
connected!(UnixDatagram);

impl UnixDatagram {
    fn fresh(std: std::os::unix::net::UnixDatagram) -> io::Result<UnixDatagram> {
        set_nonblocking(std.as_fd(), true)?;
        Ok(UnixDatagram::wrap(Socket::new(std)))
    }

    /// A socket at `path`, where there must be no file.
    ///
    /// # Errors
    /// As std's.
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixDatagram> {
        UnixDatagram::fresh(std::os::unix::net::UnixDatagram::bind(path)?)
    }

    /// As [`bind`](UnixDatagram::bind), at an address of any kind.
    ///
    /// # Errors
    /// As std's.
    pub fn bind_addr(addr: &SocketAddr) -> io::Result<UnixDatagram> {
        UnixDatagram::fresh(std::os::unix::net::UnixDatagram::bind_addr(addr)?)
    }

    /// A socket without an address.
    ///
    /// # Errors
    /// As std's.
    pub fn unbound() -> io::Result<UnixDatagram> {
        UnixDatagram::fresh(std::os::unix::net::UnixDatagram::unbound()?)
    }

    /// Two that are connected with each other.
    ///
    /// # Errors
    /// As std's.
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        let (a, b) = std::os::unix::net::UnixDatagram::pair()?;
        Ok((UnixDatagram::fresh(a)?, UnixDatagram::fresh(b)?))
    }

    /// From now on [`send`](UnixDatagram::send) is to the socket at `path`.
    ///
    /// # Errors
    /// As std's.
    pub fn connect<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        self.0.std().connect(path)
    }

    /// As [`connect`](UnixDatagram::connect), to an address of any kind.
    ///
    /// # Errors
    /// As std's.
    pub fn connect_addr(&self, addr: &SocketAddr) -> io::Result<()> {
        self.0.std().connect_addr(addr)
    }

    /// Waits for a packet; says how long it is and where it comes from.
    ///
    /// # Errors
    /// As std's.
    pub fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.read(|std| std.recv_from(buf))
    }

    /// Waits for a packet; says how long it is.
    ///
    /// # Errors
    /// As std's.
    pub fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(|std| std.recv(buf))
    }

    /// Sends a packet to the socket at `path`.
    ///
    /// # Errors
    /// As std's.
    pub fn send_to<P: AsRef<Path>>(&self, buf: &[u8], path: P) -> io::Result<usize> {
        let path = path.as_ref();
        self.0.write_untold(|std| std.send_to(buf, path))
    }

    /// As [`send_to`](UnixDatagram::send_to), to an address of any kind.
    ///
    /// # Errors
    /// As std's.
    pub fn send_to_addr(&self, buf: &[u8], addr: &SocketAddr) -> io::Result<usize> {
        self.0.write_untold(|std| std.send_to_addr(buf, addr))
    }

    /// Sends a packet to the socket that it is connected to.
    ///
    /// # Errors
    /// As std's.
    pub fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(|std| std.send(buf))
    }

    /// Shuts the reading half, the writing half or both down.
    ///
    /// # Errors
    /// As std's.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.std().shutdown(how)
    }
}

//! A TCP socket that waits for connections.
#![forbid(unsafe_code)]

use std::io;
use std::iter::FusedIterator;
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::AsFd as _;

use crate::api::net::common::{common, ttl};
use crate::api::net::lookup::each;
use crate::api::net::socket::Socket;
use crate::api::net::tcp_stream::TcpStream;
use crate::ext::linux::socket::{accept_inet, set_nonblocking};

/// As [`std::net::TcpListener`]; a goroutine that waits in [`accept`](TcpListener::accept) holds no
/// thread.
///
/// # Examples
/// See [`TcpStream`].
///
/// Go: net.TCPListener
#[doc(alias = "TCPListener")]
pub struct TcpListener(Socket<std::net::TcpListener>);

common!(TcpListener, std::net::TcpListener);
ttl!(TcpListener);

impl TcpListener {
    /// Listens at the first of the addresses that can be had. Port 0: the kernel chooses one.
    ///
    /// # Errors
    /// As std's.
    ///
    /// # Examples
    /// See [`TcpStream`].
    ///
    /// Go: net.Listen
    #[doc(alias = "Listen")]
    pub fn bind<A: ToSocketAddrs>(addr: A) -> io::Result<TcpListener> {
        let listener = each(addr, std::net::TcpListener::bind)?;
        set_nonblocking(listener.as_fd(), true)?;
        Ok(TcpListener::wrap(Socket::new(listener)))
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    /// As std's. Where no descriptor is left (`EMFILE`, `ENFILE`), the listener goes on: the connection
    /// is still there at the next call.
    ///
    /// # Examples
    /// See [`TcpStream`].
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (fd, addr) = self.0.read(|std| accept_inet(std.as_fd()))?;
        Ok((TcpStream::accepted(Socket::of(fd)), addr))
    }

    /// The connections, one after the other, without end.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming(self)
    }
}

/// What [`TcpListener::incoming`] returns.
#[derive(Debug)]
pub struct Incoming<'a>(&'a TcpListener);

impl Iterator for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn next(&mut self) -> Option<io::Result<TcpStream>> {
        Some(self.0.accept().map(|(stream, _)| stream))
    }
}

impl FusedIterator for Incoming<'_> {}

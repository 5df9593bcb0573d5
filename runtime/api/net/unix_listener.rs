//! A Unix socket that waits for connections.
#![forbid(unsafe_code)]

use std::io;
use std::iter::FusedIterator;
use std::os::fd::AsFd as _;
use std::os::unix::net::SocketAddr;
use std::path::Path;

use crate::api::net::common::common;
use crate::api::net::socket::Socket;
use crate::api::net::unix_stream::UnixStream;
use crate::ext::linux::socket::{accept_unix, set_nonblocking};

/// As [`std::os::unix::net::UnixListener`]; a goroutine that waits in
/// [`accept`](UnixListener::accept) holds no thread.
///
/// Go: net.UnixListener
pub struct UnixListener(Socket<std::os::unix::net::UnixListener>);

common!(UnixListener, std::os::unix::net::UnixListener);

impl UnixListener {
    fn fresh(std: std::os::unix::net::UnixListener) -> io::Result<UnixListener> {
        set_nonblocking(std.as_fd(), true)?;
        Ok(UnixListener::wrap(Socket::new(std)))
    }

    /// Listens at `path`, where there must be no file.
    ///
    /// # Errors
    /// As std's.
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixListener> {
        UnixListener::fresh(std::os::unix::net::UnixListener::bind(path)?)
    }

    /// As [`bind`](UnixListener::bind), at an address of any kind.
    ///
    /// # Errors
    /// As std's.
    pub fn bind_addr(addr: &SocketAddr) -> io::Result<UnixListener> {
        UnixListener::fresh(std::os::unix::net::UnixListener::bind_addr(addr)?)
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    /// As std's.
    pub fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let fd = self.0.read(|std| accept_unix(std.as_fd()))?;
        let stream = UnixStream::accepted(Socket::of(fd));
        let addr = stream.peer_addr()?;
        Ok((stream, addr))
    }

    /// The connections, one after the other, without end.
    pub fn incoming(&self) -> UnixIncoming<'_> {
        UnixIncoming(self)
    }
}

impl<'a> IntoIterator for &'a UnixListener {
    type Item = io::Result<UnixStream>;
    type IntoIter = UnixIncoming<'a>;

    fn into_iter(self) -> UnixIncoming<'a> {
        self.incoming()
    }
}

/// What [`UnixListener::incoming`] returns.
#[derive(Debug)]
pub struct UnixIncoming<'a>(&'a UnixListener);

impl Iterator for UnixIncoming<'_> {
    type Item = io::Result<UnixStream>;

    fn next(&mut self) -> Option<io::Result<UnixStream>> {
        Some(self.0.accept().map(|(stream, _)| stream))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

impl FusedIterator for UnixIncoming<'_> {}

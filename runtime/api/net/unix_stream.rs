//! A connection between two processes of one machine.
#![forbid(unsafe_code)]

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::{SocketAddr, UnixStream as StdUnixStream};
use std::path::Path;

use crate::api::net::common::{common, connected, stream};
use crate::api::net::socket::Socket;
use crate::ext::linux::socket::{connect_unix, set_nonblocking, unix_stream};

/// As [`std::os::unix::net::UnixStream`]; a goroutine that waits in one of its calls holds no thread.
///
/// # Examples
/// ```
/// use gosched::os::unix::net::UnixStream;
/// use std::io::{Read, Write};
///
/// # // SAFETY: nothing here is tied to an OS thread.
/// # unsafe { gosched::run(|| {
/// let (mut near, mut far) = UnixStream::pair().unwrap();
/// gosched::go(move || far.write_all(b"hello").unwrap());
/// let mut text = String::new();
/// near.read_to_string(&mut text).unwrap();
/// assert_eq!(text, "hello");
/// # }) };
/// ```
///
/// Go: net.UnixConn
#[doc(alias = "UnixConn")]
pub struct UnixStream(Socket<std::os::unix::net::UnixStream>);

common!(UnixStream, std::os::unix::net::UnixStream);
connected!(UnixStream);
stream!(UnixStream, std::os::unix::net::UnixStream);

impl UnixStream {
    fn fresh(std: std::os::unix::net::UnixStream) -> io::Result<UnixStream> {
        set_nonblocking(std.as_fd(), true)?;
        Ok(UnixStream::accepted(Socket::new(std)))
    }

    pub(crate) fn accepted(socket: Socket<std::os::unix::net::UnixStream>) -> UnixStream {
        UnixStream::wrap(socket)
    }

    /// Connects to the socket at `path`. If the listener has no room for one more, the call asks again
    /// every millisecond: the kernel has no event for that.
    ///
    /// # Errors
    /// As std's.
    pub fn connect<P: AsRef<Path>>(path: P) -> io::Result<UnixStream> {
        UnixStream::connect_addr(&SocketAddr::from_pathname(path)?)
    }

    /// As [`connect`](UnixStream::connect), to an address of any kind.
    ///
    /// # Errors
    /// As std's.
    pub fn connect_addr(addr: &SocketAddr) -> io::Result<UnixStream> {
        let socket = Socket::of(unix_stream()?);
        socket.write_untold(|std: &StdUnixStream| connect_unix(std.as_fd(), addr))?;
        Ok(UnixStream::accepted(socket))
    }

    /// Two that are connected with each other.
    ///
    /// # Errors
    /// As std's.
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (a, b) = std::os::unix::net::UnixStream::pair()?;
        Ok((UnixStream::fresh(a)?, UnixStream::fresh(b)?))
    }
}

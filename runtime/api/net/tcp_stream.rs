//! A TCP connection.
#![forbid(unsafe_code)]

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use crate::api::net::common::{common, connected, stream, ttl};
use crate::api::net::lookup::each;
use crate::api::net::socket::Socket;
use crate::core::sys::clock::Nanos;
use crate::ext::linux::socket;
use crate::ext::net::poll_desc::Direction;
use crate::ext::timers::instant::nanos_after;

/// As [`std::net::TcpStream`]; a goroutine that waits in one of its calls holds no thread.
///
/// # Examples
/// ```
/// use gosched::net::{TcpListener, TcpStream};
/// use std::io::{Read, Write};
///
/// # // SAFETY: nothing here is tied to an OS thread.
/// # unsafe { gosched::run(|| {
/// let listener = TcpListener::bind("127.0.0.1:0").unwrap();
/// let addr = listener.local_addr().unwrap();
/// gosched::go(move || {
///     let (mut stream, _) = listener.accept().unwrap();
///     stream.write_all(b"hello").unwrap();
/// });
/// let mut text = String::new();
/// TcpStream::connect(addr).unwrap().read_to_string(&mut text).unwrap();
/// assert_eq!(text, "hello");
/// # }) };
/// ```
///
/// Go: net.TCPConn
#[doc(alias = "TCPConn")]
pub struct TcpStream(Socket<std::net::TcpStream>);

common!(TcpStream, std::net::TcpStream);
connected!(TcpStream);
stream!(TcpStream, std::net::TcpStream);
ttl!(TcpStream);

impl TcpStream {
    /// Connects to the first of the addresses that answers.
    ///
    /// # Errors
    /// The last address's error, or that there are no addresses.
    ///
    /// # Examples
    /// See [`TcpStream`].
    ///
    /// Go: net.Dial
    #[doc(alias = "Dial")]
    pub fn connect<A: ToSocketAddrs>(addr: A) -> io::Result<TcpStream> {
        each(addr, |addr| TcpStream::connect_until(&addr, None))
    }

    /// Connects to this address, and waits for `timeout` at most.
    ///
    /// # Errors
    /// As std's: [`TimedOut`](io::ErrorKind::TimedOut) if the time has passed,
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if it is zero.
    ///
    /// Go: net.DialTimeout
    #[doc(alias = "DialTimeout")]
    pub fn connect_timeout(addr: &SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
        if timeout.is_zero() {
            let words = "cannot set a 0 duration timeout";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
        }
        TcpStream::connect_until(addr, Some(nanos_after(timeout)))
    }

    fn connect_until(addr: &SocketAddr, deadline: Option<Nanos>) -> io::Result<TcpStream> {
        let stream = TcpStream::accepted(Socket::of(socket::connect(addr)?));
        loop {
            if let Some(e) = stream.take_error()? {
                return Err(e);
            }
            // No error and no other end: it is on its way.
            match stream.peer_addr() {
                Err(e) if e.kind() == io::ErrorKind::NotConnected => (),
                other => return other.map(|_| stream),
            }
            if !stream.0.wait(Direction::Write, deadline) {
                let words = "connection timed out";
                return Err(io::Error::new(io::ErrorKind::TimedOut, words));
            }
        }
    }

    pub(crate) fn accepted(socket: Socket<std::net::TcpStream>) -> TcpStream {
        TcpStream::wrap(socket)
    }

    pub(crate) fn as_std(&self) -> &std::net::TcpStream {
        self.0.std()
    }

    /// Reads what is there, or what comes next, without taking it away.
    ///
    /// # Errors
    /// As std's.
    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(|std| std.peek(buf))
    }

    /// With `true`, small writes are sent at once (`TCP_NODELAY`).
    ///
    /// # Errors
    /// As std's.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.0.std().set_nodelay(nodelay)
    }

    /// Are small writes sent at once?
    ///
    /// # Errors
    /// As std's.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.0.std().nodelay()
    }
}

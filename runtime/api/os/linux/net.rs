//! What sockets have on Linux only, as in [`std::os::linux::net`].
#![forbid(unsafe_code)]

use std::io;
use std::os::linux::net::TcpStreamExt as StdTcpStreamExt;

pub use std::os::linux::net::SocketAddrExt;

use crate::api::net::tcp_stream::TcpStream;

/// As [`std::os::linux::net::TcpStreamExt`], for [`gosched::net::TcpStream`](TcpStream).
///
/// # Examples
/// ```
/// use gosched::net::{TcpListener, TcpStream};
/// use gosched::os::linux::net::TcpStreamExt;
///
/// # // SAFETY: nothing here is tied to an OS thread.
/// # unsafe { gosched::run(|| {
/// let listener = TcpListener::bind("127.0.0.1:0").unwrap();
/// let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
/// stream.set_quickack(false).unwrap();
/// assert!(!stream.quickack().unwrap());
/// # }) };
/// ```
pub trait TcpStreamExt: sealed::Sealed {
    /// With `true`, what arrives is acknowledged at once (`TCP_QUICKACK`). The kernel may change it back.
    ///
    /// # Errors
    /// As std's.
    fn set_quickack(&self, quickack: bool) -> io::Result<()>;

    /// Is what arrives acknowledged at once?
    ///
    /// # Errors
    /// As std's.
    fn quickack(&self) -> io::Result<bool>;
}

impl TcpStreamExt for TcpStream {
    fn set_quickack(&self, quickack: bool) -> io::Result<()> {
        StdTcpStreamExt::set_quickack(self.as_std(), quickack)
    }

    fn quickack(&self) -> io::Result<bool> {
        StdTcpStreamExt::quickack(self.as_std())
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::TcpStream {}
}

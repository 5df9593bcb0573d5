//! A descriptor of any kind, and goroutines that wait for it.
#![forbid(unsafe_code)]

use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use crate::api::net::socket::Socket;
use crate::ext::linux::socket::is_nonblocking;

/// Owns something with a descriptor, and lets goroutines wait until that is ready, without holding a
/// thread.
///
/// The descriptor is set not to block, and so are all that stand for the same open file, in other
/// processes too: think of a terminal that was inherited as stdin. [`into_inner`](Async::into_inner)
/// sets it back.
///
/// # Examples
/// ```
/// use gosched::io::Async;
/// use std::io::{Read, Write};
///
/// # // SAFETY: nothing here is tied to an OS thread.
/// # unsafe { gosched::run(|| {
/// let (from, mut to) = std::io::pipe().unwrap();
/// let from = Async::new(from).unwrap();
/// gosched::go(move || to.write_all(b"hello").unwrap());
/// let mut text = String::new();
/// (&from).read_to_string(&mut text).unwrap();
/// assert_eq!(text, "hello");
/// # }) };
/// ```
///
/// Go: os.NewFile with a descriptor that does not block
pub struct Async<T: AsFd> {
    socket: Socket<T>,
    was_nonblocking: bool,
}

impl<T: AsFd> Async<T> {
    /// Has the kernel watch it.
    ///
    /// # Errors
    /// If the kernel cannot: `EPERM` for files and directories.
    ///
    /// # Examples
    /// See [`Async`].
    pub fn new(inner: T) -> io::Result<Async<T>> {
        let was_nonblocking = is_nonblocking(inner.as_fd());
        let socket = Socket::watch(inner)?;
        Ok(Async {
            socket,
            was_nonblocking,
        })
    }

    /// Calls `f`, and if that would have to wait
    /// ([`WouldBlock`](io::ErrorKind::WouldBlock)), waits until the descriptor may be readable, and
    /// calls it again. One goroutine at a time.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn read_with<R>(&self, f: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        self.socket.read(f)
    }

    /// As [`read_with`](Async::read_with), for calls that wait until the descriptor is writable.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn write_with<R>(&self, f: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        self.socket.write(f)
    }

    /// What it owns.
    pub fn get_ref(&self) -> &T {
        self.socket.std()
    }

    /// What it owns; the descriptor blocks again if it did before.
    pub fn into_inner(self) -> T {
        self.socket.set_nonblocking(self.was_nonblocking);
        self.socket.into_std()
    }
}

impl<T: AsFd + fmt::Debug> fmt::Debug for Async<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Async").field(self.get_ref()).finish()
    }
}

impl<T: AsFd> AsFd for Async<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.get_ref().as_fd()
    }
}

impl<T: AsFd> Read for &Async<T>
where
    for<'a> &'a T: Read,
{
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.socket.read(|mut inner| inner.read(buf))
    }
}

impl<T: AsFd> Write for &Async<T>
where
    for<'a> &'a T: Write,
{
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.socket.write(|mut inner| inner.write(buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.write(|mut inner| inner.flush())
    }
}

impl<T: AsFd> Read for Async<T>
where
    for<'a> &'a T: Read,
{
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buf)
    }
}

impl<T: AsFd> Write for Async<T>
where
    for<'a> &'a T: Write,
{
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self).write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self).flush()
    }
}

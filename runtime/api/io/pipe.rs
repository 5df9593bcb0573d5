//! Pipes whose ends wait in the poller.
#![forbid(unsafe_code)]

use std::io;

use crate::api::io::pipe_end::{reads, same_in_std, writes};
use crate::api::net::socket::Socket;

/// A pipe: what is written to the second value can be read from the first. As [`std::io::pipe`]; a
/// goroutine that waits for an end holds no thread.
///
/// # Errors
/// As std's.
///
/// # Examples
/// ```
/// use std::io::{Read, Write};
///
/// # // SAFETY: nothing here is tied to an OS thread.
/// # unsafe { gosched::run(|| {
/// let (mut from, mut to) = gosched::io::pipe().unwrap();
/// gosched::go(move || to.write_all(b"hello").unwrap());
/// let mut text = String::new();
/// from.read_to_string(&mut text).unwrap();
/// assert_eq!(text, "hello");
/// # }) };
/// ```
///
/// Go: os.Pipe
pub fn pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (from, to) = io::pipe()?;
    Ok((from.into(), to.into()))
}

/// The end of a [`pipe`] that is read from.
///
/// # Examples
/// See [`pipe`].
pub struct PipeReader(Socket<io::PipeReader>);

/// The end of a [`pipe`] that is written to.
///
/// # Examples
/// See [`pipe`].
pub struct PipeWriter(Socket<io::PipeWriter>);

reads!(PipeReader);
writes!(PipeWriter);
same_in_std!(PipeReader, io::PipeReader);
same_in_std!(PipeWriter, io::PipeWriter);

/// A second handle of the same end.
macro_rules! try_clone {
    ($($name:ident)*) => {$(
        impl $name {
            /// A second handle of the same end, with a descriptor of its own. Both are one open file: if
            /// one of them becomes a child's or std's, and so blocks again, the other one still works,
            /// but whoever waits for it may hold a thread.
            ///
            /// # Errors
            /// As std's.
            pub fn try_clone(&self) -> io::Result<$name> {
                let inner = self.0.std().try_clone()?;
                Ok($name(self.0.clone_of(inner)))
            }
        }
    )*};
}

try_clone! { PipeReader PipeWriter }

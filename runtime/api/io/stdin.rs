//! Standard input: a goroutine that waits for it holds no thread.
//!
//! Other processes share the open file behind descriptor 0, and often it is our standard output as well:
//! a terminal. So it is not set to `O_NONBLOCK`. The poller says when there may be something to read, and
//! a read is tried only if the kernel says so too.
//!
//! Go: os.Stdin, which blocks its thread.
#![forbid(unsafe_code)]

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Lines, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::PoisonError;
use std::time::Duration;

use crate::api::net::socket::Socket;
use crate::api::os_thread::blocking;
use crate::api::sync::{Mutex, MutexGuard, OnceLock};
use crate::ext::linux::socket::wait_on_thread;

/// What is behind descriptor 0, without a buffer. None: it was closed.
struct Unbuffered(Option<Socket<File>>);

impl Unbuffered {
    fn open() -> Unbuffered {
        let fd = io::stdin().as_fd().try_clone_to_owned();
        Unbuffered(fd.ok().map(|fd| Socket::shared(fd.into())))
    }
}

impl Read for Unbuffered {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(socket) = &self.0 else { return Ok(0) };
        socket.read(|mut file| {
            if !wait_on_thread(file.as_fd(), false, Some(Duration::ZERO)) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            // Another process may be faster, and then this waits.
            blocking(|| file.read(buf))
        })
    }
}

type Shared = Mutex<BufReader<Unbuffered>>;

fn shared() -> &'static Shared {
    static STDIN: OnceLock<Shared> = OnceLock::new();
    STDIN.get_or_init(|| Mutex::new(BufReader::new(Unbuffered::open())))
}

/// Standard input. As [`std::io::stdin`]; a goroutine that waits for input holds no thread.
///
/// It has a buffer of its own: what this one has read, std's does not see. Use one of them. If another
/// process reads from the same terminal or pipe, a wait may hold a thread. A file never makes one wait
/// for long, and is read on the thread.
///
/// # Examples
/// ```no_run
/// # // SAFETY: nothing here is tied to an OS thread.
/// # unsafe { gosched::run(|| {
/// for line in gosched::io::stdin().lines() {
///     println!("{}", line.unwrap());
/// }
/// # }) };
/// ```
///
/// Go: os.Stdin
pub fn stdin() -> Stdin {
    Stdin(shared())
}

/// What [`stdin`] returns: a handle of standard input and its buffer.
///
/// # Examples
/// See [`stdin`].
pub struct Stdin(&'static Shared);

/// Standard input, for the one who has locked it. Made by [`Stdin::lock`].
///
/// # Examples
/// See [`Stdin::lock`].
pub struct StdinLock<'a>(MutexGuard<'a, BufReader<Unbuffered>>);

impl Stdin {
    /// Locks it: others wait until the value is dropped.
    ///
    /// # Examples
    /// ```no_run
    /// use std::io::BufRead;
    ///
    /// let mut first = String::new();
    /// gosched::io::stdin().lock().read_line(&mut first).unwrap();
    /// ```
    pub fn lock(&self) -> StdinLock<'static> {
        StdinLock(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads a line, with its end, and appends it to `line`. Returns the number of bytes; 0: the input has
    /// ended.
    ///
    /// # Errors
    /// As std's.
    pub fn read_line(&self, line: &mut String) -> io::Result<usize> {
        self.lock().read_line(line)
    }

    /// Locks it, and returns its lines, without their ends.
    ///
    /// # Examples
    /// See [`stdin`].
    pub fn lines(self) -> Lines<StdinLock<'static>> {
        self.lock().lines()
    }
}

impl Read for Stdin {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.lock().read(buf)
    }
}

impl Read for &Stdin {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.lock().read(buf)
    }
}

impl Read for StdinLock<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl BufRead for StdinLock<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.0.consume(n);
    }
}

impl AsFd for Stdin {
    fn as_fd(&self) -> BorrowedFd<'_> {
        std_fd()
    }
}

impl AsFd for StdinLock<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        std_fd()
    }
}

/// Descriptor 0.
fn std_fd() -> BorrowedFd<'static> {
    static STD: std::sync::LazyLock<io::Stdin> = std::sync::LazyLock::new(io::stdin);
    STD.as_fd()
}

impl fmt::Debug for Stdin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Stdin { .. }")
    }
}

impl fmt::Debug for StdinLock<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("StdinLock { .. }")
    }
}

//! Ends the process with a message: Go's `throw` and `fatal`, status 2.
//!
//! The message is printed completely. The thread that prints it waits for the reader of a pipe
//! that does not block. A thread that would end the process meanwhile, by `exit` or by the end of
//! main, waits for the printing thread ([`let_others_die`]).
#![allow(
    unsafe_code,
    reason = "write(2), poll(2), pause(2) and _exit(2): nothing else may run on the way out"
)]

use std::fmt::{self, Write as _};
use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64};

use crate::core::sys::clock::{Nanos, nanotime};

/// How long, in all, a final report waits for a pipe that is not read.
const PATIENCE: Nanos = 10_000_000_000;
/// How often to check what others do while the caller waits for them.
const LOOK: libc::c_int = 20;

/// Writes directly to file descriptor 2: no lock, no buffer, no allocation. If the pipe or
/// terminal is full and does not block (all processes that share it share `O_NONBLOCK`), this
/// waits ten seconds at most, because this is the last message.
#[derive(Debug)]
pub(crate) struct RawStderr;

impl fmt::Write for RawStderr {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        write_all(s, true)
    }
}

fn write_all(s: &str, patient: bool) -> fmt::Result {
    let mut rest = s.as_bytes();
    while !rest.is_empty() {
        // SAFETY: pointer and length describe `rest`.
        let n = unsafe { libc::write(2, rest.as_ptr().cast(), rest.len()) };
        match usize::try_from(n) {
            Ok(n) if n > 0 => rest = rest.get(n..).unwrap_or_default(),
            Ok(_) => return Err(fmt::Error),
            Err(_) => match io::Error::last_os_error().kind() {
                io::ErrorKind::Interrupted => (),
                io::ErrorKind::WouldBlock if patient && wait_for_room() => (),
                _ => return Err(fmt::Error),
            },
        }
    }
    Ok(())
}

/// False: the time for stderr's readers is over.
fn wait_for_room() -> bool {
    static WAITED: AtomicU64 = AtomicU64::new(0);
    if WAITED.load(Relaxed) >= PATIENCE {
        return false;
    }
    let before = nanotime();
    poll_room(LOOK);
    WAITED.fetch_add(nanotime().saturating_sub(before), Relaxed);
    true
}

/// Until stderr has room, or `millis` have passed, or a signal came.
fn poll_room(millis: libc::c_int) {
    let mut stderr = libc::pollfd {
        fd: 2,
        events: libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: one entry, ours.
    unsafe { libc::poll(&raw mut stderr, 1, millis) };
}

/// As [`RawStderr`], but what belongs together comes in one piece, up to 512 bytes; the rest
/// when it is dropped.
pub(crate) struct BufferedStderr {
    bytes: [u8; 512],
    len: usize,
    patient: bool,
}

impl BufferedStderr {
    pub(crate) const fn new() -> BufferedStderr {
        BufferedStderr::with_patience(true)
    }

    const fn with_patience(patient: bool) -> BufferedStderr {
        BufferedStderr {
            bytes: [0; 512],
            len: 0,
            patient,
        }
    }

    /// For a message that is not the last: the part that stderr does not take at once is dropped.
    pub(crate) const fn hasty() -> BufferedStderr {
        BufferedStderr::with_patience(false)
    }

    fn flush(&mut self) -> fmt::Result {
        let len = std::mem::take(&mut self.len);
        // Whole strings were put in, so this is one too.
        let text = std::str::from_utf8(&self.bytes[..len]).map_err(|_| fmt::Error)?;
        write_all(text, self.patient)
    }
}

impl fmt::Write for BufferedStderr {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        if self.len + s.len() > self.bytes.len() {
            self.flush()?;
        }
        match self.bytes.get_mut(self.len..self.len + s.len()) {
            Some(place) => {
                place.copy_from_slice(s.as_bytes());
                self.len += s.len();
                if s.ends_with('\n') {
                    self.flush()
                } else {
                    Ok(())
                }
            }
            None => write_all(s, self.patient),
        }
    }
}

impl Drop for BufferedStderr {
    fn drop(&mut self) {
        let _ = self.flush();
    }
}

/// Leaves the process at once, without destructors or exit handlers. Go: os.Exit.
pub(crate) fn exit_now(status: i32) -> ! {
    // SAFETY: `_exit` has no preconditions.
    unsafe { libc::_exit(status) }
}

/// The thread that prints why the process ends. The goroutine that prints stays on this thread:
/// from [`begin_death`] on, it does not enter the runtime and is not preempted.
static DYING: AtomicI32 = AtomicI32::new(0);
/// A report was requested and will be printed (`SIGQUIT`).
static ANNOUNCED: AtomicBool = AtomicBool::new(false);

/// The first caller returns, and will end the process; later callers wait for that, so that
/// reports do not mix. A caller that fails while it prints ends the process at once. Go: panic.go
/// startpanic_m.
pub(crate) fn begin_death() {
    // SAFETY: no preconditions.
    let me = unsafe { libc::gettid() };
    match DYING.compare_exchange(0, me, Relaxed, Relaxed) {
        Ok(_) => (),
        Err(first) if first == me => exit_now(2),
        Err(_) => loop {
            // SAFETY: no preconditions.
            unsafe { libc::pause() };
        },
    }
}

/// Whether the calling thread prints why the process ends. May be called in a signal handler.
pub(crate) fn is_telling() -> bool {
    let dying = DYING.load(Relaxed);
    // SAFETY: no preconditions.
    dying != 0 && dying == unsafe { libc::gettid() }
}

/// Another thread will [`begin_death`] soon. May be called in a signal handler.
pub(crate) fn announce_death() {
    ANNOUNCED.store(true, Relaxed);
}

/// Called by a thread that is about to end the process in an orderly way: not while another
/// thread prints why it ends, or was asked to. Go: proc.go main, its look at `panicking`.
pub(crate) fn let_others_die() {
    // SAFETY: no preconditions.
    let me = unsafe { libc::gettid() };
    let begin = nanotime();
    loop {
        match DYING.load(Relaxed) {
            0 if !ANNOUNCED.load(Relaxed) => return,
            // The one who was asked may wait for something that we hold.
            0 if nanotime().saturating_sub(begin) > PATIENCE => return,
            dying if dying == me => return,
            _ => (),
        }
        // SAFETY: no descriptors.
        unsafe { libc::poll(std::ptr::null_mut(), 0, LOOK) };
    }
}

/// Writes `fatal error: WORDS` to stderr and leaves with status 2. Go: panic.go fatal, throw.
#[cold]
pub(crate) fn throw(args: fmt::Arguments<'_>) -> ! {
    begin_death();
    throw_begun(args)
}

/// As [`throw`], after [`begin_death`] and perhaps some words.
#[cold]
pub(crate) fn throw_begun(args: fmt::Arguments<'_>) -> ! {
    // Nobody is left to hear that stderr is closed.
    let _ = writeln!(RawStderr, "fatal error: {args}");
    exit_now(2)
}

/// A bug of the runtime, or a misuse after which the process cannot continue: a message, then
/// status 2.
macro_rules! fatal {
    ($($arg:tt)*) => { $crate::core::sys::fatal::throw(format_args!($($arg)*)) };
}
pub(crate) use fatal;

//! The end of the process, with words: Go's `throw` and `fatal`, status 2.
#![allow(
    unsafe_code,
    reason = "write(2), pause(2) and _exit(2): nothing else may run on the way out"
)]

use std::fmt::{self, Write as _};
use std::sync::atomic::AtomicI32;
use std::sync::atomic::Ordering::Relaxed;

/// Writes straight to file descriptor 2: no lock, no buffer, no allocation.
#[derive(Debug)]
pub(crate) struct RawStderr;

impl fmt::Write for RawStderr {
    fn write_str(&mut self, mut s: &str) -> fmt::Result {
        while !s.is_empty() {
            // SAFETY: pointer and length describe `s`.
            let n = unsafe { libc::write(2, s.as_ptr().cast(), s.len()) };
            match usize::try_from(n) {
                Ok(n) if n > 0 => s = &s[n.min(s.len())..],
                _ => return Err(fmt::Error),
            }
        }
        Ok(())
    }
}

/// As [`RawStderr`], but what belongs together comes in one piece, up to 512 bytes; the rest
/// when it is dropped.
pub(crate) struct BufferedStderr {
    bytes: [u8; 512],
    len: usize,
}

impl BufferedStderr {
    pub(crate) const fn new() -> BufferedStderr {
        BufferedStderr {
            bytes: [0; 512],
            len: 0,
        }
    }

    fn flush(&mut self) -> fmt::Result {
        let len = std::mem::take(&mut self.len);
        // Whole strings were put in, so this is one too.
        let text = std::str::from_utf8(&self.bytes[..len]).map_err(|_| fmt::Error)?;
        RawStderr.write_str(text)
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
            None => RawStderr.write_str(s),
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

/// The thread that tells why the process ends.
static DYING: AtomicI32 = AtomicI32::new(0);

/// The first to come goes on and ends the process; others wait for that, so that reports do not
/// mix. One who fails while telling leaves at once. Go: panic.go startpanic_m.
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

/// By one who is about to leave the process in peace: not while another thread tells why it ends.
/// Go: proc.go main, its look at `panicking`.
pub(crate) fn let_others_die() {
    while DYING.load(Relaxed) != 0 {
        // SAFETY: no preconditions.
        unsafe { libc::pause() };
    }
}

/// Writes `fatal error: WORDS` to stderr and leaves with status 2. Go: panic.go fatal, throw.
#[cold]
pub(crate) fn throw(args: fmt::Arguments<'_>) -> ! {
    begin_death();
    // Nobody is left to hear that stderr is closed.
    let _ = writeln!(RawStderr, "fatal error: {args}");
    exit_now(2)
}

/// A bug of the runtime, or a misuse that cannot be survived: words, then status 2.
macro_rules! fatal {
    ($($arg:tt)*) => { $crate::sys::fatal::throw(format_args!($($arg)*)) };
}
pub(crate) use fatal;

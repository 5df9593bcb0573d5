//! The end of the process, with words: Go's `throw` and `fatal`, status 2.
#![allow(
    unsafe_code,
    reason = "write(2) and _exit(2): nothing else may run on the way out"
)]

use std::fmt::{self, Write as _};

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

/// Leaves the process at once, without destructors or exit handlers. Go: os.Exit.
pub(crate) fn exit_now(status: i32) -> ! {
    // SAFETY: `_exit` has no preconditions.
    unsafe { libc::_exit(status) }
}

/// Writes `fatal error: WORDS` to stderr and leaves with status 2. Go: panic.go fatal, throw.
#[cold]
pub(crate) fn throw(args: fmt::Arguments<'_>) -> ! {
    // Nobody is left to hear that stderr is closed.
    let _ = writeln!(RawStderr, "fatal error: {args}");
    exit_now(2)
}

/// A bug of the runtime, or a misuse that cannot be survived: words, then status 2.
macro_rules! fatal {
    ($($arg:tt)*) => { $crate::sys::fatal::throw(format_args!($($arg)*)) };
}
pub(crate) use fatal;

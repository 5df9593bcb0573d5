//! Why a goroutine got no stack: an error of the system, never a crash.
#![forbid(unsafe_code)]

use std::fmt;
use std::io;

/// Why there is no stack for a goroutine.
///
/// Numbers are bytes unless they say otherwise; `errno` is the kernel's answer.
///
/// # Examples
/// ```
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let huge = gosched::thread::Builder::new().stack_size(1 << 40).spawn(|| ());
///     let error = huge.unwrap_err().downcast::<gosched::StackError>().unwrap();
///     assert!(matches!(error, gosched::StackError::TooLarge { .. }));
/// }) };
/// ```
///
/// Go: none; the Go runtime dies when it cannot map a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StackError {
    /// More than the largest size class was asked for.
    TooLarge {
        /// Bytes asked for.
        asked: usize,
        /// Bytes in the largest class.
        max: usize,
    },
    /// No address space: `ulimit -v`, or the process is full.
    Reserve {
        /// Bytes of the smallest reservation that was tried.
        bytes: usize,
        /// The kernel's answer.
        errno: i32,
    },
    /// Address space, but no right to write to it: `ulimit -d`, or strict overcommit.
    Commit {
        /// Bytes of the smallest step that was tried.
        bytes: usize,
        /// The kernel's answer.
        errno: i32,
    },
    /// No guard could be put below the stack.
    Guard {
        /// The kernel's answer.
        errno: i32,
    },
    /// This kernel has no cheap guards (before Linux 6.13), and each of the dear ones takes
    /// two of the process's memory mappings, of which there are no more to spare.
    TooManyMappings {
        /// Stacks that can be guarded this way.
        stacks: usize,
        /// `vm.max_map_count` as it is now.
        max_map_count: usize,
    },
    /// The table of reservations is full.
    Exhausted,
}

impl fmt::Display for StackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            StackError::TooLarge { asked, max } => write!(
                f,
                "a goroutine stack of {asked} bytes is too large: the limit is {max} bytes"
            ),
            StackError::Reserve { bytes, errno } => write!(
                f,
                "cannot reserve {bytes} bytes of address space for goroutine stacks: {} \
                 (is `ulimit -v` set?)",
                Errno(errno)
            ),
            StackError::Commit { bytes, errno } => write!(
                f,
                "cannot make {bytes} bytes of goroutine stacks writable: {} \
                 (`ulimit -d`, or vm.overcommit_memory=2?)",
                Errno(errno)
            ),
            StackError::Guard { errno } => write!(
                f,
                "cannot put a guard below a goroutine stack: {}",
                Errno(errno)
            ),
            StackError::TooManyMappings {
                stacks,
                max_map_count,
            } => write!(
                f,
                "no more than {stacks} goroutine stacks can be guarded: this kernel has no \
                 MADV_GUARD_INSTALL (Linux 6.13), so each stack takes two mappings, and \
                 vm.max_map_count is {max_map_count}; raise it with \
                 `sysctl -w vm.max_map_count={}`",
                max_map_count.saturating_mul(4)
            ),
            StackError::Exhausted => {
                write!(f, "no more goroutine stacks: the table of arenas is full")
            }
        }
    }
}

impl std::error::Error for StackError {}

impl From<StackError> for io::Error {
    fn from(error: StackError) -> io::Error {
        let kind = match error {
            StackError::TooLarge { .. } => io::ErrorKind::InvalidInput,
            _ => io::ErrorKind::OutOfMemory,
        };
        io::Error::new(kind, error)
    }
}

/// The kernel's words for a number.
struct Errno(i32);

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        io::Error::from_raw_os_error(self.0).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_says_what_to_do() {
        let text = StackError::TooManyMappings {
            stacks: 28_669,
            max_map_count: 65_530,
        }
        .to_string();
        assert!(text.contains("28669"), "{text}");
        assert!(text.contains("sysctl -w vm.max_map_count=262120"), "{text}");
        let text = StackError::Reserve {
            bytes: 4096,
            errno: libc::ENOMEM,
        }
        .to_string();
        assert!(text.contains("Cannot allocate memory"), "{text}");
        let error = io::Error::from(StackError::Exhausted);
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
    }
}

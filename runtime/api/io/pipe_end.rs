//! One end of a pipe, as macros: what a program reads from, and what it writes to.
//!
//! The two ends of a pipe are different open files. So an end of ours never blocks, and the other one,
//! which another process may have, stays as it is.
#![forbid(unsafe_code)]

/// Descriptors, std's types, and what a child process gets. `$inner`: std's end of a pipe.
macro_rules! end {
    ($name:ident, $inner:ty) => {
        impl $name {
            /// From now on it never blocks.
            fn of(inner: $inner) -> $name {
                // It fails on no open descriptor.
                let _ = $crate::ext::linux::socket::set_nonblocking(
                    std::os::fd::AsFd::as_fd(&inner),
                    true,
                );
                $name($crate::api::net::socket::Socket::new(inner))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.std().fmt(f)
            }
        }

        impl From<std::os::fd::OwnedFd> for $name {
            fn from(fd: std::os::fd::OwnedFd) -> $name {
                $name::of(fd.into())
            }
        }

        /// It blocks again.
        impl From<$name> for std::os::fd::OwnedFd {
            fn from(end: $name) -> std::os::fd::OwnedFd {
                end.0.into_std().into()
            }
        }

        /// For a child process: there it blocks.
        impl From<$name> for std::process::Stdio {
            fn from(end: $name) -> std::process::Stdio {
                end.0.into_std().into()
            }
        }

        impl std::os::fd::AsFd for $name {
            fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
                self.0.std().as_fd()
            }
        }

        impl std::os::fd::AsRawFd for $name {
            fn as_raw_fd(&self) -> std::os::fd::RawFd {
                self.0.std().as_raw_fd()
            }
        }

        impl std::os::fd::IntoRawFd for $name {
            fn into_raw_fd(self) -> std::os::fd::RawFd {
                self.0.into_std().into_raw_fd()
            }
        }
    };
}
pub(crate) use end;

/// The type of std with the same name.
macro_rules! same_in_std {
    ($name:ident, $std:ty) => {
        impl From<$std> for $name {
            fn from(std: $std) -> $name {
                std::os::fd::OwnedFd::from(std).into()
            }
        }

        /// It blocks again.
        impl From<$name> for $std {
            fn from(end: $name) -> $std {
                std::os::fd::OwnedFd::from(end).into()
            }
        }
    };
}
pub(crate) use same_in_std;

/// An end to read from.
macro_rules! reads {
    ($name:ident) => {
        $crate::api::io::pipe_end::end!($name, std::io::PipeReader);
        $crate::api::net::read_write::reads!($name);
    };
}
pub(crate) use reads;

/// An end to write to.
macro_rules! writes {
    ($name:ident) => {
        $crate::api::io::pipe_end::end!($name, std::io::PipeWriter);
        $crate::api::net::read_write::writes!($name);
    };
}
pub(crate) use writes;

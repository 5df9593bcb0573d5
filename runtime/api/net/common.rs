//! What all types of sockets have, as macros: std has no trait for it.
#![forbid(unsafe_code)]

/// Descriptors, std's types, clones, and what goes to the kernel as it is.
macro_rules! common {
    ($name:ident, $std:ty) => {
        impl $name {
            fn wrap(socket: $crate::api::net::socket::Socket<$std>) -> $name {
                $name(socket)
            }

            /// A second handle of the same socket, with a descriptor of its own. As in std, both share
            /// time limits and mode.
            ///
            /// # Errors
            /// As std's.
            pub fn try_clone(&self) -> std::io::Result<$name> {
                let std = self.0.std().try_clone()?;
                Ok($name::wrap(self.0.clone_of(std)))
            }

            /// The local address.
            ///
            /// # Errors
            /// As std's.
            pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
                self.0.std().local_addr()
            }

            /// Takes the error that the kernel has kept for this socket.
            ///
            /// # Errors
            /// As std's.
            pub fn take_error(&self) -> std::io::Result<Option<std::io::Error>> {
                self.0.std().take_error()
            }

            /// With `true`, calls that would wait return
            /// [`WouldBlock`](std::io::ErrorKind::WouldBlock).
            ///
            /// The descriptor itself never blocks; this is about what the calls of this type and its
            /// clones do.
            ///
            /// # Errors
            /// None at present.
            pub fn set_nonblocking(&self, nonblocking: bool) -> std::io::Result<()> {
                self.0.set_nonblocking(nonblocking);
                Ok(())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.std().fmt(f)
            }
        }

        /// It keeps its time limits and its mode.
        impl From<$std> for $name {
            fn from(std: $std) -> $name {
                $name::wrap($crate::api::net::socket::Socket::adopt(std))
            }
        }

        /// It blocks again, unless it was set not to.
        impl From<$name> for $std {
            fn from(socket: $name) -> $std {
                socket.0.into_std()
            }
        }

        impl From<std::os::fd::OwnedFd> for $name {
            fn from(fd: std::os::fd::OwnedFd) -> $name {
                <$std>::from(fd).into()
            }
        }

        impl From<$name> for std::os::fd::OwnedFd {
            fn from(socket: $name) -> std::os::fd::OwnedFd {
                <$std>::from(socket).into()
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
                <$std>::from(self).into_raw_fd()
            }
        }
    };
}
pub(crate) use common;

/// Time limits of reads and writes, and the address of the other end.
macro_rules! connected {
    ($name:ident) => {
        impl $name {
            /// The address of the other end.
            ///
            /// # Errors
            /// As std's.
            pub fn peer_addr(&self) -> std::io::Result<SocketAddr> {
                self.0.std().peer_addr()
            }

            /// Reads that have waited so long fail with
            /// [`WouldBlock`](std::io::ErrorKind::WouldBlock), as std's do on Linux. `None`: they wait.
            ///
            /// It is no system call: the kernel hears of it when this becomes std's.
            ///
            /// # Errors
            /// If the time is zero.
            pub fn set_read_timeout(
                &self,
                span: Option<std::time::Duration>,
            ) -> std::io::Result<()> {
                let read = $crate::ext::net::poll_desc::Direction::Read;
                self.0.set_timeout(read, span)
            }

            /// Writes that have waited so long fail with
            /// [`WouldBlock`](std::io::ErrorKind::WouldBlock), as std's do on Linux. `None`: they wait.
            ///
            /// It is no system call: the kernel hears of it when this becomes std's.
            ///
            /// # Errors
            /// If the time is zero.
            pub fn set_write_timeout(
                &self,
                span: Option<std::time::Duration>,
            ) -> std::io::Result<()> {
                let write = $crate::ext::net::poll_desc::Direction::Write;
                self.0.set_timeout(write, span)
            }

            /// The time limit of reads.
            ///
            /// # Errors
            /// None at present.
            pub fn read_timeout(&self) -> std::io::Result<Option<std::time::Duration>> {
                let read = $crate::ext::net::poll_desc::Direction::Read;
                Ok(self.0.timeout(read))
            }

            /// The time limit of writes.
            ///
            /// # Errors
            /// None at present.
            pub fn write_timeout(&self) -> std::io::Result<Option<std::time::Duration>> {
                let write = $crate::ext::net::poll_desc::Direction::Write;
                Ok(self.0.timeout(write))
            }
        }
    };
}
pub(crate) use connected;

/// The time to live.
macro_rules! ttl {
    ($name:ident) => {
        impl $name {
            /// Sets the time to live of the packets that it sends.
            ///
            /// # Errors
            /// As std's.
            pub fn set_ttl(&self, ttl: u32) -> std::io::Result<()> {
                self.0.std().set_ttl(ttl)
            }

            /// The time to live of the packets that it sends.
            ///
            /// # Errors
            /// As std's.
            pub fn ttl(&self) -> std::io::Result<u32> {
                self.0.std().ttl()
            }
        }
    };
}
pub(crate) use ttl;

/// What a stream can do: its halves are read and written, and shut down.
macro_rules! stream {
    ($name:ident, $std:ty) => {
        impl $name {
            /// Shuts the reading half, the writing half or both down. Goroutines that wait in a call of
            /// that half wake up.
            ///
            /// # Errors
            /// As std's.
            pub fn shutdown(&self, how: std::net::Shutdown) -> std::io::Result<()> {
                self.0.std().shutdown(how)
            }
        }

        $crate::api::net::read_write::reads!($name);
        $crate::api::net::read_write::writes!($name);
    };
}
pub(crate) use stream;

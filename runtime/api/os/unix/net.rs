//! Unix sockets for goroutines, with the names, errors and behaviour of [`std::os::unix::net`].
//! [`gosched::net`](crate::net) says what differs.
#![forbid(unsafe_code)]

pub use std::os::unix::net::SocketAddr;

pub use crate::api::net::unix_datagram::UnixDatagram;
pub use crate::api::net::unix_listener::{UnixIncoming as Incoming, UnixListener};
pub use crate::api::net::unix_stream::UnixStream;

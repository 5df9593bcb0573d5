//! Sockets made of the numbers of their descriptors.
#![allow(unsafe_code, reason = "FromRawFd, whose promise is the caller's")]

use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use crate::api::net::tcp_listener::TcpListener;
use crate::api::net::tcp_stream::TcpStream;
use crate::api::net::udp::UdpSocket;
use crate::api::net::unix_datagram::UnixDatagram;
use crate::api::net::unix_listener::UnixListener;
use crate::api::net::unix_stream::UnixStream;

macro_rules! from_raw_fd {
    ($($name:ident)*) => {$(
        impl FromRawFd for $name {
            unsafe fn from_raw_fd(fd: RawFd) -> $name {
                // SAFETY: the caller's promise.
                unsafe { OwnedFd::from_raw_fd(fd) }.into()
            }
        }
    )*};
}

from_raw_fd! { TcpListener TcpStream UdpSocket UnixDatagram UnixListener UnixStream }

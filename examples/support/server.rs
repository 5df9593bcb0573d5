//! How a server ends that waits for the next connection.
use std::io::ErrorKind;
use std::time::Duration;

use gosched::net::{SocketAddr, TcpStream};
use gosched::thread::sleep;

/// Nobody can close a listener that waits: a last connection, which is nobody's, wakes it. Where no
/// descriptor is left, those that end give some back; and where nobody listens, nobody has to be woken.
pub fn knock(door: SocketAddr) {
    while let Err(e) = TcpStream::connect(door)
        && e.kind() != ErrorKind::ConnectionRefused
    {
        sleep(Duration::from_millis(10));
    }
}

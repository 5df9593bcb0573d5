//! What the servers among the examples share: how they end, and what they do when they cannot accept.
use std::io::{self, ErrorKind};
use std::process::ExitCode;
use std::time::Duration;

use gosched::net::{SocketAddr, TcpStream};
use gosched::thread::sleep;

use crate::println;

/// Nobody can close a listener that waits: a last connection, which is nobody's, wakes it. Where no
/// descriptor is left, those that end give some back; and where nobody listens, nobody has to be woken.
pub fn wake_accept(addr: SocketAddr) {
    while let Err(e) = TcpStream::connect(addr)
        && e.kind() != ErrorKind::ConnectionRefused
    {
        sleep(Duration::from_millis(10));
    }
}

/// No descriptor is left: connections that end give some back.
pub fn cannot_accept(e: &io::Error) {
    println!("cannot accept: {e}");
    sleep(Duration::from_millis(100));
}

/// What `main` returns, and the error on stderr.
pub fn status(outcome: io::Result<()>) -> ExitCode {
    let Err(e) = outcome else {
        return ExitCode::SUCCESS;
    };
    eprintln!("{e}");
    ExitCode::FAILURE
}

//! The server's process.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use gosched::net::{SocketAddr, TcpListener, TcpStream};
use gosched::os::unix::net::UnixStream;
use gosched::thread::{scope, sleep};

use crate::end::{self, Role};
use crate::rest::Rest;
use crate::tally::{self, Record};

/// Addresses: each has ports for some ten thousand connections, those that have just ended too.
pub(crate) const ADDRS: usize = 8;
/// Goroutines that accept, for each.
const ACCEPTORS: usize = 2;

/// What the server says first: the connection is there.
pub(crate) const HELLO: [u8; 1] = [7];

/// What the server has seen.
#[derive(Default)]
struct Seen {
    records: Mutex<Vec<Record>>,
    /// Connections that ended before they said their number.
    nameless: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
    no_descriptor: AtomicUsize,
}

/// Says on the wire where it listens, serves until it hears something there, and says what it has seen.
pub(crate) fn serve(mut wire: &UnixStream, before: &Rest) {
    let listeners: Vec<TcpListener> = (1..=ADDRS as u8)
        .map(|n| TcpListener::bind(SocketAddr::from(([127, 0, 0, n], 0))).unwrap())
        .collect();
    for listener in &listeners {
        // std's line has room for 128. The kernel resets some of those for whom there is none.
        // SAFETY: the descriptor is open.
        unsafe { libc::listen(listener.as_raw_fd(), 4096) };
        let port = listener.local_addr().unwrap().port();
        wire.write_all(&port.to_ne_bytes()).unwrap();
    }
    let seen = &Seen::default();
    scope(|s| {
        for listener in &listeners {
            for _ in 0..ACCEPTORS {
                s.spawn(move || accept(listener, seen));
            }
        }
        wire.read_exact(&mut [0]).unwrap();
        for listener in &listeners {
            // SAFETY: the descriptor is open.
            unsafe { libc::shutdown(listener.as_raw_fd(), libc::SHUT_RDWR) };
        }
    });
    drop(listeners);
    before.wait_until_nothing_else_is_left();
    let numbers = [&seen.nameless, &seen.most_open, &seen.no_descriptor];
    for number in numbers.map(|n| n.load(Relaxed) as u64) {
        wire.write_all(&number.to_ne_bytes()).unwrap();
    }
    tally::write(wire, &seen.records.lock().unwrap());
}

/// Until the listener is shut down.
fn accept(listener: &TcpListener, seen: &Seen) {
    scope(|s| {
        loop {
            match listener.accept() {
                Ok((stream, _)) => {
                    s.spawn(move || one(stream, seen));
                }
                Err(e) if e.kind() == ErrorKind::InvalidInput => return,
                // Clients have closed connections that are still open here.
                Err(e) if e.raw_os_error() == Some(libc::EMFILE) => {
                    seen.no_descriptor.fetch_add(1, Relaxed);
                    sleep(Duration::from_millis(1));
                }
                Err(e) => panic!("{e}"),
            }
        }
    });
}

fn one(mut stream: TcpStream, seen: &Seen) {
    let open = seen.open.fetch_add(1, Relaxed) + 1;
    seen.most_open.fetch_max(open, Relaxed);
    let mut id = [0; 8];
    stream.write_all(&HELLO).unwrap();
    match stream.read_exact(&mut id) {
        Ok(()) => {
            let id = u64::from_ne_bytes(id);
            let account = end::run(stream, id, Role::Server);
            seen.records.lock().unwrap().push(Record { id, account });
        }
        Err(_) => {
            seen.nameless.fetch_add(1, Relaxed);
        }
    }
    seen.open.fetch_sub(1, Relaxed);
}

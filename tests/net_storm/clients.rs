//! The clients' process.

use std::io::{ErrorKind, Read, Write};
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use gosched::net::{SocketAddr, TcpStream};
use gosched::os::unix::net::UnixStream;
use gosched::sync::Barrier;
use gosched::thread::{scope, sleep};

use crate::end::{self, Role};
use crate::plan::Dice;
use crate::rest::Rest;
use crate::server::{ADDRS, HELLO};
use crate::tally::{self, Record};

const LONG: Duration = Duration::from_secs(3600);

/// So many connections at a time, for so long; then everything is compared.
pub(crate) fn storm(mut wire: &UnixStream, connections: usize, time: Duration, before: &Rest) {
    let addrs: Vec<SocketAddr> = (1..=ADDRS as u8)
        .map(|n| {
            let mut port = [0; 2];
            wire.read_exact(&mut port).unwrap();
            SocketAddr::from(([127, 0, 0, n], u16::from_ne_bytes(port)))
        })
        .collect();
    let ids = &AtomicU64::new(1);
    let records = &Mutex::new(Vec::new());
    let all_there = &Barrier::new(connections + 1);
    let begin = scope(|s| {
        for who in 0..connections {
            let addr = addrs[who % addrs.len()];
            s.spawn(move || {
                let mut dice = Dice::new(who as u64);
                let mut next = connect(addr, ids, &mut dice);
                // None ends before there are as many as there shall be.
                all_there.wait();
                let end = Instant::now() + time;
                loop {
                    let (stream, id) = next;
                    let account = end::run(stream, id, Role::Client);
                    records.lock().unwrap().push(Record { id, account });
                    if Instant::now() >= end {
                        return;
                    }
                    next = connect(addr, ids, &mut dice);
                }
            });
        }
        all_there.wait();
        Instant::now()
    });
    let lasted = begin.elapsed();
    before.wait_until_nothing_else_is_left();
    wire.write_all(&[0]).unwrap();
    let mut number = || {
        let mut number = [0; 8];
        wire.read_exact(&mut number).unwrap();
        u64::from_ne_bytes(number)
    };
    let (nameless, most_open, no_descriptor) = (number(), number(), number());
    let theirs = tally::read(wire);
    let totals = tally::compare(&records.lock().unwrap(), &theirs, nameless);
    println!("\n  {totals}");
    println!(
        "  {most_open} at a time; the server had no descriptor {no_descriptor} times; {lasted:.1?}"
    );
}

/// A connection that is open at both ends, and has said its number.
fn connect(addr: SocketAddr, ids: &AtomicU64, dice: &mut Dice) -> (TcpStream, u64) {
    loop {
        let stream = match dice.roll(2) {
            0 => TcpStream::connect(addr),
            _ => TcpStream::connect_timeout(&addr, LONG),
        };
        match stream {
            Ok(mut stream) => {
                let mut hello = [0];
                stream.read_exact(&mut hello).unwrap();
                assert_eq!(hello, HELLO);
                let id = ids.fetch_add(1, Relaxed);
                stream.write_all(&id.to_ne_bytes()).unwrap();
                return (stream, id);
            }
            // All ports belong to connections that have just ended.
            Err(e) if e.kind() == ErrorKind::AddrNotAvailable => {
                sleep(Duration::from_millis(10));
            }
            Err(e) => panic!("{e}"),
        }
    }
}

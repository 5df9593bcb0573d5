//! Requests over TCP on this machine: a task for each connection on both ends. Compiled for goroutines and
//! for OS threads (see `workloads/mod.rs`).

use std::io::{Read, Write};
use std::net::SocketAddr;

use super::net::{TcpListener, TcpStream};
use super::thread;
use crate::gauge::look;
use crate::outcome::{Outcome, check, timed};

const CONNECTIONS: u64 = 64;

fn serve(mut stream: TcpStream) {
    let mut request = [0; 64];
    while stream.read_exact(&mut request).is_ok() && stream.write_all(&request).is_ok() {}
}

fn ask(address: SocketAddr, requests: u64) -> u64 {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut answer = [0; 64];
    let echoed = (0..requests).filter(|request| {
        let text = [*request as u8; 64];
        stream.write_all(&text).unwrap();
        stream.read_exact(&mut answer).unwrap();
        answer == text
    });
    echoed.count() as u64
}

pub(crate) fn echo(n: u64) -> Outcome {
    let each = n / CONNECTIONS + 1;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    timed(|| {
        let server = thread::spawn(move || {
            let accept = |_| listener.accept().unwrap().0;
            let streams = (0..CONNECTIONS).map(accept);
            let served: Vec<_> = streams.map(|s| thread::spawn(move || serve(s))).collect();
            served.into_iter().for_each(|task| task.join().unwrap());
        });
        let client = |_| thread::spawn(move || ask(address, each));
        let clients: Vec<_> = (0..CONNECTIONS).map(client).collect();
        look();
        let all = clients.into_iter().map(|h| h.join().unwrap()).sum();
        server.join().unwrap();
        check(all, each * CONNECTIONS);
        all
    })
}

//! Ten thousand connections between two processes, with random lengths, delays, time limits, half-closes and
//! aborts, preempted every millisecond. Every byte is accounted for: what arrives is what was sent, all of it
//! or, if the connection was aborted, its beginning. At the end nothing is left: no descriptor, no goroutine,
//! nothing in the poller.
//!
//! Two processes, as ten thousand connections are twenty thousand descriptors. The default suite has 150;
//! `NET_SECS=60 NET_CONNECTIONS=10000` is the long form.
#![allow(
    unsafe_code,
    reason = "gosched::run is the unsafe door; socket options"
)]

mod support;
#[path = "support/limits.rs"]
mod limits;

#[path = "net_storm/clients.rs"]
mod clients;
#[path = "net_storm/end.rs"]
mod end;
#[path = "net_storm/plan.rs"]
mod plan;
#[path = "net_storm/rest.rs"]
mod rest;
#[path = "net_storm/server.rs"]
mod server;
#[path = "net_storm/tally.rs"]
mod tally;

use std::os::fd::{AsFd, OwnedFd};
use std::process::Stdio;
use std::time::Duration;

use gosched::os::unix::net::UnixStream;
use limits::limit;
use support::child;
use support::watchdog::Watchdog;

const NAME: &str = "a_storm_of_connections";

/// How long connections begin, at each number of Ps.
fn seconds() -> Duration {
    let text = std::env::var("NET_SECS").unwrap_or_else(|_| "0.3".into());
    Duration::from_secs_f64(text.parse().expect("NET_SECS: a number of seconds"))
}

/// How many connections there are at a time.
fn connections() -> usize {
    let text = std::env::var("NET_CONNECTIONS").unwrap_or_else(|_| "150".into());
    text.parse().expect("NET_CONNECTIONS: a number")
}

/// For one number of Ps.
fn patience() -> Duration {
    Duration::from_secs(60) + 3 * seconds() + Duration::from_millis(10) * connections() as u32
}

#[test]
fn a_storm_of_connections() {
    if let Some(role) = child::role() {
        return in_child(&role);
    }
    for procs in ["1", "2", "4"] {
        println!("{procs} Ps:");
        both(procs);
    }
}

/// Server and clients, joined by a wire that is the standard input of both.
fn both(procs: &str) {
    let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    let start = |role: &str, wire: OwnedFd| {
        let mut command = child::again(NAME, role);
        command.env("GOMAXPROCS", procs).env("GOSCHED", "slice=1ms");
        child::run_with(&mut command, Stdio::from(wire), patience())
    };
    std::thread::scope(|s| {
        let server = s.spawn(|| start("server", near.into()));
        let clients = start("clients", far.into());
        let server = server.join().unwrap();
        assert_eq!(clients.status, Some(0), "{clients}\nThe server: {server}");
        assert_eq!(server.status, Some(0), "{server}");
        for line in clients.stdout.lines().filter(|line| line.starts_with("  ")) {
            println!("{line}");
        }
    });
}

fn in_child(role: &str) {
    let dump = || {
        eprintln!("{:?} {:?}", gosched::metrics(), gosched::__objects());
        gosched::dump();
    };
    let _dog = Watchdog::new(role, patience() - Duration::from_secs(15), dump);
    limit(libc::RLIMIT_NOFILE, u64::MAX); // as many as the system allows
    let body = || {
        let wire = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
        let wire = UnixStream::from(wire);
        let before = rest::Rest::now();
        match role {
            "server" => server::serve(&wire, &before),
            _ => clients::storm(&wire, connections(), seconds(), &before),
        }
    };
    // SAFETY: nothing in the body is tied to an OS thread.
    unsafe { gosched::run(body) };
}

//! Who is woken when sockets change under those that wait for them, and what that costs: threads, system
//! calls.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

#[path = "net_waits/alone.rs"]
mod alone;
#[path = "net_waits/drained.rs"]
mod drained;
mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use gosched::net::{TcpListener, TcpStream};
use gosched::os::unix::net::{UnixListener, UnixStream};
use gosched::thread::{scope, sleep, yield_now};
use support::in_order::until_waiting;
use support::{check, child, yield_until};

const MS: Duration = Duration::from_millis(1);
const LIMIT: Duration = Duration::from_secs(20);

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}

/// Writes until there is no room. How much went in.
fn fill(mut stream: &TcpStream) -> usize {
    stream.set_nonblocking(true).unwrap();
    let mut sent = 0;
    while let Ok(n) = stream.write(&[7; 64 << 10]) {
        sent += n;
    }
    stream.set_nonblocking(false).unwrap();
    sent
}

/// The other end sends no more (`EPOLLRDHUP`): who reads hears of it, and who writes goes on. Go:
/// TestCloseWrite.
#[test]
fn the_other_end_sends_no_more() {
    const MORE: usize = 1 << 20;
    check(|| {
        let (near, mut far) = pair();
        let sent = fill(&near);
        let wrote = AtomicUsize::new(0);
        scope(|s| {
            s.spawn(|| {
                (&near).write_all(&[8; MORE]).unwrap();
                wrote.store(MORE, Relaxed);
                near.shutdown(Shutdown::Write).unwrap();
            });
            let reader = s.spawn(|| (&near).read(&mut [0; 8]).unwrap());
            sleep(MS);
            far.shutdown(Shutdown::Write).unwrap();
            assert_eq!(reader.join().unwrap(), 0);
            assert_eq!((&near).read(&mut [0; 8]).unwrap(), 0, "and again");
            sleep(MS);
            assert_eq!(wrote.load(Relaxed), 0, "there was no room");
            let mut all = vec![];
            far.read_to_end(&mut all).unwrap();
            assert_eq!(all.len(), sent + MORE);
        });
    });
}

/// Several read, several write, and the socket is shut down under them, or reset by the other end.
#[test]
fn an_end_under_several_who_read_and_write() {
    check(|| {
        for reset in [false, true] {
            let (near, far) = pair();
            fill(&near);
            let far = Arc::new(far);
            scope(|s| {
                let readers = [(); 3].map(|()| s.spawn(|| (&near).read(&mut [0; 8])));
                let writers = [(); 3].map(|()| s.spawn(|| (&near).write_all(&[9; 4096])));
                sleep(MS);
                match reset {
                    false => near.shutdown(Shutdown::Both).unwrap(),
                    true => drop(far), // with bytes that nobody has read
                }
                let gone = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset];
                for reader in readers {
                    match reader.join().unwrap() {
                        Ok(n) => assert_eq!(n, 0),
                        Err(e) => assert!(reset && gone.contains(&e.kind()), "{e}"),
                    }
                }
                for writer in writers {
                    let e = writer.join().unwrap().unwrap_err();
                    assert!(gone.contains(&e.kind()), "{e}");
                }
            });
        }
    });
}

/// A number is closed with events on their way, and is another socket's at once: that one's reader gets
/// its own bytes, and nothing before.
#[test]
fn numbers_that_are_used_again_with_events_on_their_way() {
    check(|| {
        let end = Instant::now() + 60 * MS;
        scope(|s| {
            for id in 0..4_u8 {
                s.spawn(move || {
                    for round in 0.. {
                        if Instant::now() > end {
                            break;
                        }
                        let (mut a, mut b) = UnixStream::pair().unwrap();
                        a.write_all(b"old").unwrap();
                        b.write_all(b"old").unwrap();
                        if round % 2 == 0 {
                            yield_now(); // others may bring the events
                        }
                        drop((a, b));
                        again(id, round % 3 == 0);
                    }
                });
            }
        });
    });
}

/// Two new ones, with the numbers of the last two.
fn again(id: u8, waits: bool) {
    let (mut a, mut b) = UnixStream::pair().unwrap();
    scope(|s| {
        let reader = s.spawn(move || {
            let mut bytes = [0; 8];
            let n = b.read(&mut bytes).unwrap();
            bytes[..n].to_vec()
        });
        if waits {
            yield_now();
        }
        a.write_all(&[id]).unwrap();
        assert_eq!(reader.join().unwrap(), [id]);
    });
    a.set_read_timeout(Some(Duration::from_micros(1))).unwrap();
    match a.read(&mut [0; 8]) {
        Ok(n) => assert_eq!(n, 0, "the other end has ended"),
        Err(e) => assert_eq!(e.kind(), ErrorKind::WouldBlock),
    }
}

/// The kernel is told of a time limit when the socket becomes std's, and not before.
#[test]
fn a_time_limit_is_no_system_call() {
    let limits =
        |std: &std::net::TcpStream| [std.read_timeout().unwrap(), std.write_timeout().unwrap()];
    check(|| {
        let (near, _far) = pair();
        near.set_read_timeout(Some(3000 * MS)).unwrap();
        near.set_write_timeout(Some(5000 * MS)).unwrap();
        assert_eq!(
            near.try_clone().unwrap().read_timeout().unwrap(),
            Some(3000 * MS)
        );
        let seen = std::net::TcpStream::from(near.as_fd().try_clone_to_owned().unwrap());
        assert_eq!(limits(&seen), [None, None]);
        assert!(near.set_read_timeout(Some(Duration::ZERO)).is_err());
        let std = std::net::TcpStream::from(near);
        assert_eq!(limits(&std), [Some(3000 * MS), Some(5000 * MS)]);
        let near = TcpStream::from(std);
        near.set_read_timeout(None).unwrap();
        let std = std::net::TcpStream::from(near);
        assert_eq!(limits(&std), [None, Some(5000 * MS)]);
    });
}

/// The kernel has no event for a listener's line that has room again; no thread waits for it.
#[test]
fn a_full_line_holds_no_thread() {
    const MANY: usize = 40;
    check(|| {
        let path = std::env::temp_dir().join(format!("gosched-full-{}", std::process::id()));
        let listener = UnixListener::bind(&path).unwrap();
        // SAFETY: the descriptor is open. Room for two.
        assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 1) }, 0);
        let connected = AtomicUsize::new(0);
        let threads = gosched::metrics().threads;
        scope(|s| {
            for _ in 0..MANY {
                s.spawn(|| {
                    let mut stream = UnixStream::connect(&path).unwrap();
                    connected.fetch_add(1, Relaxed);
                    stream.write_all(b"hello").unwrap();
                });
            }
            yield_until("two are in the line", || connected.load(Relaxed) == 2);
            sleep(30 * MS); // long enough for sysmon to take Ps from blocked threads
            assert_eq!(connected.load(Relaxed), 2, "of a line for two");
            for _ in 0..MANY {
                let mut text = String::new();
                listener
                    .accept()
                    .unwrap()
                    .0
                    .read_to_string(&mut text)
                    .unwrap();
                assert_eq!(text, "hello");
            }
        });
        let now = gosched::metrics().threads;
        assert!(now < threads + MANY / 4, "{threads} threads, then {now}");
        std::fs::remove_file(&path).unwrap();
        let e = UnixStream::connect(&path).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::NotFound);
        let e = UnixStream::connect("x".repeat(200)).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::InvalidInput);
        drop(listener);
    });
}

/// A dump says for which descriptor a goroutine waits, whether it is its turn or not.
#[test]
fn a_dump_shows_the_descriptor() {
    if child::role().is_none() {
        let mut command = child::again("a_dump_shows_the_descriptor", "child");
        let ended = child::run(command.env("GOMAXPROCS", "1"), LIMIT);
        assert_eq!(ended.status, Some(0), "{ended}");
        let number = ended
            .stdout
            .lines()
            .find_map(|line| line.split_once("number ")?.1.parse().ok());
        let number: i32 = number.unwrap_or_else(|| panic!("{ended}"));
        let shown = format!("(descriptor {number})");
        assert_eq!(ended.stderr.matches(&shown).count(), 2, "{ended}");
        return;
    }
    let body = || {
        let (near, far) = pair();
        scope(|s| {
            let readers = [(); 2].map(|()| s.spawn(|| (&near).read(&mut [0; 8]).unwrap()));
            until_waiting(2, "IO wait");
            println!("\nnumber {}", near.as_raw_fd());
            gosched::dump();
            drop(far);
            readers
                .into_iter()
                .for_each(|h| assert_eq!(h.join().unwrap(), 0));
        });
    };
    // SAFETY: nothing in the body is tied to an OS thread.
    unsafe { gosched::run(body) };
}

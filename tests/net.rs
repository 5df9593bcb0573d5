//! Sockets of goroutines: Go's tests of package net that apply, and what std promises.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;
#[path = "support/limits.rs"]
mod limits;

use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use gosched::io::Async;
use gosched::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use gosched::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use gosched::thread::{sleep, spawn};
use limits::limit;
use support::{check, child};

const MS: Duration = Duration::from_millis(1);
/// Longer than any test.
const LONG: Duration = Duration::from_secs(3600);

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

fn pair() -> (TcpStream, TcpStream) {
    let (listener, addr) = listen();
    let near = TcpStream::connect(addr).unwrap();
    (near, listener.accept().unwrap().0)
}

fn kind<T: std::fmt::Debug>(answer: std::io::Result<T>) -> ErrorKind {
    answer.unwrap_err().kind()
}

/// Many connections at once, each echoed by a goroutine of its own: every byte comes back.
#[test]
fn every_byte_comes_back() {
    check(|| {
        let (listener, addr) = listen();
        let server = spawn(move || {
            for _ in 0..50 {
                let (mut stream, _) = listener.accept().unwrap();
                spawn(move || {
                    let mut buf = [0; 777];
                    loop {
                        match stream.read(&mut buf).unwrap() {
                            0 => return,
                            n => stream.write_all(&buf[..n]).unwrap(),
                        }
                    }
                });
            }
        });
        let clients: Vec<_> = (0..50_u8)
            .map(|i| {
                spawn(move || {
                    let stream = Arc::new(TcpStream::connect(addr).unwrap());
                    let writer = Arc::clone(&stream);
                    let writer = spawn(move || {
                        for len in 1..60 {
                            (&*writer).write_all(&vec![i; len * 37]).unwrap();
                        }
                        writer.shutdown(Shutdown::Write).unwrap();
                    });
                    let mut all = vec![];
                    (&*stream).read_to_end(&mut all).unwrap();
                    writer.join().unwrap();
                    assert_eq!(all.len(), 37 * 59 * 60 / 2);
                    assert!(all.iter().all(|&byte| byte == i));
                })
            })
            .collect();
        clients.into_iter().for_each(|h| h.join().unwrap());
        server.join().unwrap();
    });
}

/// A thousand goroutines wait for sockets, and there are a handful of threads.
#[test]
fn waiting_holds_no_thread() {
    check(|| {
        let ends: Vec<_> = (0..200).map(|_| UnixStream::pair().unwrap()).collect();
        let (near, far): (Vec<_>, Vec<_>) = ends.into_iter().unzip();
        let readers: Vec<_> = near
            .into_iter()
            .map(|mut near| spawn(move || near.read(&mut [0; 8]).unwrap()))
            .collect();
        sleep(30 * MS); // long enough for sysmon to take Ps from blocked threads
        let threads = gosched::metrics().threads;
        // Each would hold one; the tests beside this one have some, too.
        assert!(threads < 120, "{threads} threads");
        far.into_iter()
            .for_each(|mut far| far.write_all(&[1]).unwrap());
        readers
            .into_iter()
            .for_each(|h| assert_eq!(h.join().unwrap(), 1));
    });
}

/// Go: TestReadTimeout, TestReadFromTimeout, TestAcceptTimeout's kind. The error is that of std.
#[test]
fn a_read_timeout_ends_a_read() {
    check(|| {
        let (near, mut far) = pair();
        near.set_read_timeout(Some(8 * MS)).unwrap(); // the kernel counts in steps of 1, 4 or 10 ms
        assert!(near.read_timeout().unwrap().unwrap() >= 8 * MS);
        let begin = Instant::now();
        assert_eq!(kind((&near).read(&mut [0; 8])), ErrorKind::WouldBlock);
        assert!(begin.elapsed() >= 8 * MS);
        assert_eq!(kind(near.peek(&mut [0; 8])), ErrorKind::WouldBlock);
        far.write_all(b"x").unwrap();
        assert_eq!((&near).read(&mut [0; 8]).unwrap(), 1);
        near.set_read_timeout(Some(LONG)).unwrap();
        let late = spawn(move || {
            sleep(5 * MS);
            far.write_all(b"y").unwrap();
            far
        });
        assert_eq!((&near).read(&mut [0; 8]).unwrap(), 1);
        near.set_read_timeout(None).unwrap();
        assert_eq!(near.read_timeout().unwrap(), None);
        assert_eq!(
            kind(near.set_read_timeout(Some(Duration::ZERO))),
            ErrorKind::InvalidInput
        );
        drop(late.join().unwrap());
        assert_eq!((&near).read(&mut [0; 8]).unwrap(), 0);
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.set_read_timeout(Some(MS)).unwrap();
        assert_eq!(kind(udp.recv_from(&mut [0; 8])), ErrorKind::WouldBlock);
        assert_eq!(kind(udp.peek_from(&mut [0; 8])), ErrorKind::WouldBlock);
        let (a, _b) = UnixDatagram::pair().unwrap();
        a.set_read_timeout(Some(MS)).unwrap();
        assert_eq!(kind(a.recv(&mut [0; 8])), ErrorKind::WouldBlock);
    });
}

/// Go: TestWriteTimeout, TestReadWriteDeadlineRace's kind.
#[test]
fn a_write_timeout_ends_a_write() {
    check(|| {
        let (mut near, mut far) = pair();
        near.set_write_timeout(Some(5 * MS)).unwrap();
        let mut sent = 0;
        let e = loop {
            match near.write(&[7; 64 << 10]) {
                Ok(n) => sent += n,
                Err(e) => break e,
            }
        };
        assert_eq!(e.kind(), ErrorKind::WouldBlock);
        near.set_write_timeout(None).unwrap();
        let rest = spawn(move || {
            near.write_all(&[8; 1 << 20]).unwrap();
        });
        let mut all = vec![];
        far.read_to_end(&mut all).unwrap();
        rest.join().unwrap();
        assert_eq!(all.len(), sent + (1 << 20));
        assert!(
            all.iter()
                .position(|&byte| byte == 8)
                .is_some_and(|at| at == sent)
        );
    });
}

/// Time limits of the past and of the present follow each other, with data that comes meanwhile.
/// Go: TestReadTimeoutFluctuation, TestVariousDeadlines.
#[test]
fn limits_that_change_and_data_that_comes_meanwhile() {
    check(|| {
        let (mut near, mut far) = pair();
        let writer = spawn(move || {
            for i in 0..40_u8 {
                sleep(Duration::from_micros(300));
                far.write_all(&[i]).unwrap();
            }
        });
        let mut next = 0;
        for i in 1.. {
            near.set_read_timeout(Some(Duration::from_micros(100 * (i % 7 + 1))))
                .unwrap();
            let mut byte = [0];
            match near.read(&mut byte) {
                Ok(0) => break,
                Ok(_) => {
                    assert_eq!(byte[0], next);
                    next += 1;
                }
                Err(e) => assert_eq!(e.kind(), ErrorKind::WouldBlock),
            }
        }
        assert_eq!(next, 40);
        writer.join().unwrap();
    });
}

/// Go: TestCloseRead, TestCloseWrite, TestConnClose's kind: whoever waits hears of a shutdown.
#[test]
fn a_shutdown_wakes_who_waits() {
    check(|| {
        let (near, far) = pair();
        let near = Arc::new(near);
        let reader = Arc::clone(&near);
        let reader = spawn(move || (&*reader).read(&mut [0; 8]).unwrap());
        sleep(2 * MS);
        near.shutdown(Shutdown::Read).unwrap();
        assert_eq!(reader.join().unwrap(), 0);
        let writer = Arc::clone(&near);
        let writer = spawn(move || while (&*writer).write(&[0; 4096]).is_ok() {});
        sleep(2 * MS);
        near.shutdown(Shutdown::Write).unwrap();
        writer.join().unwrap();
        drop(far);
        let (listener, _) = listen();
        let listener = Arc::new(listener);
        let other = Arc::clone(&listener);
        let accepts = spawn(move || kind(other.accept()));
        sleep(2 * MS);
        // SAFETY: the descriptor is open.
        unsafe { libc::shutdown(listener.as_raw_fd(), libc::SHUT_RDWR) };
        assert_eq!(accepts.join().unwrap(), ErrorKind::InvalidInput);
    });
}

/// Go: TestTCPBig's kind, TestZeroByteRead; the other half goes on.
#[test]
fn one_half_ends_and_the_other_goes_on() {
    check(|| {
        let (mut near, mut far) = pair();
        near.write_all(b"question").unwrap();
        near.shutdown(Shutdown::Write).unwrap();
        let mut text = String::new();
        far.read_to_string(&mut text).unwrap();
        assert_eq!(text, "question");
        let late = spawn(move || {
            sleep(2 * MS);
            far.write_all(b"answer").unwrap();
        });
        let mut text = String::new();
        near.read_to_string(&mut text).unwrap();
        assert_eq!(text, "answer");
        assert_eq!(near.read(&mut []).unwrap(), 0);
        late.join().unwrap();
    });
}

/// A reset reaches who waits. Go: TestReadAfterReset's kind.
#[test]
fn a_reset_is_an_error_of_whoever_reads() {
    check(|| {
        let (near, far) = pair();
        let linger = libc::linger {
            l_onoff: 1,
            l_linger: 0,
        };
        let size = size_of::<libc::linger>() as libc::socklen_t;
        // SAFETY: the option is ours and as long as said.
        let answer = unsafe {
            libc::setsockopt(
                far.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_LINGER,
                (&raw const linger).cast(),
                size,
            )
        };
        assert_eq!(answer, 0);
        let reader = spawn(move || kind((&near).read(&mut [0; 8])));
        sleep(2 * MS);
        drop(far);
        assert_eq!(reader.join().unwrap(), ErrorKind::ConnectionReset);
    });
}

/// Go: TestDialTimeout, TestDialerRefused's kind.
#[test]
fn connecting_fails_as_in_std() {
    check(|| {
        let (listener, addr) = listen();
        drop(listener);
        assert_eq!(kind(TcpStream::connect(addr)), ErrorKind::ConnectionRefused);
        assert_eq!(
            kind(TcpStream::connect_timeout(&addr, LONG)),
            ErrorKind::ConnectionRefused
        );
        assert_eq!(
            kind(TcpStream::connect_timeout(&addr, Duration::ZERO)),
            ErrorKind::InvalidInput
        );
        assert_eq!(kind(TcpStream::connect(&[][..])), ErrorKind::InvalidInput);
        assert!(TcpStream::connect("no.such.host.invalid:80").is_err());
        assert!(TcpStream::connect(("localhost", addr.port())).is_err());
        // A listener whose line is full answers nobody.
        let full = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        // SAFETY: the descriptor is open.
        unsafe { libc::listen(full.as_raw_fd(), 0) };
        let addr = full.local_addr().unwrap();
        let mut waiting = vec![];
        let e = loop {
            match TcpStream::connect_timeout(&addr, 20 * MS) {
                Ok(stream) => waiting.push(stream),
                Err(e) => break e,
            }
            assert!(waiting.len() < 100);
        };
        assert_eq!(e.kind(), ErrorKind::TimedOut);
    });
}

/// Several read from one socket, or accept at one listener: all are served, none waits for ever.
#[test]
fn many_wait_for_one_socket() {
    check(|| {
        let (listener, addr) = listen();
        let listener = Arc::new(listener);
        let acceptors: Vec<_> = (0..8)
            .map(|_| {
                let listener = Arc::clone(&listener);
                spawn(move || (0..10).for_each(|_| drop(listener.accept().unwrap())))
            })
            .collect();
        let clients: Vec<_> = (0..80)
            .map(|_| {
                spawn(move || TcpStream::connect(addr).unwrap().read(&mut [0; 1]).unwrap())
            })
            .collect();
        clients
            .into_iter()
            .for_each(|h| assert_eq!(h.join().unwrap(), 0));
        acceptors.into_iter().for_each(|h| h.join().unwrap());
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
        socket.set_read_timeout(Some(10 * MS)).unwrap();
        let losers: Vec<_> = (0..5)
            .map(|_| {
                let socket = Arc::clone(&socket);
                spawn(move || kind(socket.recv(&mut [0; 8])))
            })
            .collect();
        let begin = Instant::now();
        losers
            .into_iter()
            .for_each(|h| assert_eq!(h.join().unwrap(), ErrorKind::WouldBlock));
        assert!(begin.elapsed() < Duration::from_secs(20));
    });
}

/// Clones have descriptors of their own, and mode and time limits in common.
#[test]
fn clones_share_what_the_kernel_shares() {
    check(|| {
        let (near, mut far) = pair();
        let clone = near.try_clone().unwrap();
        assert_ne!(near.as_raw_fd(), clone.as_raw_fd());
        clone.set_read_timeout(Some(MS)).unwrap();
        assert!(near.read_timeout().unwrap().unwrap() >= MS);
        assert_eq!(kind((&near).read(&mut [0; 1])), ErrorKind::WouldBlock);
        clone.set_read_timeout(None).unwrap();
        near.set_nonblocking(true).unwrap();
        assert_eq!(kind((&clone).read(&mut [0; 1])), ErrorKind::WouldBlock);
        clone.set_nonblocking(false).unwrap();
        let reader = spawn(move || (&near).read(&mut [0; 8]).unwrap());
        sleep(MS);
        drop(clone);
        far.write_all(b"abc").unwrap();
        assert_eq!(reader.join().unwrap(), 3);
    });
}

/// There and back again, with mode and limits.
#[test]
fn to_std_and_back() {
    check(|| {
        let (near, mut far) = pair();
        near.set_read_timeout(Some(3 * MS)).unwrap();
        let std = std::net::TcpStream::from(near);
        // A read with SO_RCVTIMEO is not restarted when the process is stopped and goes on.
        let mut kinds = std::iter::repeat_with(|| kind((&std).read(&mut [0; 1])));
        let seen = kinds.find(|kind| *kind != ErrorKind::Interrupted);
        assert_eq!(seen, Some(ErrorKind::WouldBlock));
        let near = TcpStream::from(std);
        assert_eq!(kind((&near).read(&mut [0; 1])), ErrorKind::WouldBlock);
        near.set_read_timeout(None).unwrap();
        near.set_nonblocking(true).unwrap();
        // SAFETY: the descriptor was taken out of its owner.
        let near = unsafe { TcpStream::from_raw_fd(near.into_raw_fd()) };
        assert_eq!(
            kind((&near).read(&mut [0; 1])),
            ErrorKind::WouldBlock,
            "its mode is lost"
        );
        near.set_nonblocking(false).unwrap();
        let fd = OwnedFd::from(near);
        far.write_all(b"z").unwrap();
        assert_eq!(TcpStream::from(fd).read(&mut [0; 8]).unwrap(), 1);
        let (a, b) = UnixStream::pair().unwrap();
        let (a, b) = (OwnedFd::from(a), std::os::unix::net::UnixStream::from(b));
        (&b).write_all(b"pq").unwrap();
        assert_eq!(UnixStream::from(a).read(&mut [0; 8]).unwrap(), 2);
    });
}

/// A descriptor's number is used again at once, by others who wait: nobody hears of the one before.
#[test]
fn a_number_that_is_used_again() {
    check(|| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                spawn(|| {
                    for i in 0..100_u8 {
                        let (mut a, mut b) = UnixStream::pair().unwrap();
                        let h = spawn(move || {
                            let mut byte = [0];
                            assert_eq!(b.read(&mut byte).unwrap(), 1);
                            byte[0]
                        });
                        if i % 3 == 0 {
                            gosched::thread::yield_now();
                        }
                        a.write_all(&[i]).unwrap();
                        drop(a);
                        assert_eq!(h.join().unwrap(), i);
                    }
                })
            })
            .collect();
        workers.into_iter().for_each(|h| h.join().unwrap());
    });
}

/// Plain threads use the sockets too, together with goroutines.
#[test]
fn plain_threads_wait_too() {
    check(|| {
        let (mut near, mut far) = pair();
        let thread = std::thread::spawn(move || {
            far.set_read_timeout(Some(MS)).unwrap();
            assert_eq!(kind(far.read(&mut [0; 1])), ErrorKind::WouldBlock);
            far.set_read_timeout(None).unwrap();
            far.write_all(b"!").unwrap();
            let mut byte = [0];
            while far.read(&mut byte).unwrap() == 1 {
                far.write_all(&[byte[0] + 1]).unwrap();
            }
        });
        near.read_exact(&mut [0]).unwrap();
        for i in 0..100 {
            near.write_all(&[i]).unwrap();
            let mut byte = [0];
            near.read_exact(&mut byte).unwrap();
            assert_eq!(byte[0], i + 1);
        }
        drop(near);
        gosched::blocking(|| thread.join().unwrap());
    });
}

#[test]
fn datagrams_and_unix_sockets() {
    check(|| {
        let (a, b) = (
            UdpSocket::bind("127.0.0.1:0").unwrap(),
            UdpSocket::bind("127.0.0.1:0").unwrap(),
        );
        let (to_a, to_b) = (a.local_addr().unwrap(), b.local_addr().unwrap());
        let echo = spawn(move || {
            let mut buf = [0; 64];
            for _ in 0..50 {
                let (n, from) = b.recv_from(&mut buf).unwrap();
                b.send_to(&buf[..n], from).unwrap();
            }
        });
        a.connect(to_b).unwrap();
        assert_eq!(a.peer_addr().unwrap(), to_b);
        for i in 0..50_u8 {
            a.send(&[i; 9]).unwrap();
            let mut buf = [0; 64];
            assert_eq!(a.peek(&mut buf).unwrap(), 9);
            assert_eq!(a.recv(&mut buf).unwrap(), 9);
            assert_eq!(buf[8], i);
        }
        assert_eq!(a.local_addr().unwrap(), to_a);
        echo.join().unwrap();

        let dir = std::env::temp_dir().join(format!("gosched-net-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("s");
        let listener = UnixListener::bind(&path).unwrap();
        let server = spawn(move || {
            for stream in listener.incoming().take(3) {
                stream.unwrap().write_all(b"hi").unwrap();
            }
        });
        for _ in 0..3 {
            let mut text = String::new();
            UnixStream::connect(&path)
                .unwrap()
                .read_to_string(&mut text)
                .unwrap();
            assert_eq!(text, "hi");
        }
        server.join().unwrap();
        std::fs::remove_file(&path).unwrap();
        // The other end's line is full: the sender waits until somebody reads.
        let to = UnixDatagram::bind(&path).unwrap();
        let from = UnixDatagram::unbound().unwrap();
        let sender = {
            let path = path.clone();
            spawn(move || {
                (0..100).for_each(|_| assert_eq!(from.send_to(b"m", &path).unwrap(), 1))
            })
        };
        sleep(2 * MS);
        (0..100).for_each(|_| assert_eq!(to.recv_from(&mut [0; 8]).unwrap().0, 1));
        sender.join().unwrap();
        std::fs::remove_dir_all(&dir).unwrap();
    });
}

#[test]
fn vectored_calls() {
    check(|| {
        let (mut near, mut far) = pair();
        let n = near
            .write_vectored(&[IoSlice::new(b"ab"), IoSlice::new(b"cd")])
            .unwrap();
        assert_eq!(n, 4);
        let (mut x, mut y) = ([0; 3], [0; 3]);
        let mut into = [IoSliceMut::new(&mut x), IoSliceMut::new(&mut y)];
        assert_eq!(far.read_vectored(&mut into).unwrap(), 4);
        assert_eq!((&x, &y), (b"abc", b"d\0\0"));
        near.set_nodelay(true).unwrap();
        assert!(near.nodelay().unwrap());
        near.set_ttl(33).unwrap();
        assert_eq!(near.ttl().unwrap(), 33);
        assert!(near.take_error().unwrap().is_none());
        assert_eq!(format!("{near:?}").split('{').next(), Some("TcpStream "));
    });
}

/// Goroutines that compute share the Ps with some that wait for sockets: those get on, by sysmon.
#[test]
fn sockets_beside_hogs() {
    check(|| {
        let (mut near, mut far) = pair();
        let stop = Arc::new(AtomicBool::new(false));
        let hogs: Vec<_> = (0..8)
            .map(|_| {
                let stop = Arc::clone(&stop);
                spawn(move || {
                    while !stop.load(Relaxed) {
                        std::hint::spin_loop();
                    }
                })
            })
            .collect();
        let echo = spawn(move || {
            let mut byte = [0];
            while far.read(&mut byte).unwrap() == 1 {
                far.write_all(&byte).unwrap();
            }
        });
        for i in 0..2 {
            near.write_all(&[i]).unwrap();
            near.read_exact(&mut [0]).unwrap();
        }
        drop(near);
        echo.join().unwrap();
        stop.store(true, Relaxed);
        hogs.into_iter().for_each(|h| h.join().unwrap());
    });
}

/// Pipes, and descriptors of kinds that have no type here.
#[test]
fn any_descriptor_that_can_be_watched() {
    check(|| {
        let (from, to) = std::io::pipe().unwrap();
        let (mut from, to) = (Async::new(from).unwrap(), Async::new(to).unwrap());
        let writer = spawn(move || {
            (&to).write_all(&[5; 1 << 20]).unwrap(); // more than the pipe holds
            assert_eq!(to.into_inner().write(b"!").unwrap(), 1); // it blocks, until there is room
        });
        let mut all = vec![];
        from.read_to_end(&mut all).unwrap();
        writer.join().unwrap();
        assert_eq!(all.len(), (1 << 20) + 1);
        // SAFETY: no memory is passed.
        let bell = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK) };
        // SAFETY: the descriptor is new.
        let bell = unsafe { OwnedFd::from_raw_fd(bell) };
        let bell = Arc::new(Async::new(std::fs::File::from(bell)).unwrap());
        let waiter = Arc::clone(&bell);
        let waiter = spawn(move || {
            let mut count = [0; 8];
            waiter.read_with(|mut file| file.read(&mut count)).unwrap();
            u64::from_ne_bytes(count)
        });
        sleep(MS);
        bell.write_with(|mut file| file.write(&7_u64.to_ne_bytes()))
            .unwrap();
        assert_eq!(waiter.join().unwrap(), 7);
        let bell = Arc::into_inner(bell).unwrap().into_inner();
        assert_eq!(
            kind((&bell).read(&mut [0; 8])),
            ErrorKind::WouldBlock,
            "it was so before"
        );
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        assert_eq!(kind(Async::new(file)), ErrorKind::PermissionDenied);
    });
}

fn in_a_child(name: &str, procs: &str, settings: &str) -> bool {
    child::in_a_child(name, procs, settings, Duration::from_secs(60))
}

fn run(body: impl FnOnce() + Send) {
    // SAFETY: nothing in the body is tied to an OS thread.
    unsafe { gosched::run(body) };
}

/// No descriptor is left: accept fails with a clear error, and goes on when there is one again.
#[test]
fn accept_goes_on_when_there_are_descriptors_again() {
    let name = "accept_goes_on_when_there_are_descriptors_again";
    if !in_a_child(name, "2", "") {
        return;
    }
    run(|| {
        let (listener, addr) = listen();
        let client = TcpStream::connect(addr).unwrap();
        limit(libc::RLIMIT_NOFILE, 64);
        let mut all = vec![];
        while let Ok(file) = std::fs::File::open("/dev/null") {
            all.push(file);
        }
        let e = listener.accept().unwrap_err();
        assert_eq!(e.raw_os_error(), Some(libc::EMFILE), "{e}");
        drop(all);
        let (mut far, _) = listener.accept().unwrap();
        far.write_all(b"k").unwrap();
        assert_eq!((&client).read(&mut [0; 8]).unwrap(), 1);
    });
}

/// The kernel had no room for what was sent to us: an error once (`ENOBUFS`), and the next call goes on.
#[test]
fn no_room_in_the_kernel_is_an_error_once() {
    fn netlink() -> OwnedFd {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
        // SAFETY: no memory is passed.
        let fd = unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_USERSOCK) };
        assert!(fd >= 0, "{}", std::io::Error::last_os_error());
        // SAFETY: the descriptor is new.
        unsafe { OwnedFd::from_raw_fd(fd) }
    }
    fn group(groups: u32) -> libc::sockaddr_nl {
        // SAFETY: all zeros are an address.
        let mut addr: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
        addr.nl_family = libc::AF_NETLINK as libc::sa_family_t;
        addr.nl_groups = groups;
        addr
    }
    let done = |n: isize| match n {
        0.. => Ok(n as usize),
        _ => Err(std::io::Error::last_os_error()),
    };
    let len = size_of::<libc::sockaddr_nl>() as libc::socklen_t;
    check(move || {
        let (near, far) = (netlink(), netlink());
        let members = group(1);
        // SAFETY: the address is ours and as long as said.
        let bound = unsafe { libc::bind(near.as_raw_fd(), (&raw const members).cast(), len) };
        assert_eq!(bound, 0);
        let near = Async::new(near).unwrap();
        let receive = || {
            let mut buf = [0_u8; 4096];
            near.read_with(|fd| {
                // SAFETY: the buffer is ours.
                done(unsafe {
                    libc::recv(fd.as_raw_fd(), buf.as_mut_ptr().cast(), buf.len(), 0)
                })
            })
        };
        let send = || {
            let (fd, bytes) = (far.as_raw_fd(), [0_u8; 1000]);
            let (from, to) = (bytes.as_ptr().cast(), (&raw const members).cast());
            // SAFETY: the bytes and the address are ours.
            done(unsafe { libc::sendto(fd, from, bytes.len(), 0, to, len) })
        };
        for _ in 0..2000 {
            let _ = send(); // more than there is room for
        }
        let mut refused = 0;
        for _ in 0..3000 {
            match receive() {
                Ok(n) => assert_eq!(n, 1000),
                Err(e) => {
                    assert_eq!(e.raw_os_error(), Some(libc::ENOBUFS), "{e}");
                    refused += 1;
                    break;
                }
            }
        }
        assert_eq!(refused, 1);
        gosched::thread::scope(|s| {
            s.spawn(|| {
                sleep(2 * MS);
                let _ = send();
            });
            while near
                .read_with(|fd| {
                    let (fd, flags) = (fd.as_raw_fd(), libc::MSG_DONTWAIT);
                    // SAFETY: no place for bytes, and none are written.
                    done(unsafe { libc::recv(fd, std::ptr::null_mut(), 0, flags) })
                        .map_err(|_| std::io::ErrorKind::NotFound.into())
                })
                .is_ok()
            {}
            assert_eq!(receive().unwrap(), 1000, "it goes on");
        });
    });
}

/// Go: TestNetpollDeadlock's kind: a goroutine that waits for a socket is no deadlock, though nothing
/// else is left, and no timer. The other end is another process.
#[test]
fn waiting_alone_is_no_deadlock() {
    let name = "waiting_alone_is_no_deadlock";
    let (mut near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    if child::role().is_some() {
        let mut stdin =
            UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap());
        return run(move || assert_eq!(stdin.read(&mut [0; 8]).unwrap(), 3));
    }
    let mut command = child::again(name, "child");
    let mut child = command.stdin(OwnedFd::from(far)).spawn().unwrap();
    std::thread::sleep(200 * MS);
    let early = child.try_wait().unwrap();
    near.write_all(b"end").unwrap();
    assert!(
        early.is_none() && child.wait().unwrap().success(),
        "{early:?}"
    );
}

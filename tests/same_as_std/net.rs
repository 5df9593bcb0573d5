// What std's tests of its sockets ask, in words of our own.

mod sockets {
    use super::{net, run, thread, unix};
    use net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
    use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
    use std::time::{Duration, Instant};
    use unix::{UnixDatagram, UnixListener, UnixStream};

    const MS: Duration = Duration::from_millis(1);

    fn here() -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
    }

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind(here()).unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (near, listener.accept().unwrap().0)
    }

    fn kind<T>(answer: io::Result<T>) -> ErrorKind {
        match answer {
            Ok(_) => panic!("no error"),
            Err(e) => e.kind(),
        }
    }

    fn place(name: &str) -> std::path::PathBuf {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let n = NUMBER.fetch_add(1, Ordering::Relaxed);
        let module = module_path!().replace("::", "-");
        let file = format!("{module}-{}-{n}-{name}", std::process::id());
        std::env::temp_dir().join(file)
    }

    #[test]
    fn addresses() {
        run(|| {
            let listener = TcpListener::bind(here()).unwrap();
            let addr = listener.local_addr().unwrap();
            assert!(addr.port() != 0 && addr.ip().is_loopback());
            assert_eq!(kind(TcpListener::bind(addr)), ErrorKind::AddrInUse);
            assert_eq!(
                kind(TcpListener::bind("192.0.2.1:0")),
                ErrorKind::AddrNotAvailable
            );
            assert_eq!(
                kind(UdpSocket::bind("192.0.2.1:0")),
                ErrorKind::AddrNotAvailable
            );
            assert_eq!(kind(TcpListener::bind("no port")), ErrorKind::InvalidInput);
            assert_eq!(kind(TcpListener::bind(&[][..])), ErrorKind::InvalidInput);
            let near = TcpStream::connect(("localhost", addr.port())).unwrap();
            let (far, from) = listener.accept().unwrap();
            assert_eq!(from, near.local_addr().unwrap());
            assert_eq!(near.peer_addr().unwrap(), addr);
            assert_eq!(far.peer_addr().unwrap(), from);
            assert_eq!(far.local_addr().unwrap(), addr);
            // The first address that works is taken.
            let dead = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
            TcpStream::connect(&[dead, addr][..]).unwrap();
            let words = TcpListener::bind("no port").unwrap_err().to_string();
            assert_eq!(words, "invalid socket address");
        });
    }

    #[test]
    fn the_end_of_a_stream() {
        run(|| {
            let (mut near, far) = pair();
            drop(far);
            assert_eq!(near.read(&mut [0; 4]).unwrap(), 0);
            assert_eq!(near.read(&mut [0; 4]).unwrap(), 0);
            // Somebody else's end is noticed by writes, soon.
            let e = loop {
                match near.write(&[1]) {
                    Ok(1) => thread::yield_now(),
                    Ok(n) => panic!("{n} bytes"),
                    Err(e) => break e.kind(),
                }
            };
            assert!(matches!(
                e,
                ErrorKind::BrokenPipe
                    | ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
            ));
        });
    }

    #[test]
    fn one_connection_after_the_other_and_many_at_once() {
        run(|| {
            let listener = TcpListener::bind(here()).unwrap();
            let addr = listener.local_addr().unwrap();
            let server = thread::spawn(move || {
                for (i, stream) in listener.incoming().take(20).enumerate() {
                    let mut byte = [0];
                    stream.unwrap().read_exact(&mut byte).unwrap();
                    assert!(i >= 10 || byte == [i as u8]);
                }
            });
            for i in 0..10 {
                TcpStream::connect(addr).unwrap().write_all(&[i]).unwrap();
            }
            let clients: Vec<_> = (10..20)
                .map(|i| {
                    thread::spawn(move || {
                        TcpStream::connect(addr).unwrap().write_all(&[i]).unwrap()
                    })
                })
                .collect();
            clients.into_iter().for_each(|h| h.join().unwrap());
            server.join().unwrap();
        });
    }

    #[test]
    fn two_clones_read_and_write_at_once() {
        run(|| {
            let (near, mut far) = pair();
            let mut reads = near.try_clone().unwrap();
            let mut writes = near.try_clone().unwrap();
            let reader = thread::spawn(move || {
                let mut all = [0; 2];
                reads.read_exact(&mut all).unwrap();
                all
            });
            writes.write_all(&[1]).unwrap();
            let mut byte = [0];
            far.read_exact(&mut byte).unwrap();
            far.write_all(&[byte[0] + 1, 9]).unwrap();
            assert_eq!(reader.join().unwrap(), [2, 9]);
        });
    }

    #[test]
    fn two_clones_accept() {
        run(|| {
            let listener = TcpListener::bind(here()).unwrap();
            let addr = listener.local_addr().unwrap();
            let other = listener.try_clone().unwrap();
            let accepts =
                [listener, other].map(|l| thread::spawn(move || drop(l.accept().unwrap())));
            let clients = [0, 1].map(|_| TcpStream::connect(addr).unwrap());
            accepts.into_iter().for_each(|h| h.join().unwrap());
            drop(clients);
        });
    }

    #[test]
    fn a_half_and_the_other() {
        run(|| {
            let (mut near, mut far) = pair();
            near.shutdown(Shutdown::Write).unwrap();
            assert_eq!(kind(near.write(&[1])), ErrorKind::BrokenPipe);
            assert_eq!(far.read(&mut [0]).unwrap(), 0);
            far.write_all(&[3]).unwrap();
            let mut byte = [0];
            near.read_exact(&mut byte).unwrap();
            assert_eq!(byte, [3]);
            let clone = near.try_clone().unwrap();
            let waits = thread::spawn(move || near.read(&mut [0]).unwrap());
            thread::sleep(2 * MS);
            clone.shutdown(Shutdown::Read).unwrap();
            assert_eq!(waits.join().unwrap(), 0);
        });
    }

    #[test]
    fn time_limits() {
        run(|| {
            let (mut near, mut far) = pair();
            assert_eq!(near.read_timeout().unwrap(), None);
            assert_eq!(near.write_timeout().unwrap(), None);
            assert_eq!(
                kind(near.set_read_timeout(Some(Duration::ZERO))),
                ErrorKind::InvalidInput
            );
            assert_eq!(
                kind(near.set_write_timeout(Some(Duration::ZERO))),
                ErrorKind::InvalidInput
            );
            let limit = Duration::from_millis(40);
            near.set_read_timeout(Some(limit)).unwrap();
            near.set_write_timeout(Some(limit)).unwrap();
            assert_eq!(near.read_timeout().unwrap(), Some(limit));
            assert_eq!(near.write_timeout().unwrap(), Some(limit));
            let begin = Instant::now();
            assert_eq!(kind(near.read(&mut [0])), ErrorKind::WouldBlock);
            assert!(begin.elapsed() >= limit - 10 * MS);
            assert_eq!(kind(near.read_exact(&mut [0])), ErrorKind::WouldBlock);
            let e = loop {
                if let Err(e) = near.write(&[0; 100_000]) {
                    break e.kind();
                }
            };
            assert_eq!(e, ErrorKind::WouldBlock);
            far.write_all(b"there").unwrap();
            let mut text = [0; 5];
            near.read_exact(&mut text).unwrap();
            assert_eq!(&text, b"there");
            near.set_read_timeout(None).unwrap();
            assert_eq!(near.read_timeout().unwrap(), None);
        });
    }

    #[test]
    fn calls_that_do_not_wait() {
        run(|| {
            let listener = TcpListener::bind(here()).unwrap();
            listener.set_nonblocking(true).unwrap();
            assert_eq!(kind(listener.accept()), ErrorKind::WouldBlock);
            listener.set_nonblocking(false).unwrap();
            let (near, mut far) = pair();
            near.set_nonblocking(true).unwrap();
            assert_eq!(kind((&near).read(&mut [0])), ErrorKind::WouldBlock);
            assert_eq!(kind(near.peek(&mut [0])), ErrorKind::WouldBlock);
            near.set_nonblocking(false).unwrap();
            far.write_all(b"ab").unwrap();
            let mut two = [0; 2];
            assert_eq!(near.peek(&mut two[..1]).unwrap(), 1);
            (&near).read_exact(&mut two).unwrap();
            assert_eq!(&two, b"ab");
            let udp = UdpSocket::bind(here()).unwrap();
            udp.set_nonblocking(true).unwrap();
            assert_eq!(kind(udp.recv(&mut [0])), ErrorKind::WouldBlock);
        });
    }

    #[test]
    fn options() {
        run(|| {
            let (near, _far) = pair();
            assert!(!near.nodelay().unwrap());
            near.set_nodelay(true).unwrap();
            assert!(near.nodelay().unwrap());
            near.set_ttl(77).unwrap();
            assert_eq!(near.ttl().unwrap(), 77);
            assert!(near.take_error().unwrap().is_none());
            let udp = UdpSocket::bind(here()).unwrap();
            udp.set_ttl(78).unwrap();
            assert_eq!(udp.ttl().unwrap(), 78);
            udp.set_broadcast(true).unwrap();
            assert!(udp.broadcast().unwrap());
            udp.set_multicast_loop_v4(false).unwrap();
            assert!(!udp.multicast_loop_v4().unwrap());
            udp.set_multicast_ttl_v4(5).unwrap();
            assert_eq!(udp.multicast_ttl_v4().unwrap(), 5);
            assert!(udp.take_error().unwrap().is_none());
            let listener = TcpListener::bind(here()).unwrap();
            listener.set_ttl(79).unwrap();
            assert_eq!(listener.ttl().unwrap(), 79);
            let addr = listener.local_addr().unwrap();
            let text = format!("{listener:?}");
            assert!(
                text.starts_with(&format!("TcpListener {{ addr: {addr}, fd: ")),
                "{text}"
            );
        });
    }

    #[test]
    fn connecting_with_a_limit() {
        run(|| {
            let listener = TcpListener::bind(here()).unwrap();
            let addr = listener.local_addr().unwrap();
            TcpStream::connect_timeout(&addr, Duration::from_secs(60)).unwrap();
            assert_eq!(
                kind(TcpStream::connect_timeout(&addr, Duration::ZERO)),
                ErrorKind::InvalidInput
            );
            drop(listener);
            let e = kind(TcpStream::connect_timeout(&addr, Duration::from_secs(60)));
            assert_eq!(e, ErrorKind::ConnectionRefused);
            assert_eq!(kind(TcpStream::connect(addr)), ErrorKind::ConnectionRefused);
        });
    }

    #[test]
    fn packets() {
        run(|| {
            let (a, b) = (
                UdpSocket::bind(here()).unwrap(),
                UdpSocket::bind(here()).unwrap(),
            );
            let (to_a, to_b) = (a.local_addr().unwrap(), b.local_addr().unwrap());
            assert_eq!(kind(a.peer_addr()), ErrorKind::NotConnected);
            assert_eq!(kind(a.send_to(b"x", &[][..])), ErrorKind::InvalidInput);
            let echo = thread::spawn(move || {
                let mut buf = [0; 10];
                let (n, from) = b.recv_from(&mut buf).unwrap();
                b.send_to(&buf[..n], from).unwrap();
                b
            });
            a.send_to(b"hello", to_b).unwrap();
            let mut buf = [0; 3];
            assert_eq!(a.peek_from(&mut buf).unwrap(), (3, to_b));
            assert_eq!(
                a.recv_from(&mut buf).unwrap(),
                (3, to_b),
                "the rest is lost"
            );
            let b = echo.join().unwrap();
            a.connect(to_b).unwrap();
            b.connect(to_a).unwrap();
            let clone = a.try_clone().unwrap();
            clone.send(b"one").unwrap();
            a.send(b"").unwrap();
            let mut buf = [0; 10];
            assert_eq!(b.peek(&mut buf).unwrap(), 3);
            assert_eq!(b.recv(&mut buf).unwrap(), 3);
            assert_eq!(b.recv(&mut buf).unwrap(), 0);
            b.set_read_timeout(Some(20 * MS)).unwrap();
            assert_eq!(kind(b.recv(&mut buf)), ErrorKind::WouldBlock);
            drop((a, clone));
            b.send(b"nobody").unwrap();
            b.set_read_timeout(None).unwrap();
            assert_eq!(kind(b.recv(&mut buf)), ErrorKind::ConnectionRefused);
        });
    }

    #[test]
    fn unix_streams() {
        run(|| {
            let path = place("stream");
            let listener = UnixListener::bind(&path).unwrap();
            assert_eq!(kind(UnixListener::bind(&path)), ErrorKind::AddrInUse);
            assert_eq!(listener.local_addr().unwrap().as_pathname(), Some(&*path));
            let server = thread::spawn(move || {
                for stream in (&listener).into_iter().take(2) {
                    let mut stream = stream.unwrap();
                    let mut text = String::new();
                    stream.read_to_string(&mut text).unwrap();
                    stream.write_all(text.to_uppercase().as_bytes()).unwrap();
                }
                let (_, from) = listener.accept().unwrap();
                assert!(from.is_unnamed());
            });
            for _ in 0..2 {
                let mut stream = UnixStream::connect(&path).unwrap();
                assert_eq!(stream.peer_addr().unwrap().as_pathname(), Some(&*path));
                stream.write_all(b"shout").unwrap();
                stream.shutdown(Shutdown::Write).unwrap();
                let mut text = String::new();
                stream.read_to_string(&mut text).unwrap();
                assert_eq!(text, "SHOUT");
            }
            drop(UnixStream::connect(&path).unwrap());
            server.join().unwrap();
            std::fs::remove_file(&path).unwrap();
            assert_eq!(kind(UnixStream::connect(&path)), ErrorKind::NotFound);
            assert_eq!(
                kind(UnixStream::connect("x".repeat(200))),
                ErrorKind::InvalidInput
            );
        });
    }

    #[test]
    fn unix_pairs() {
        run(|| {
            let (mut a, mut b) = UnixStream::pair().unwrap();
            assert!(a.local_addr().unwrap().is_unnamed());
            let n = a.write_vectored(&[IoSlice::new(b"one"), IoSlice::new(b"two")]);
            assert_eq!(n.unwrap(), 6);
            let (mut x, mut y) = ([0; 4], [0; 2]);
            let mut both = [IoSliceMut::new(&mut x), IoSliceMut::new(&mut y)];
            assert_eq!(b.read_vectored(&mut both).unwrap(), 6);
            assert_eq!((&x, &y), (b"onet", b"wo"));
            b.set_read_timeout(Some(12 * MS)).unwrap();
            assert_eq!(kind(b.read(&mut x)), ErrorKind::WouldBlock);
            b.set_nonblocking(true).unwrap();
            assert_eq!(kind(b.read(&mut x)), ErrorKind::WouldBlock);
            let clone = b.try_clone().unwrap();
            assert_eq!(kind((&clone).read(&mut x)), ErrorKind::WouldBlock);
            drop(a);
            assert_eq!(b.read(&mut x).unwrap(), 0);
            assert!(b.take_error().unwrap().is_none());
        });
    }

    #[test]
    fn unix_packets() {
        run(|| {
            let (to, back) = (place("to"), place("back"));
            let (a, b) = (
                UnixDatagram::bind(&to).unwrap(),
                UnixDatagram::bind(&back).unwrap(),
            );
            b.send_to(b"hello", &to).unwrap();
            let mut buf = [0; 10];
            let (n, from) = a.recv_from(&mut buf).unwrap();
            assert_eq!(
                (&buf[..n], from.as_pathname()),
                (&b"hello"[..], Some(&*back))
            );
            assert_eq!(kind(a.send(b"nowhere")), ErrorKind::NotConnected);
            a.connect(&back).unwrap();
            a.send(b"there").unwrap();
            assert_eq!(b.recv(&mut buf).unwrap(), 5);
            a.set_read_timeout(Some(12 * MS)).unwrap();
            assert_eq!(kind(a.recv(&mut buf)), ErrorKind::WouldBlock);
            let (c, d) = UnixDatagram::pair().unwrap();
            c.send(b"pair").unwrap();
            d.shutdown(Shutdown::Read).unwrap();
            assert_eq!(kind(c.send(b"x")), ErrorKind::BrokenPipe);
            let none = UnixDatagram::unbound().unwrap();
            assert!(none.local_addr().unwrap().is_unnamed());
            none.send_to(b"from nobody", &back).unwrap();
            assert!(
                b.recv_from(&mut buf)
                    .is_ok_and(|(_, from)| from.is_unnamed())
            );
            std::fs::remove_file(&to).unwrap();
            std::fs::remove_file(&back).unwrap();
        });
    }
}

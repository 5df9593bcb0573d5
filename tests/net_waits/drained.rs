//! A reader whose messages come slowly waits before it tries: nothing that is there, and no end, is
//! overlooked for that. `runtime/ext/net/README.md#drained`

use std::io::{ErrorKind, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU8, AtomicUsize};

use gosched::net::TcpStream;
use gosched::os::unix::net::UnixStream;
use gosched::thread::{scope, sleep};

use crate::support::in_order::until_waiting;
use crate::support::{check, yield_until};
use crate::{MS, pair};

/// Does the kernel count what is left in it?
fn is_counted(stream: &impl AsFd) -> bool {
    let (mut on, mut len) = (0_i32, size_of::<i32>() as u32);
    let fd = stream.as_fd().as_raw_fd();
    // SAFETY: the place is ours and as long as said.
    let answer = unsafe {
        libc::getsockopt(
            fd,
            libc::IPPROTO_TCP,
            libc::TCP_INQ,
            (&raw mut on).cast(),
            &raw mut len,
        )
    };
    answer == 0 && on != 0
}

/// Bytes come one by one, each when the reader waits for it.
fn slowly(mut reader: impl Read + Send, mut writer: impl Write, bytes: u8) {
    let got = AtomicU8::new(0);
    scope(|s| {
        let reader = s.spawn(|| {
            for i in 0..bytes {
                let mut buf = [0; 8];
                assert_eq!(reader.read(&mut buf).unwrap(), 1);
                assert_eq!(buf[0], i);
                got.store(i + 1, Relaxed);
            }
        });
        for i in 0..bytes {
            yield_until("the last byte is read", || got.load(Relaxed) == i);
            until_waiting(1, "IO wait");
            writer.write_all(&[i]).unwrap();
        }
        reader.join().unwrap();
    });
}

/// A pair whose near end was drained by a reader that has learnt to wait.
fn drained() -> (TcpStream, TcpStream) {
    let (near, far) = pair();
    slowly(&near, &far, 20);
    assert!(
        is_counted(&near),
        "20 attempts in vain have taught it nothing"
    );
    (near, far)
}

#[track_caller]
fn reads(mut stream: &TcpStream, expected: &[u8]) {
    let mut buf = [0; 64];
    let n = stream.read(&mut buf).unwrap();
    assert_eq!(&buf[..n], expected);
}

/// What is sent before the read is read.
#[test]
fn what_is_there_is_read() {
    check(|| {
        let (near, mut far) = drained();
        for i in 0..100 {
            far.write_all(&[i; 3]).unwrap();
            reads(&near, &[i; 3]);
        }
        slowly(&near, &far, 50); // and once more the other way
    });
}

/// More buffers than one call takes, as in std.
#[test]
fn many_buffers_are_filled() {
    check(|| {
        let (near, mut far) = drained();
        far.write_all(&[7; 1500]).unwrap();
        let mut bytes = [0; 1500];
        let mut bufs: Vec<IoSliceMut<'_>> = bytes.chunks_mut(1).map(IoSliceMut::new).collect();
        assert_eq!((&near).read_vectored(&mut bufs).unwrap(), 1024);
    });
}

/// Where there is no room, the calls do what they do in std.
#[test]
fn no_room_is_no_data() {
    check(|| {
        let (near, mut far) = drained();
        let vectored = |bufs: &mut [IoSliceMut<'_>]| (&near).read_vectored(bufs).unwrap();
        assert_eq!(vectored(&mut [IoSliceMut::new(&mut [])]), 0);
        assert_eq!(vectored(&mut []), 0);
        far.write_all(b"abc").unwrap();
        reads(&near, b"abc");
    });
}

/// Several read from one: each byte once, and the end by all.
#[test]
fn several_readers_share_it() {
    check(|| {
        let (near, mut far) = drained();
        let sum = AtomicUsize::new(0);
        scope(|s| {
            for _ in 0..3 {
                s.spawn(|| {
                    let mut buf = [0; 2];
                    while let Ok(n @ 1..) = (&near).read(&mut buf) {
                        sum.fetch_add(n, Relaxed);
                    }
                });
            }
            for i in 1..=200 {
                far.write_all(&[i; 3]).unwrap();
                if i % 3 == 0 {
                    until_waiting(3, "IO wait");
                }
            }
            far.shutdown(Shutdown::Write).unwrap();
        });
        assert_eq!(sum.load(Relaxed), 600);
    });
}

/// One handle ends the count of the other: that one reads on.
#[test]
fn a_count_belongs_to_all_handles() {
    check(|| {
        let (near, mut far) = drained();
        let clone = near.try_clone().unwrap();
        slowly(&clone, &far, 20);
        assert!(is_counted(&clone));
        let std = std::net::TcpStream::from(clone);
        assert!(!is_counted(&std), "the socket is not as it was");
        for i in 0..20 {
            far.write_all(&[i]).unwrap(); // first: both handles block in the kernel now, as std's do
            reads(&near, &[i]);
        }
        assert!(!is_counted(&std));
    });
}

/// A read that leaves something behind is not followed by one that waits.
#[test]
fn what_was_left_is_read() {
    check(|| {
        let (near, mut far) = drained();
        for round in 0..40 {
            far.write_all(&[round; 20]).unwrap();
            let mut buf = [0; 5];
            for _ in 0..4 {
                (&near).read_exact(&mut buf).unwrap();
                assert_eq!(buf, [round; 5]);
            }
        }
    });
}

/// Who peeks, or reads through another handle or on a thread, uses the event; the data are still there.
#[test]
fn an_event_that_another_used_is_made_up_for() {
    check(|| {
        let (near, mut far) = drained();
        scope(|s| {
            let peeks = s.spawn(|| near.peek(&mut [0; 8]).unwrap());
            until_waiting(1, "IO wait");
            far.write_all(b"abc").unwrap();
            assert_eq!(peeks.join().unwrap(), 3);
        });
        reads(&near, b"abc");
        let clone = near.try_clone().unwrap();
        slowly(&clone, &far, 20);
        far.write_all(b"de").unwrap();
        reads(&near, b"de");
        far.write_all(b"fg").unwrap();
        std::thread::scope(|s| {
            s.spawn(|| assert_eq!((&near).read(&mut [0; 1]).unwrap(), 1));
        });
        reads(&near, b"g");
    });
}

/// However it ends, and whether the reader waits by then or not.
#[test]
fn an_end_is_no_data() {
    type End = fn(&TcpStream, TcpStream);
    let closed: End = |_, far| drop(far);
    let said: End = |_, far| far.shutdown(Shutdown::Write).unwrap();
    let by_us: End = |near, _| near.shutdown(Shutdown::Read).unwrap();
    let with_data: End = |_, mut far| far.write_all(b"x").unwrap();
    check(|| {
        for (end, data) in [(closed, 0), (said, 0), (by_us, 0), (with_data, 1)] {
            for waits in [false, true] {
                let (near, far) = drained();
                scope(|s| {
                    let read = || (&near).read(&mut [0; 8]).unwrap();
                    if waits {
                        let reader = s.spawn(read);
                        until_waiting(1, "IO wait");
                        end(&near, far);
                        assert_eq!(reader.join().unwrap(), data);
                    } else {
                        end(&near, far);
                        assert_eq!(read(), data);
                    }
                });
                if data == 0 {
                    assert_eq!((&near).read(&mut [0; 8]).unwrap(), 0, "and again");
                }
            }
        }
    });
}

/// Data and a reset in one: the data may be lost, the reset is not.
#[test]
fn a_reset_is_told() {
    check(|| {
        let (near, mut far) = drained();
        (&near).write_all(b"unread").unwrap();
        far.write_all(b"data").unwrap();
        drop(far); // with something unread: a reset
        let mut errors = 0;
        for _ in 0..3 {
            match (&near).read(&mut [0; 8]) {
                Ok(n) => assert!(n == 4 || n == 0, "{n}"),
                Err(e) => {
                    assert_eq!(e.kind(), ErrorKind::ConnectionReset);
                    errors += 1;
                }
            }
        }
        assert_eq!(errors, 1);
    });
}

/// A read stops before urgent data, and what lies behind is there all the same.
#[test]
fn urgent_data_are_no_end() {
    check(|| {
        let (near, mut far) = drained();
        for _ in 0..3 {
            far.write_all(b"ab").unwrap();
            let fd = far.as_fd().as_raw_fd();
            // SAFETY: one byte of ours.
            let sent = unsafe { libc::send(fd, b"!".as_ptr().cast(), 1, libc::MSG_OOB) };
            assert_eq!(sent, 1);
            far.write_all(b"cd").unwrap();
            let mut buf = [0; 4];
            (&near).read_exact(&mut buf).unwrap();
            assert_eq!(&buf, b"abcd");
        }
    });
}

/// A time limit ends the wait before the first attempt, too; and where the user does not want to wait,
/// nobody does.
#[test]
fn limits_and_modes_hold() {
    check(|| {
        let (near, mut far) = drained();
        near.set_read_timeout(Some(MS)).unwrap();
        let late = (&near).read(&mut [0; 8]).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::WouldBlock);
        near.set_read_timeout(None).unwrap();
        slowly(&near, &far, 20);
        near.set_nonblocking(true).unwrap();
        let none = (&near).read(&mut [0; 8]).unwrap_err();
        assert_eq!(none.kind(), ErrorKind::WouldBlock);
        far.write_all(b"x").unwrap();
        while (&near).read(&mut [0; 8]).is_err() {
            sleep(MS / 10);
        }
        near.set_nonblocking(false).unwrap();
        slowly(&near, &far, 20);
        let std = std::net::TcpStream::from(near);
        assert!(!is_counted(&std), "the socket is not as it was");
    });
}

/// Two ends that speak MPTCP, if this kernel does.
fn mptcp_pair() -> Option<(TcpStream, TcpStream)> {
    let socket = || {
        // SAFETY: no preconditions.
        let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_MPTCP) };
        // SAFETY: nobody else has it.
        (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) })
    };
    let (listener, near) = (socket()?, socket()?);
    // SAFETY: no preconditions; it gets a port of its own.
    let ok = unsafe { libc::listen(listener.as_raw_fd(), 1) };
    assert_eq!(ok, 0);
    let listener = std::net::TcpListener::from(listener);
    // SAFETY: all zeros is an address.
    let mut to: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    to.sin_family = libc::AF_INET as libc::sa_family_t;
    to.sin_port = listener.local_addr().unwrap().port().to_be();
    to.sin_addr.s_addr = u32::from(std::net::Ipv4Addr::LOCALHOST).to_be();
    // SAFETY: an address of ours, as long as said.
    let ok = unsafe {
        let len = size_of_val(&to) as libc::socklen_t;
        libc::connect(near.as_raw_fd(), (&raw const to).cast(), len)
    };
    assert_eq!(ok, 0);
    Some((near.into(), listener.accept().unwrap().0.into()))
}

/// Only TCP has such a count. Others read as before.
#[test]
fn others_try_first() {
    check(|| {
        let (near, far) = UnixStream::pair().unwrap();
        slowly(&near, &far, 30);
        let (near, far) = gosched::io::pipe().unwrap();
        slowly(near, far, 30);
        let Some((near, mut far)) = mptcp_pair() else {
            return println!("(no MPTCP here)");
        };
        slowly(&near, &far, 30);
        assert!(!is_counted(&near));
        far.write_all(b"abc").unwrap();
        reads(&near, b"abc");
        far.shutdown(Shutdown::Write).unwrap();
        reads(&near, b"");
    });
}

/// A socket that tells of data only from some number of bytes on is not counted. If that is asked of
/// it later, a read may wait for so many bytes, as it does in std, and for the end.
#[test]
fn a_mark_of_the_users_own_holds() {
    let mark = |stream: &TcpStream, bytes: i32| {
        let (at, len) = ((&raw const bytes).cast(), size_of::<i32>() as u32);
        let fd = stream.as_fd().as_raw_fd();
        // SAFETY: a number of ours.
        let ok = unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_RCVLOWAT, at, len) };
        assert_eq!(ok, 0);
    };
    check(|| {
        let (near, mut far) = pair();
        mark(&near, 2);
        for i in 0..30 {
            scope(|s| {
                s.spawn(|| reads(&near, &[i; 2]));
                until_waiting(1, "IO wait");
                far.write_all(&[i; 2]).unwrap();
            });
        }
        assert!(!is_counted(&near));
        far.write_all(b"a").unwrap();
        reads(&near, b"a");

        let (near, mut far) = drained();
        mark(&near, 10);
        far.write_all(b"abc").unwrap();
        far.shutdown(Shutdown::Write).unwrap();
        reads(&near, b"abc");
        reads(&near, b"");
    });
}

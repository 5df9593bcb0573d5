//! One end of one connection: a goroutine reads, one writes, and a third may disturb them.

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::time::Duration;

use gosched::net::TcpStream;
use gosched::thread::{scope, sleep};

use crate::plan::{Abort, Dice, How, Plan, byte};
use crate::rest::option;

/// Which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client = 0,
    Server = 1,
}

impl Role {
    fn other(self) -> Role {
        match self {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        }
    }
}

/// What became of the bytes at one end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// The end of the other's bytes was seen.
    pub(crate) to_the_end: bool,
    /// So many calls ended by their time limits.
    pub(crate) timed_out: u64,
}

struct End<'a> {
    stream: &'a TcpStream,
    id: u64,
    role: Role,
    plan: Plan,
}

/// To the end of the connection, as planned.
pub(crate) fn run(stream: TcpStream, id: u64, role: Role) -> Account {
    let plan = Plan::of(id);
    let end = &End {
        stream: &stream,
        id,
        role,
        plan,
    };
    let dice = |n| Dice::new(id << 3 | (role as u64) << 2 | n);
    let abort = plan.abort_by(role);
    let disturbs = abort.is_some() || dice(0).roll(8) == 0;
    scope(|s| {
        let writer = s.spawn(move || end.write_all(&mut dice(1)));
        if disturbs {
            s.spawn(move || match abort {
                Some(abort) => end.cut(abort),
                None => end.change_limits(&mut dice(2)),
            });
        }
        let (received, to_the_end, late_reads) = end.read_all(&mut dice(3));
        let (sent, failed, late_writes) = writer.join().unwrap();
        Account {
            sent: sent as u64,
            received: received as u64,
            // The kernel says once that there was a reset: if the writer heard of it, the reader sees an end.
            to_the_end: to_the_end && !failed,
            timed_out: late_reads + late_writes,
        }
    })
}

impl End<'_> {
    /// Whether `e` may come of a connection that somebody cuts short.
    fn expect(&self, e: &std::io::Error) {
        let cut = matches!(
            e.kind(),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::NotConnected
        );
        let Self { id, role, plan, .. } = self;
        assert!(cut && plan.abort.is_some(), "{id} {role:?} {plan:?}: {e}");
    }

    fn leaves_at(&self) -> usize {
        let leave = self.plan.abort_by(self.role);
        leave
            .filter(|abort| abort.how == How::Leave)
            .map_or(usize::MAX, |abort| abort.at)
    }

    /// How many bytes, whether all, and how many time limits.
    fn read_all(&self, dice: &mut Dice) -> (usize, bool, u64) {
        let other = self.role.other();
        // Another descriptor of the same socket, with a record of its own in the poller.
        let clone = (dice.roll(30) == 0).then(|| self.stream.try_clone().unwrap());
        let mut stream = clone.as_ref().unwrap_or(self.stream);
        let (slow, hurried, peeks) = (dice.roll(8), dice.roll(4) == 0, dice.roll(20) == 0);
        let mut buf = [0; 4000];
        let size = if slow == 0 { 1000 } else { buf.len() };
        let (mut at, mut timed_out) = (0, 0);
        if hurried {
            let past = Some(Duration::from_nanos(1)); // over before the wait
            stream.set_read_timeout(past).unwrap();
        }
        while at < self.leaves_at() {
            let answer = match peeks && dice.roll(2) == 0 {
                true => stream.peek(&mut buf[..size]).map(|n| (n, n == 0)),
                false => stream.read(&mut buf[..size]).map(|n| (n, true)),
            };
            match answer {
                Ok((0, _)) => return (at, self.plan.abort_by(self.role).is_none(), timed_out),
                Ok((n, taken)) => {
                    let wrong = (0..n).find(|&i| buf[i] != byte(self.id, other, at + i));
                    assert_eq!(wrong, None, "after {at} bytes of {}: not its own", self.id);
                    at += if taken { n } else { 0 };
                    if slow < 2 {
                        sleep(dice.micros(1000));
                    }
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    timed_out += 1;
                    let limit = Some(dice.micros(100 << timed_out.min(10)));
                    stream.set_read_timeout(limit).unwrap();
                }
                Err(e) => {
                    self.expect(&e);
                    break;
                }
            }
        }
        (at, false, timed_out)
    }

    /// How many bytes, whether a call has failed, and how many time limits.
    fn write_all(&self, dice: &mut Dice) -> (usize, bool, u64) {
        let mut stream = self.stream;
        let (slow, hurried) = (dice.roll(8) == 0, dice.roll(4) == 0);
        let len = self.plan.len_from(self.role);
        let (mut at, mut timed_out) = (0, 0);
        if hurried {
            let past = Some(Duration::from_nanos(1));
            stream.set_write_timeout(past).unwrap();
        }
        while at < len {
            if at >= self.leaves_at() {
                return (at, false, timed_out);
            }
            let most = if dice.roll(10) == 0 { 100_000 } else { 5000 };
            let n = (1 + dice.roll(most)).min(len - at);
            let part: Vec<u8> = (at..at + n)
                .map(|at| byte(self.id, self.role, at))
                .collect();
            let (first, second) = part.split_at(n / 3);
            let answer = match dice.roll(4) {
                0 => stream.write_vectored(&[IoSlice::new(first), IoSlice::new(second)]),
                _ => stream.write(&part),
            };
            match answer {
                Ok(n) => at += n,
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    timed_out += 1;
                    let limit = Some(dice.micros(100 << timed_out.min(10)));
                    stream.set_write_timeout(limit).unwrap();
                }
                Err(e) => {
                    self.expect(&e);
                    return (at, true, timed_out);
                }
            }
            if slow {
                sleep(dice.micros(500));
            }
        }
        if self.leaves_at() == usize::MAX
            && let Err(e) = stream.shutdown(Shutdown::Write)
        {
            self.expect(&e);
        }
        (at, false, timed_out)
    }

    /// Beside those who read and write.
    fn cut(&self, abort: Abort) {
        sleep(abort.after);
        match abort.how {
            How::Reset => disconnect(self.stream),
            How::Shut => drop(self.stream.shutdown(Shutdown::Both)), // the other may have
            How::Linger => {
                let now = libc::linger {
                    l_onoff: 1,
                    l_linger: 0,
                };
                option(self.stream, libc::SOL_SOCKET, libc::SO_LINGER, &now);
                drop(self.stream.shutdown(Shutdown::Both));
            }
            How::Leave => (),
        }
    }

    /// Limits become longer and shorter while others wait.
    fn change_limits(&self, dice: &mut Dice) {
        for _ in 0..5 {
            sleep(dice.micros(1000));
            let limit = Some(dice.micros(5000));
            self.stream.set_read_timeout(limit).unwrap();
            self.stream.set_write_timeout(limit).unwrap();
        }
    }
}

/// The kernel's way to end a connection that others use: it sends a reset and wakes them.
fn disconnect(stream: &TcpStream) {
    let nowhere = libc::sockaddr {
        sa_family: libc::AF_UNSPEC as libc::sa_family_t,
        sa_data: [0; 14],
    };
    let size = size_of::<libc::sockaddr>() as libc::socklen_t;
    // SAFETY: the address is ours and as long as said.
    let answer = unsafe { libc::connect(stream.as_raw_fd(), &raw const nowhere, size) };
    assert_eq!(answer, 0, "{}", std::io::Error::last_os_error());
}

//! The process's one epoll instance, and the bell that ends a wait in it.
//!
//! Both descriptors are made when the first socket is, and are never closed. A program that uses no
//! socket of ours has neither.
#![allow(unsafe_code, reason = "epoll, ppoll")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::OnceLock;

use crate::core::base::owner_cell::OwnerCell;
use crate::core::sys::clock::{Nanos, nanotime};
use crate::ext::linux::event_fd::{EventFd, owned};

/// Events that one wait takes, at most. Go: netpoll.
const BATCH: usize = 128;
/// The token of the bell; no descriptor has it.
const BELL: u64 = u64::MAX;

/// An end, of what comes or of all; an error.
const ENDS: u32 = (libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR) as u32;
const READABLE: u32 = libc::EPOLLIN as u32 | ENDS;
/// More than data: urgent data, too.
const UNUSUAL: u32 = libc::EPOLLPRI as u32 | ENDS;
const WRITABLE: u32 = (libc::EPOLLOUT | libc::EPOLLHUP | libc::EPOLLERR) as u32;

static EPOLL: OnceLock<Epoll> = OnceLock::new();
/// This kernel (before Linux 5.11), or a filter, refuses `epoll_pwait2`.
static NO_PWAIT2: OwnerCell<bool> = OwnerCell::zero();

#[derive(Debug)]
pub(crate) struct Epoll {
    fd: OwnedFd,
    bell: EventFd,
}

/// How long a wait may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Only a look.
    None,
    Until(Nanos),
}

/// What one wait has brought.
pub(crate) struct Events {
    buffer: [libc::epoll_event; BATCH],
    len: usize,
}

/// A descriptor is ready, as far as the kernel knew.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) token: u64,
    pub(crate) unusual: bool,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
}

/// The instance, if there is one by now.
#[inline]
pub(crate) fn opened() -> Option<&'static Epoll> {
    EPOLL.get()
}

/// The instance, made now if there was none.
pub(crate) fn open() -> io::Result<&'static Epoll> {
    if let Some(epoll) = opened() {
        return Ok(epoll);
    }
    let new = Epoll::new()?;
    Ok(EPOLL.get_or_init(|| new))
}

impl Epoll {
    fn new() -> io::Result<Epoll> {
        // SAFETY: no memory is passed.
        let fd = owned(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        let epoll = Epoll {
            fd,
            bell: EventFd::new()?,
        };
        let (op, bell) = (libc::EPOLL_CTL_ADD, epoll.bell.as_raw_fd());
        epoll.control(op, bell, libc::EPOLLIN as u32, BELL)?;
        Ok(epoll)
    }

    /// Both directions of `fd`, edge-triggered, until it is removed.
    pub(crate) fn add(&self, fd: BorrowedFd<'_>, token: u64) -> io::Result<()> {
        let events = (libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLET) as u32 | UNUSUAL;
        self.control(libc::EPOLL_CTL_ADD, fd.as_raw_fd(), events, token)
    }

    /// Before `fd` is closed: another descriptor may stand for the same socket, and would keep it here.
    pub(crate) fn remove(&self, fd: RawFd) {
        // It fails only if the descriptor was closed behind our back.
        let _ = self.control(libc::EPOLL_CTL_DEL, fd, 0, 0);
    }

    fn control(&self, op: i32, fd: RawFd, events: u32, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events, u64: token };
        // SAFETY: one entry of ours.
        let answer = unsafe { libc::epoll_ctl(self.fd.as_raw_fd(), op, fd, &raw mut event) };
        if answer < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// Ends a wait: the present one, or the next.
    pub(crate) fn ring(&self) {
        self.bell.ring();
    }

    /// Takes the next events, and waits for the first of them. None may come: the time is over, the
    /// bell was rung, or a signal came. A look leaves the bell to those who wait.
    pub(crate) fn wait(&self, patience: Patience, events: &mut Events) {
        let n = match patience {
            Patience::None => self.look(events),
            Patience::Until(when) => self.sleep(when.saturating_sub(nanotime()), events),
        };
        events.len = usize::try_from(n).unwrap_or(0); // EINTR: none
        if patience != Patience::None && events.all().any(|event| event.u64 == BELL) {
            self.bell.silence();
        }
    }

    fn look(&self, events: &mut Events) -> i32 {
        let (fd, buffer) = (self.fd.as_raw_fd(), events.buffer.as_mut_ptr());
        // SAFETY: the array is ours and as long as said.
        unsafe { libc::epoll_wait(fd, buffer, BATCH as i32, 0) }
    }

    fn sleep(&self, span: Nanos, events: &mut Events) -> i32 {
        let span = libc::timespec {
            tv_sec: (span / 1_000_000_000).cast_signed(),
            tv_nsec: (span % 1_000_000_000).cast_signed(),
        };
        let fd = self.fd.as_raw_fd();
        if !NO_PWAIT2.peek() {
            // SAFETY: the array is ours and as long as said, and so is the time; no mask.
            let n = unsafe {
                libc::syscall(
                    libc::SYS_epoll_pwait2,
                    fd,
                    events.buffer.as_mut_ptr(),
                    BATCH,
                    &raw const span,
                    std::ptr::null::<libc::sigset_t>(),
                    0,
                )
            };
            if n >= 0 || io::Error::last_os_error().kind() == io::ErrorKind::Interrupted {
                return n as i32;
            }
            NO_PWAIT2.set(true);
        }
        let mut entry = libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: one entry and a time of ours; no mask.
        unsafe { libc::ppoll(&raw mut entry, 1, &raw const span, std::ptr::null()) };
        self.look(events)
    }
}

impl Events {
    pub(crate) fn new() -> Events {
        Events {
            buffer: [libc::epoll_event { events: 0, u64: 0 }; BATCH],
            len: 0,
        }
    }

    fn all(&self) -> impl Iterator<Item = libc::epoll_event> + '_ {
        self.buffer.iter().take(self.len).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Event> + '_ {
        self.all()
            .filter(|event| event.u64 != BELL)
            .map(|event| Event {
                token: event.u64,
                unusual: event.events & UNUSUAL != 0,
                readable: event.events & READABLE != 0,
                writable: event.events & WRITABLE != 0,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn a_bell_ends_one_wait_and_an_edge_comes_once() {
        let epoll = Epoll::new().unwrap();
        let (near, mut far) = UnixStream::pair().unwrap();
        epoll.add(near.as_fd(), 7).unwrap();
        for refused in [false, true] {
            NO_PWAIT2.set(refused);
            let mut events = Events::new();
            let wait = |ms: u64, events: &mut Events| {
                let until = Patience::Until(nanotime() + ms * 1_000_000);
                epoll.wait(until, events);
                events
                    .iter()
                    .map(|e| (e.token, e.readable))
                    .collect::<Vec<_>>()
            };
            wait(0, &mut events); // writable, at first
            far.write_all(&[1]).unwrap();
            assert_eq!(wait(10_000, &mut events), [(7, true)]);
            let begin = nanotime();
            assert_eq!(wait(3, &mut events), [], "an edge twice");
            assert!(nanotime() - begin >= 3_000_000);
            epoll.ring();
            epoll.wait(Patience::None, &mut events);
            assert_eq!(events.all().count(), 1, "a look took the bell");
            assert_eq!(wait(10_000, &mut events), []);
            assert!(nanotime() - begin < 5_000_000_000, "the bell was not heard");
            epoll.wait(Patience::None, &mut events);
            assert_eq!(events.all().count(), 0, "the bell rings on");
        }
        NO_PWAIT2.set(false);
        epoll.remove(near.as_raw_fd());
    }
}

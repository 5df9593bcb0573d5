//! Waiting for threads to end: pidfds, and a bell to stop waiting.
#![allow(unsafe_code, reason = "pidfd_open, eventfd, poll")]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Linux 6.9: a pidfd for any thread, not only for a process's first.
const PIDFD_THREAD: libc::c_uint = libc::O_EXCL as libc::c_uint;

/// Becomes readable when the thread with this id ends.
pub(crate) fn open_thread(tid: i32) -> io::Result<OwnedFd> {
    // SAFETY: no memory is passed.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, tid, PIDFD_THREAD) };
    owned(fd as libc::c_int)
}

/// A bell that one thread waits for and others ring. Where no descriptor is available the bell
/// does not work, and the waiting thread polls once a second.
#[derive(Debug)]
pub(crate) struct EventFd(Option<OwnedFd>);

impl EventFd {
    pub(crate) fn new() -> EventFd {
        // SAFETY: no memory is passed.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        EventFd(owned(fd).ok())
    }

    pub(crate) fn ring(&self) {
        let Some(fd) = &self.0 else { return };
        let one = 1_u64.to_ne_bytes();
        // SAFETY: eight bytes of ours. A full counter is rung already.
        unsafe { libc::write(fd.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    /// Waits for the bell, or the end of `thread`, or until `millis` have passed (none: for
    /// ever). The bell is silent afterwards.
    pub(crate) fn wait(&self, thread: &OwnedFd, millis: Option<i32>) {
        self.wait_for(Some(thread), millis);
    }

    /// Waits for the bell.
    pub(crate) fn wait_alone(&self) {
        self.wait_for(None, None);
    }

    fn wait_for(&self, thread: Option<&OwnedFd>, millis: Option<i32>) {
        let entry = |fd: Option<&OwnedFd>| libc::pollfd {
            fd: fd.map_or(-1, AsRawFd::as_raw_fd), // -1: the kernel passes over it
            events: libc::POLLIN,
            revents: 0,
        };
        let mut entries = [entry(thread), entry(self.0.as_ref())];
        let longest = if self.0.is_some() { -1 } else { 1_000 };
        let millis = millis.unwrap_or(longest);
        // SAFETY: the array is ours and as long as said.
        unsafe { libc::poll(entries.as_mut_ptr(), entries.len() as libc::nfds_t, millis) };
        self.silence();
    }

    /// Takes what was rung so far.
    pub(crate) fn silence(&self) {
        let Some(fd) = &self.0 else { return };
        let mut count = [0_u8; 8];
        // SAFETY: eight bytes of ours; does not block.
        unsafe { libc::read(fd.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
    }
}

fn owned(fd: libc::c_int) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just given it to us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext::linux::tasks::gettid;
    use std::sync::mpsc;
    use std::time::Instant;

    #[test]
    fn a_thread_that_ends_is_noticed() {
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            tell.send(gettid()).unwrap();
            let _ = stopped.recv();
        });
        let Ok(fd) = open_thread(told.recv().unwrap()) else {
            return; // before Linux 6.9
        };
        let bell = EventFd::new();
        bell.wait(&fd, Some(1));
        drop(stop);
        let start = Instant::now();
        bell.wait(&fd, Some(60_000));
        assert!(start.elapsed().as_secs() < 50, "not noticed");
        thread.join().unwrap();
    }

    #[test]
    fn a_bell_rings_once() {
        let bell = EventFd::new();
        bell.ring();
        bell.ring();
        bell.wait_alone();
        let start = Instant::now();
        bell.wait_for(None, Some(20));
        assert!(start.elapsed().as_millis() >= 15, "rang again");
    }
}

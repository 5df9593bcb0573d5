//! Waiting for threads and processes to end: pidfds, and a bell to stop waiting.
#![allow(unsafe_code, reason = "pidfd_open, poll")]

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::ext::linux::event_fd::{EventFd, owned};

/// Linux 6.9: a pidfd for any thread, not only for a process's first.
const PIDFD_THREAD: libc::c_uint = libc::O_EXCL as libc::c_uint;

/// Becomes readable when the thread with this id ends.
pub(crate) fn open_thread(tid: i32) -> io::Result<OwnedFd> {
    // SAFETY: no memory is passed.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, tid, PIDFD_THREAD) };
    owned(fd as libc::c_int)
}

/// Becomes readable when the process with this number ends: a child that was not waited for yet, so
/// that the number is its own.
pub(crate) fn open_process(pid: u32) -> io::Result<OwnedFd> {
    // SAFETY: no memory is passed.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    owned(fd as libc::c_int)
}

/// A bell that one thread waits for and others ring. Where no descriptor is available the bell
/// does not work, and the waiting thread polls once a second.
#[derive(Debug)]
pub(crate) struct Bell(Option<EventFd>);

impl Bell {
    pub(crate) fn new() -> Bell {
        Bell(EventFd::new().ok())
    }

    pub(crate) fn ring(&self) {
        self.0.iter().for_each(EventFd::ring);
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
        let entry = |fd: Option<i32>| libc::pollfd {
            fd: fd.unwrap_or(-1), // -1: the kernel passes over it
            events: libc::POLLIN,
            revents: 0,
        };
        let mut entries = [
            entry(thread.map(AsRawFd::as_raw_fd)),
            entry(self.0.as_ref().map(AsRawFd::as_raw_fd)),
        ];
        let longest = if self.0.is_some() { -1 } else { 1_000 };
        let millis = millis.unwrap_or(longest);
        // SAFETY: the array is ours and as long as said.
        unsafe { libc::poll(entries.as_mut_ptr(), entries.len() as libc::nfds_t, millis) };
        self.silence();
    }

    /// Takes what was rung so far.
    pub(crate) fn silence(&self) {
        self.0.iter().for_each(EventFd::silence);
    }
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
        let bell = Bell::new();
        bell.wait(&fd, Some(1));
        drop(stop);
        let start = Instant::now();
        bell.wait(&fd, Some(60_000));
        assert!(start.elapsed().as_secs() < 50, "not noticed");
        thread.join().unwrap();
    }

    #[test]
    fn a_bell_rings_once() {
        let bell = Bell::new();
        bell.ring();
        bell.ring();
        bell.wait_alone();
        let start = Instant::now();
        bell.wait_for(None, Some(20));
        assert!(start.elapsed().as_millis() >= 15, "rang again");
    }
}

//! Is the socket drained? Then a read would find nothing, and can wait for an event at once: a
//! system call less for each message.
//!
//! A read that tells how much is left costs some more, so a reader asks for that only when it has
//! often tried in vain: its messages are slower than it is. And it tries now and then, to see
//! whether that is still so. `README.md#drained`.
//!
//! All of this but `unusual` belongs to whoever has the turn of the reading side.
//!
//! Go tries first, and waits when that finds nothing (fd_unix.go FD.Read).
#![forbid(unsafe_code)]

use std::io::{self, IoSliceMut};
use std::os::fd::BorrowedFd;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::base::owner_cell::OwnerCell;
use crate::ext::linux::tcp_inq;

/// So many attempts in vain in a row, and what is left is counted.
const IN_VAIN: u8 = 8;
/// Of so many reads of a drained socket one tries.
const TRIES_ONE_OF: u8 = 8;

/// See the file's header.
#[derive(Debug)]
pub(crate) struct Drained {
    /// The last read has left nothing, and nobody has used an event since.
    now: OwnerCell<bool>,
    /// Attempts in a row that were in vain; those after an event do not count.
    in_vain: OwnerCell<u8>,
    /// Reads that have waited first, since one has tried.
    waited: OwnerCell<u8>,
    /// An event was used, and nobody has tried since: that attempt tells nothing of who is too early.
    after_event: OwnerCell<bool>,
    /// Something other than data has come: written before the event by whoever asks the kernel. Or there
    /// is no count, or no longer.
    unusual: AtomicBool,
}

impl Drained {
    pub(crate) fn new() -> Drained {
        Drained {
            now: OwnerCell::zero(),
            in_vain: OwnerCell::zero(),
            waited: OwnerCell::zero(),
            after_event: OwnerCell::zero(),
            unusual: AtomicBool::new(false),
        }
    }

    /// For another descriptor.
    pub(crate) fn reset(&self) {
        self.now.set(false);
        self.in_vain.set(0);
        self.waited.set(0);
        self.after_event.set(false);
        self.unusual.store(false, Relaxed);
    }

    /// By whoever asks the kernel, before the event: an end, an error, or urgent data.
    pub(crate) fn unusual(&self) {
        self.unusual.store(true, Relaxed);
    }

    /// An event was used: there may be data.
    pub(crate) fn event_used(&self) {
        self.now.set(false);
        self.after_event.set(true);
    }

    /// Shall this read wait for an event first?
    #[inline]
    pub(crate) fn waits_first(&self) -> bool {
        if !self.now.get()
            || self.unusual.load(Relaxed)
            || self.waited.get() >= TRIES_ONE_OF - 1
        {
            self.waited.set(0);
            return false;
        }
        self.waited.set(self.waited.get() + 1);
        true
    }

    /// An attempt to read. `plain`: the usual call. `counted`: the kernel counts what is left, for all
    /// handles of this socket.
    #[inline]
    pub(crate) fn read(
        &self,
        fd: BorrowedFd<'_>,
        bufs: &mut [IoSliceMut<'_>],
        counted: &AtomicBool,
        plain: impl FnOnce(&mut [IoSliceMut<'_>]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        self.now.set(false);
        let counts = self.in_vain.get() >= IN_VAIN && !self.unusual.load(Relaxed);
        let answer = match counts && self.is_counted(fd, counted) {
            true => self.read_and_count(fd, bufs),
            false => plain(bufs),
        };
        if !self.after_event.take() {
            let in_vain = self.in_vain.get().saturating_add(1);
            self.in_vain.set(if answer.is_ok() { 0 } else { in_vain });
        }
        answer
    }

    fn read_and_count(
        &self,
        fd: BorrowedFd<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> io::Result<usize> {
        let (n, left) = tcp_inq::read(fd, bufs)?;
        match left {
            Some(left) => self.now.set(left == 0),
            None => self.unusual(), // somebody has ended the count
        }
        Ok(n)
    }

    #[inline]
    fn is_counted(&self, fd: BorrowedFd<'_>, counted: &AtomicBool) -> bool {
        counted.load(Relaxed) || self.begin_to_count(fd, counted)
    }

    #[cold]
    fn begin_to_count(&self, fd: BorrowedFd<'_>, counted: &AtomicBool) -> bool {
        let begun = tcp_inq::begin_to_count(fd);
        if begun {
            counted.store(true, Relaxed);
        } else {
            self.unusual(); // so it is not asked again
        }
        begun
    }
}

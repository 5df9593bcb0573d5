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

/// So many reads in a row whose first attempt was in vain, and what is left is counted.
const IN_VAIN: u8 = 8;
/// Of so many reads of a drained socket one tries.
const TRIES_ONE_OF: u8 = 8;

/// See the file's header.
#[derive(Debug)]
pub(crate) struct Drained {
    /// The last read has left nothing, and nobody has used an event since.
    now: OwnerCell<bool>,
    /// Reads in a row whose first attempt was in vain.
    in_vain: OwnerCell<u8>,
    /// Reads that have waited first, since one has tried.
    waited: OwnerCell<u8>,
    /// The kernel counts what is left.
    counted: OwnerCell<bool>,
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
            counted: OwnerCell::zero(),
            unusual: AtomicBool::new(false),
        }
    }

    /// For another descriptor.
    pub(crate) fn reset(&self) {
        self.now.set(false);
        self.in_vain.set(0);
        self.waited.set(0);
        self.counted.set(false);
        self.unusual.store(false, Relaxed);
    }

    /// By whoever asks the kernel, before the event: an end, an error, or urgent data.
    pub(crate) fn unusual(&self) {
        self.unusual.store(true, Relaxed);
    }

    /// An event was used: there may be data.
    pub(crate) fn event_used(&self) {
        self.now.set(false);
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

    /// The first attempt of a read, which has not waited before, has found something, or nothing.
    #[inline]
    pub(crate) fn tried(&self, found: bool) {
        let in_vain = if found {
            0
        } else {
            self.in_vain.get().saturating_add(1)
        };
        self.in_vain.set(in_vain);
    }

    /// An attempt to read. `plain`: the usual call.
    #[inline]
    pub(crate) fn read(
        &self,
        fd: BorrowedFd<'_>,
        bufs: &mut [IoSliceMut<'_>],
        plain: impl FnOnce(&mut [IoSliceMut<'_>]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        self.now.set(false);
        let counts = self.in_vain.get() >= IN_VAIN && !self.unusual.load(Relaxed);
        if !counts || !(self.is_counted() || self.begin_to_count(fd)) {
            return plain(bufs);
        }
        let (n, left) = tcp_inq::read(fd, bufs)?;
        match left {
            Some(left) => self.now.set(left == 0),
            None => self.unusual(), // somebody has ended the count
        }
        Ok(n)
    }

    /// The kernel counts for this side what is left.
    #[inline]
    pub(crate) fn is_counted(&self) -> bool {
        self.counted.get()
    }

    #[cold]
    fn begin_to_count(&self, fd: BorrowedFd<'_>) -> bool {
        let counted = tcp_inq::begin_to_count(fd);
        self.counted.set(counted);
        if !counted {
            self.unusual(); // so it is not asked again
        }
        counted
    }
}

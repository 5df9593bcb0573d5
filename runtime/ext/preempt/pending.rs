//! A request to an M's goroutine: what it must do when it leaves the runtime.
//!
//! The goroutine's own signal handler, sysmon, or a thread that stops the world makes the
//! request. It belongs to the slice, not to the goroutine: a goroutine that inherits the slice
//! inherits the request too. Otherwise goroutines that wake each other in turns would never be
//! asked. A request that is lost to a race, or that comes late, does no harm: sysmon asks again.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;

/// The time slice is over, or the world is being stopped: give the P up.
pub(crate) const SLICE_OVER: u8 = 1;
/// Others need this very thread: leave the stack, at a call that may wait.
pub(crate) const THREAD_WANTED: u8 = 2;

/// See the file's header.
#[derive(Debug)]
pub(crate) struct Pending(AtomicU8);

impl Pending {
    pub(crate) fn new() -> Pending {
        Pending(AtomicU8::new(0))
    }

    pub(crate) fn ask(&self, what: u8) {
        self.0.fetch_or(what, Relaxed);
    }

    #[inline]
    pub(crate) fn is_asked(&self, what: u8) -> bool {
        self.0.load(Relaxed) & what != 0
    }

    /// The request is being handled.
    pub(crate) fn done(&self, what: u8) {
        self.0.fetch_and(!what, Relaxed);
    }

    /// A new slice begins.
    #[inline]
    pub(crate) fn clear(&self) {
        self.0.store(0, Relaxed);
    }
}

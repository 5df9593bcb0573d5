//! While one thread prints why the process ends, others do not end it: a thread that would end
//! the process in an orderly way, by `exit` or by the end of main, waits for the printing thread
//! ([`let_others_die`]).
#![allow(unsafe_code, reason = "poll(2)")]

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::sys::clock::nanotime;
use crate::core::sys::fatal::{LOOK, PATIENCE, dying};
use crate::ext::linux::tasks::gettid;

/// A report was requested and will be printed (`SIGQUIT`).
static ANNOUNCED: AtomicBool = AtomicBool::new(false);

/// Whether the calling thread prints why the process ends. May be called in a signal handler.
pub(crate) fn is_telling() -> bool {
    dying() == gettid()
}

/// Another thread will `begin_death` soon. May be called in a signal handler.
pub(crate) fn announce_death() {
    ANNOUNCED.store(true, Relaxed);
}

/// Called by a thread that is about to end the process in an orderly way: not while another
/// thread prints why it ends, or was asked to. Go: proc.go main, its look at `panicking`.
pub(crate) fn let_others_die() {
    let me = gettid();
    let begin = nanotime();
    loop {
        match dying() {
            0 if !ANNOUNCED.load(Relaxed) => return,
            // The one who was asked may wait for something that we hold.
            0 if nanotime().saturating_sub(begin) > PATIENCE => return,
            dying if dying == me => return,
            _ => (),
        }
        // SAFETY: no descriptors.
        unsafe { libc::poll(std::ptr::null_mut(), 0, LOOK) };
    }
}

//! The tools of the two protocols (`status.rs`, `idle.rs`): std's, or loom's when a model runs. And
//! the end of a process that cannot go on.
#![forbid(unsafe_code)]

#[cfg(all(loom, test))]
pub(crate) use loom::{
    sync::atomic::{AtomicU32, fence},
    sync::{Mutex as ThreadMutex, MutexGuard},
    thread,
};
#[cfg(not(all(loom, test)))]
pub(crate) use std::{
    sync::atomic::{AtomicU32, fence},
    sync::{Mutex as ThreadMutex, MutexGuard},
    thread,
};

/// Of all locks that block a thread: they are held for some instructions that do not panic.
pub(crate) const CALM: &str = "nobody panics with it";

/// The end of the process, in Go's words and with its status. Two Ms may find at once that all are asleep:
/// one says so.
#[cold]
pub(crate) fn fatal(words: &str) -> ! {
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock();
    eprintln!("fatal error: {words}");
    std::process::exit(2)
}

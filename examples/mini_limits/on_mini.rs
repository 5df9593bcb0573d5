//! What the programs are made of, from mini.

use std::time::Duration;

pub(super) use gosched_mini::{Receiver, Sender, bounded, go, spawn, yield_now};

#[path = "programs.rs"]
mod programs;
pub(crate) use programs::PROGRAMS;

/// The only one there is.
pub(super) fn sleep(time: Duration) {
    std::thread::sleep(time);
}

/// All values that come.
pub(super) fn each<T>(from: &Receiver<T>) -> impl Iterator<Item = T> {
    from.iter()
}

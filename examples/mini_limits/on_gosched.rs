//! What the programs are made of, from gosched.
#![allow(
    clippy::duplicate_mod,
    reason = "the same code on two systems is the point"
)]

pub(super) use gosched::channel::{Receiver, Sender, bounded};
pub(super) use gosched::go;
pub(super) use gosched::thread::{sleep, spawn, yield_now};

#[path = "programs.rs"]
mod programs;
pub(crate) use programs::PROGRAMS;

/// All values that come.
pub(super) fn each<T>(from: &Receiver<T>) -> impl Iterator<Item = T> {
    from.iter()
}

//! The same on OS threads, with crossbeam-channel, which has the same API, and std's locks.
#![allow(clippy::duplicate_mod, reason = "the same code with other `use` lines")]

pub(super) use crossbeam_channel as channel;
pub(super) use std::sync::RwLock;
pub(super) use std::thread::{scope, sleep, spawn};

pub(super) fn start(f: impl FnOnce() + Send + 'static) {
    drop(spawn(f));
}

#[path = "channels.rs"]
pub(super) mod channels;
#[path = "meetings.rs"]
pub(super) mod meetings;
#[path = "networks.rs"]
pub(super) mod networks;

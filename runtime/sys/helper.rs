//! Threads of the runtime that run no goroutines: the spawner, sysmon, the watcher.
#![forbid(unsafe_code)]

use std::io;

use crate::sys::inherited::{Ahead, HeldBack};
use crate::sys::tlssize::taken_by_libc;

/// Starts one, with `room` on its stack beside the thread-locals.
pub(crate) fn start(
    name: &str,
    room: usize,
    life: impl FnOnce() + Send + 'static,
) -> io::Result<()> {
    let (_held_back, _ahead) = (HeldBack::now(), Ahead::now());
    std::thread::Builder::new()
        .name(name.into())
        .stack_size(room + taken_by_libc())
        .spawn(life)
        .map(drop)
}

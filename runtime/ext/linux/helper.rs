//! Threads of the runtime that run no goroutines: the spawner, sysmon, the watcher.
#![forbid(unsafe_code)]

use std::ffi::CStr;

use crate::ext::linux::inherited::{Ahead, HeldBack};
use crate::ext::linux::memory::Errno;
use crate::ext::linux::thread_stack;

/// Starts one, with `room` on its stack beside the thread-locals.
pub(crate) fn start(name: &CStr, room: usize, life: fn(&'static ())) -> Result<(), Errno> {
    let (_held_back, _ahead) = (HeldBack::now(), Ahead::now());
    thread_stack::start_anywhere(name, room, life, &())
}

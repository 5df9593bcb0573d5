//! Threads of the runtime that run no goroutines: the spawner, sysmon, the watcher.
#![forbid(unsafe_code)]

use std::ffi::CStr;

use crate::sys::berth;
use crate::sys::inherited::HeldBack;
use crate::sys::mem::Errno;

/// Starts one, with `room` on its stack beside the thread-locals. It begins by a call of
/// `inherited::run_ahead`.
pub(crate) fn start(name: &CStr, room: usize, life: fn(&'static ())) -> Result<(), Errno> {
    let _held_back = HeldBack::now();
    berth::start_anywhere(name, room, life, &())
}

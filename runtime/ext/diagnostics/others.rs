//! The other goroutines, in the reports of fatal errors and overflows.
//!
//! Who tells may be in a signal handler, or in the middle of malloc. So the spawner, a thread that no
//! goroutine can block, has their stacks looked at (`last_look.rs`); who tells waits for that, and writes
//! without a lock or an allocation.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicI32};

use crate::core::sys::fatal::set_others;
use crate::ext::diagnostics::dump::Caller;
use crate::ext::diagnostics::last_look::{start_look, tell_all, tell_found};
use crate::ext::diagnostics::sigquit;
use crate::ext::linux::stderr::BufferedStderr;
use crate::ext::linux::tasks::gettid;
use crate::ext::threads::runtime_threads;

/// Who dies asks the spawner.
static ASKED: AtomicBool = AtomicBool::new(false);
/// The spawner's thread, once it has looked whether it is asked.
static SPAWNER: AtomicI32 = AtomicI32::new(0);

/// There is a spawner from now on.
pub(crate) fn prepare() {
    set_others(tell);
}

/// By who dies, wherever that is. `told`: the address of a goroutine that has its paragraph already.
fn tell(told: usize) {
    let mut out = BufferedStderr::new();
    if SPAWNER.load(Relaxed) == gettid() {
        tell_all(told, &mut out, Caller::Urgent);
    } else {
        ASKED.store(true, Release); // pairs(others): answer's Acquire
        runtime_threads::wake_spawner();
        tell_found(told, &mut out, Caller::Urgent);
    }
}

/// Called by the spawner whenever it is woken. If SIGQUIT has come, this does not return.
pub(crate) fn answer() {
    if SPAWNER.load(Relaxed) == 0 {
        SPAWNER.store(gettid(), Relaxed);
    }
    sigquit::answer();
    // Acquire pairs(others): tell's Release.
    if ASKED.load(Acquire) && ASKED.swap(false, Relaxed) {
        start_look();
    }
}

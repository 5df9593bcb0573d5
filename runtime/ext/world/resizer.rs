//! Changes the number of Ps: on the calling thread, or on a thread that is made for this.
//!
//! sysmon notices that the number should change (`ext/settings/default_procs.rs`), but it cannot
//! stop the world, because stopping needs sysmon and the spawner. So the spawner makes a thread,
//! which changes the number and ends.
//!
//! Go: debug.go GOMAXPROCS, SetDefaultGOMAXPROCS; proc.go updateMaxProcsGoroutine.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32};

use crate::core::sched::schedt::SCHED;
use crate::ext::linux::helper;
use crate::ext::settings::default_procs;
use crate::ext::threads::runtime_threads;
use crate::ext::world::stop_world::{resize, resize_if};

/// One thread at most changes the number of Ps at the request of a plain thread.
struct Resizer {
    /// There is such a thread: one at a time.
    at_work: AtomicBool,
    /// How many Ps it is to make.
    number: AtomicU32,
}

static RESIZER: Resizer = Resizer {
    at_work: AtomicBool::new(false),
    number: AtomicU32::new(0),
};

/// Has the spawner call us.
pub(crate) fn install() {
    runtime_threads::set_chore(start_thread);
}

/// Called by the spawner, whenever it is woken. If a request comes while there is a thread, or if no
/// thread can be made, sysmon repeats it after a second.
fn start_thread() {
    let Some(n) = default_procs::take_wanted() else {
        return;
    };
    if RESIZER.at_work.swap(true, Relaxed) {
        return;
    }
    RESIZER.number.store(n, Relaxed);
    if helper::start(c"gosched-procs", 128 << 10, change).is_err() {
        RESIZER.at_work.store(false, Relaxed);
    }
}

/// The thread's life.
fn change(_: &'static ()) {
    resize_if(RESIZER.number.load(Relaxed), default_procs::is_automatic);
    RESIZER.at_work.store(false, Relaxed);
}

/// Sets the number of Ps; returns the old number.
pub(crate) fn set(n: u32) -> u32 {
    let was_automatic = default_procs::set_automatic(false);
    let now = SCHED.procs();
    // While it was, a change may be under way: then this one comes after it.
    if n == now && !was_automatic {
        return now;
    }
    resize(n)
}

/// The program no longer sets a number.
pub(crate) fn set_default() {
    let n = default_procs::automatic();
    let was_automatic = default_procs::set_automatic(true);
    if !was_automatic || n != SCHED.procs() {
        resize(n);
    }
}

//! The watcher: waits for plain threads to end, when nothing else could still change anything.
//!
//! A thread that the runtime knows nothing of may wake somebody, and so it prevents the deadlock
//! report. If it ends without having done so, nobody would notice: hence this thread, started
//! when the first report was prevented. It sleeps in the kernel until one of the threads ends,
//! so an idle process stays idle; before Linux 6.9 it has to look once a second.
#![forbid(unsafe_code)]

use std::os::fd::OwnedFd;
use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;

use crate::sched::threads::{self, is_runtime_thread};
use crate::sys::clock::{Nanos, nanotime};
use crate::sys::exits::{Bell, open_thread};
use crate::sys::helper;
use crate::sys::thread::{live_tids, nanosleep};

/// How many threads the process had when the watcher looked last; 0: it does not watch.
static WATCHED: AtomicU32 = AtomicU32::new(0);
/// A wait that ends sooner found somebody who has ended already, or was rung.
const SHORT: Nanos = 100_000;
static BELL: OnceLock<Bell> = OnceLock::new();
static CHECK: OnceLock<fn()> = OnceLock::new();

/// Sees to it that `check` is called when a thread ends that is not the runtime's. The process
/// has `count` threads now.
pub(crate) fn watch(count: u32, check: fn()) {
    // pairs(watch): the watcher's own stores; whichever count is the last, a look follows
    if WATCHED.swap(count, SeqCst) == count {
        return;
    }
    match BELL.get() {
        Some(bell) => bell.ring(),
        None => {
            CHECK.get_or_init(|| check);
            threads::send_errand(start);
        }
    }
}

/// A thread of the runtime is about to become a plain one, and to end: the next `watch` counts.
pub(crate) fn look_again() {
    WATCHED.store(u32::MAX, SeqCst); // pairs(watch)
}

/// On the spawner's thread. Where no thread is to be had the program goes on, and a deadlock may
/// go unreported.
fn start() {
    let bell = BELL.get_or_init(Bell::new);
    let started = helper::start("gosched-watcher", 128 << 10, move || watcher(bell));
    drop(started);
}

fn watcher(bell: &Bell) {
    threads::set_watcher();
    let check = || CHECK.get().into_iter().for_each(|check| check());
    let mut quick = 0;
    loop {
        // Whether there is still something to watch for; our own beginning counts as well.
        check();
        // pairs(watch): the swap in watch, whose ring follows it
        if WATCHED.load(SeqCst) == 0 {
            bell.wait(&[], -1);
            quick = 0;
            continue;
        }
        bell.silence(); // whoever rang until now is answered by the look that follows
        let (fds, millis) = alive();
        // One that has ended before it was opened is missed by the wait, but not by this.
        check();
        let before = nanotime();
        bell.wait(&fds, millis);
        let slept = nanotime() - before > SHORT;
        quick = if slept { 0 } else { backoff(quick) };
        WATCHED.store(0, SeqCst); // pairs(watch)
    }
}

/// Opens every thread that is not the runtime's; and how long to wait for their ends at most.
fn alive() -> (Vec<OwnedFd>, i32) {
    let (mut fds, mut millis) = (Vec::new(), -1);
    let tids = live_tids().unwrap_or_default();
    WATCHED.store(tids.len() as u32, SeqCst); // pairs(watch)
    for tid in tids.into_iter().filter(|&tid| !is_runtime_thread(tid)) {
        match open_thread(tid) {
            Ok(fd) => fds.push(fd),
            Err(e) if e.raw_os_error() == Some(libc::ESRCH) => millis = 0,
            Err(_) if millis == 0 => (),
            Err(_) => millis = 1_000, // an old kernel, or no descriptors left
        }
    }
    (fds, millis)
}

/// A thread that has ended leaves the list soon; should it not, we do not burn a CPU.
fn backoff(quick: u32) -> u32 {
    nanosleep(1_000_000 << quick.min(10));
    quick + 1
}

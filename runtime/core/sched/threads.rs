//! The number of threads of the runtime, and how the spawner (`spawner.rs`) is asked for more.
//!
//! Go: proc.go mcount, mexit.
#![forbid(unsafe_code)]

use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32};

use crate::core::m::machine::M;
use crate::core::sched::allm::all_ms;
use crate::core::sched::schedt::{SCHED, add};
use crate::core::sched::waiting_ps;
use crate::core::sys::note::Note;
use crate::core::sys::thread::gettid;

/// What a new thread runs: handed over at start, so that nothing here points upwards.
pub(crate) type Entry = fn(&'static M);

pub(super) static WANTED: Note = Note::new();
/// How often the spawner was asked to look, and how many of these requests it has handled.
pub(super) static ASKED: AtomicU32 = AtomicU32::new(0);
pub(super) static DONE: AtomicU32 = AtomicU32::new(0);
/// Threads started that are not up yet. Under the scheduler's lock.
pub(super) static STARTING: AtomicU32 = AtomicU32::new(0);
/// Threads that are or were up; and Ms that have ended.
pub(super) static UP: AtomicU32 = AtomicU32::new(0);
pub(super) static ENDED: AtomicU32 = AtomicU32::new(0);
/// The last of them could not be used: the spawner is to make a pause.
pub(super) static FAILED: AtomicBool = AtomicBool::new(false);
pub(super) static SPAWNER_TID: AtomicI32 = AtomicI32::new(0);
static SYSMON_TID: AtomicI32 = AtomicI32::new(0);
static WATCHER_TID: AtomicI32 = AtomicI32::new(0);
static THREADS: AtomicU32 = AtomicU32::new(0);
pub(super) static ERRAND: OnceLock<fn()> = OnceLock::new();
/// Makes a thread that is no M: true when it is there.
pub(super) static HELPER: OnceLock<fn() -> bool> = OnceLock::new();
pub(super) static CHORE: OnceLock<fn()> = OnceLock::new();

/// The spawner calls `start` after it has made the first M, and again until it says true: the system
/// may refuse the thread. One in a process.
pub(crate) fn have_made(start: fn() -> bool) {
    HELPER.get_or_init(|| start);
    wake_spawner();
}

/// After a request, without the lock.
pub(crate) fn wake_spawner() {
    ASKED.fetch_add(1, Relaxed);
    WANTED.wake();
}

/// Whether a thread is being made, or a P waits for one; and how many have been made. If the
/// first is true and the second does not change for long, the spawner waits for something:
/// perhaps for a lock of malloc or the C library that a preempted goroutine holds, or the system
/// refuses threads.
pub(crate) fn making() -> (bool, u32) {
    let making = ASKED.load(Relaxed) != DONE.load(Relaxed)
        || STARTING.load(Relaxed) != 0
        || waiting_ps::any();
    (making, UP.load(Relaxed))
}

/// The calling M's thread has started, and will not allocate before it has run a goroutine. True:
/// a P has waited for it, and the M has that P now. False: it is a spare, and sleeps like any
/// idle M.
pub(crate) fn thread_is_up(m: &'static M) -> bool {
    let sched = SCHED.lock();
    add(&STARTING, 1u32.wrapping_neg());
    add(&UP, 1);
    let p = waiting_ps::take_for(&sched, m);
    drop(sched);
    if p.is_some() {
        m.next_p.store(p, Relaxed);
        m.note.wake();
    }
    p.is_some()
}

/// The calling M's thread lacks something, and ends: as if it had been refused.
pub(crate) fn thread_failed(m: &'static M) {
    let sched = SCHED.lock();
    add(&STARTING, 1u32.wrapping_neg());
    sched.add_m(-1);
    m.end();
    drop(sched);
    let_go(m);
    FAILED.store(true, Relaxed);
    wake_spawner();
}

/// One more thread would be within the limit. Under the lock, or as a hint.
pub(crate) fn may_be_made() -> bool {
    threads() < SCHED.max_ms.load(Relaxed)
}

/// Ms that are up, or in the making. Under the lock.
pub(super) fn threads() -> u32 {
    SCHED
        .m_count
        .load(Relaxed)
        .wrapping_sub(waiting_ps::count())
}

/// The calling M's thread, which no goroutine needs, is about to end, and has given its P away.
/// False: a goroutine was sent to this M meanwhile. This is one hold of the lock. So either the
/// sender finds the M in the records and the M finds the goroutine, or neither happens. Go:
/// mexit.
pub(crate) fn leave_books(m: &'static M) -> bool {
    let sched = SCHED.lock();
    let leaves = m.affinity.queue.is_empty();
    if leaves {
        sched.add_m(-1);
        m.end();
    }
    drop(sched);
    leaves
}

/// The calling thread, which is a foreign thread now, does not touch its M again: another thread
/// may use it.
pub(crate) fn let_go(m: &'static M) {
    m.lost_timer.delete();
    m.tid.store(0, Relaxed);
    THREADS.fetch_sub(1, SeqCst); // pairs(deadlock): its exit will be seen by the watcher
    ENDED.fetch_add(1, Relaxed);
    m.let_go();
}

/// The calling thread is sysmon.
pub(crate) fn set_sysmon() {
    SYSMON_TID.store(gettid(), Relaxed);
    count_thread();
}

/// sysmon's; 0: there is none yet.
pub(crate) fn sysmon_tid() -> i32 {
    SYSMON_TID.load(Relaxed)
}

/// The calling thread is the watcher.
pub(crate) fn set_watcher() {
    WATCHER_TID.store(gettid(), Relaxed);
    count_thread();
}

/// A thread of the runtime has begun. Called by that thread.
pub(crate) fn count_thread() {
    THREADS.fetch_add(1, SeqCst); // pairs(deadlock)
}

/// Threads of the runtime that have begun and not ended.
pub(crate) fn thread_count() -> u32 {
    THREADS.load(SeqCst) // pairs(deadlock)
}

/// True for Ms and the runtime's helpers.
pub(crate) fn is_runtime_thread(tid: i32) -> bool {
    SPAWNER_TID.load(Relaxed) == tid
        || SYSMON_TID.load(Relaxed) == tid
        || WATCHER_TID.load(Relaxed) == tid
        || all_ms().any(|m| m.tid.load(Relaxed) == tid)
}

/// All of them, as far as they are known.
pub(crate) fn runtime_tids() -> Vec<i32> {
    let helpers = [&SPAWNER_TID, &SYSMON_TID, &WATCHER_TID].map(|tid| tid.load(Relaxed));
    let ms = all_ms().map(|m| m.tid.load(Relaxed));
    helpers.into_iter().chain(ms).collect()
}

/// The spawner runs `errand` once, at the first call: code that makes a thread must not run on a
/// thread that may be locked, or hold a P.
pub(crate) fn send_errand(errand: fn()) {
    if ERRAND.set(errand).is_ok() {
        wake_spawner();
    }
}

/// The spawner calls `chore` whenever it is woken.
pub(crate) fn set_chore(chore: fn()) {
    CHORE.get_or_init(|| chore);
}

//! The number of threads of the runtime, and how the spawner (`spawner.rs`) is asked for more.
//!
//! Go: proc.go mcount, mexit.
#![forbid(unsafe_code)]

use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU32};

use crate::core::base::owner_cell::OwnerCell;
use crate::core::m::machine::M;
use crate::core::sched::schedt::SCHED;
use crate::core::sys::note::Note;
use crate::ext::linux::tasks::gettid;
use crate::ext::threads::allm::all_ms;
use crate::ext::threads::waiting_ps;

/// What a new thread runs: handed over at start, so that nothing here points upwards.
pub(crate) type Entry = fn(&'static M);

/// What the spawner and those who ask it share.
#[derive(Debug)]
pub(super) struct Spawner {
    /// It sleeps here.
    pub(super) wanted: Note,
    /// Times that somebody has asked it to look, and how many of them it has seen to.
    pub(super) asked: AtomicU32,
    pub(super) done: OwnerCell<u32>,
    /// Threads started that are not up yet. Under the scheduler's lock.
    pub(super) starting: OwnerCell<u32>,
    /// Threads that are or were up, under the lock; and Ms that have ended.
    pub(super) up: OwnerCell<u32>,
    pub(super) ended: AtomicU32,
    /// The last of them could not be used: it is to make a pause.
    pub(super) failed: AtomicBool,
    /// What it does for somebody who cannot make a thread: true when it is done.
    pub(super) errand: OnceLock<fn() -> bool>,
    /// Makes a thread that is no M: true when it is there.
    pub(super) helper: OnceLock<fn() -> bool>,
    /// What it does whenever it is woken.
    pub(super) chore: OnceLock<fn()>,
}

pub(super) static SPAWNER: Spawner = Spawner {
    wanted: Note::new(),
    asked: AtomicU32::new(0),
    done: OwnerCell::zero(),
    starting: OwnerCell::zero(),
    up: OwnerCell::zero(),
    ended: AtomicU32::new(0),
    failed: AtomicBool::new(false),
    errand: OnceLock::new(),
    helper: OnceLock::new(),
    chore: OnceLock::new(),
};

/// The threads that are not Ms, by the kernel's number (0: none yet), and how many there are of all.
#[derive(Debug)]
struct Threads {
    spawner: OwnerCell<i32>,
    sysmon: OwnerCell<i32>,
    watcher: OwnerCell<i32>,
    trace_writer: OwnerCell<i32>,
    count: AtomicU32,
}

static THREADS: Threads = Threads {
    spawner: OwnerCell::zero(),
    sysmon: OwnerCell::zero(),
    watcher: OwnerCell::zero(),
    trace_writer: OwnerCell::zero(),
    count: AtomicU32::new(0),
};

/// The spawner calls `start` after it has made the first M, and again until it says true: the system
/// may refuse the thread. One in a process.
pub(crate) fn have_made(start: fn() -> bool) {
    SPAWNER.helper.get_or_init(|| start);
    wake_spawner();
}

/// After a request, without the lock.
pub(crate) fn wake_spawner() {
    SPAWNER.asked.fetch_add(1, Relaxed);
    SPAWNER.wanted.wake();
}

/// Whether a thread is being made, or a P waits for one; and how many have been made. If the
/// first is true and the second does not change for long, the spawner waits for something:
/// perhaps for a lock of malloc or the C library that a preempted goroutine holds, or the system
/// refuses threads.
pub(crate) fn making() -> (bool, u32) {
    let making = SPAWNER.asked.load(Relaxed) != SPAWNER.done.peek()
        || SPAWNER.starting.peek() != 0
        || waiting_ps::any();
    (making, SPAWNER.up.peek())
}

/// What a new thread is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum NewThread {
    /// A P has waited for it, and the M has that P now.
    HasP,
    /// Nothing yet: it is a spare, and sleeps like any idle M.
    Spare,
}

/// The calling M's thread has started, and will not allocate before it has run a goroutine.
pub(crate) fn thread_is_up(m: &'static M) -> NewThread {
    let sched = SCHED.lock();
    SPAWNER.starting.sub(1);
    SPAWNER.up.add(1);
    let p = waiting_ps::take_for(&sched, m);
    drop(sched);
    if p.is_none() {
        return NewThread::Spare;
    }
    m.next_p.set(p);
    m.note.wake();
    NewThread::HasP
}

/// The calling M's thread lacks something, and ends: as if it had been refused.
pub(crate) fn thread_failed(m: &'static M) {
    let sched = SCHED.lock();
    SPAWNER.starting.sub(1);
    sched.add_m(-1);
    m.end();
    drop(sched);
    let_go(m);
    SPAWNER.failed.store(true, Relaxed);
    wake_spawner();
}

/// One more thread would be within the limit. Under the lock, or as a hint.
pub(crate) fn may_be_made() -> bool {
    threads() < SCHED.max_ms.peek()
}

/// Ms that are up, or in the making. Under the lock.
pub(super) fn threads() -> u32 {
    SCHED.m_count.peek().wrapping_sub(waiting_ps::count())
}

/// The calling M's thread, which no goroutine needs, is about to end, and has given its P away.
/// Returns `false` if a goroutine was sent to this M meanwhile. This is one hold of the lock. So
/// either the sender finds the M in the records and the M finds the goroutine, or neither happens.
/// Go: mexit.
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
    m.tid.set(0);
    THREADS.count.fetch_sub(1, SeqCst); // pairs(deadlock): its exit will be seen by the watcher
    SPAWNER.ended.fetch_add(1, Relaxed);
    m.let_go();
}

/// The calling thread is the spawner.
pub(super) fn set_spawner() {
    THREADS.spawner.set(gettid());
    count_thread();
}

/// The calling thread is sysmon.
pub(crate) fn set_sysmon() {
    THREADS.sysmon.set(gettid());
    count_thread();
}

/// sysmon's; 0: there is none yet.
pub(crate) fn sysmon_tid() -> i32 {
    THREADS.sysmon.peek()
}

/// The calling thread is the watcher.
pub(crate) fn set_watcher() {
    THREADS.watcher.set(gettid());
    count_thread();
}

/// The calling thread writes a trace when the process dies (`ext/trace/death.rs`).
pub(crate) fn set_trace_writer() {
    THREADS.trace_writer.set(gettid());
    count_thread();
}

/// A thread of the runtime has begun. Called by that thread.
pub(crate) fn count_thread() {
    THREADS.count.fetch_add(1, SeqCst); // pairs(deadlock)
}

/// Threads of the runtime that have begun and not ended.
pub(crate) fn thread_count() -> u32 {
    THREADS.count.load(SeqCst) // pairs(deadlock)
}

/// True for Ms and the runtime's helpers.
pub(crate) fn is_runtime_thread(tid: i32) -> bool {
    THREADS.spawner.peek() == tid
        || THREADS.sysmon.peek() == tid
        || THREADS.watcher.peek() == tid
        || THREADS.trace_writer.peek() == tid
        || all_ms().any(|m| m.tid.peek() == tid)
}

/// All of them, as far as they are known.
pub(crate) fn runtime_tids() -> Vec<i32> {
    let helpers = [
        &THREADS.spawner,
        &THREADS.sysmon,
        &THREADS.watcher,
        &THREADS.trace_writer,
    ]
    .map(OwnerCell::peek);
    let ms = all_ms().map(|m| m.tid.peek());
    helpers.into_iter().chain(ms).collect()
}

/// The spawner runs `errand`, at the first call, and again until it is done: code that makes a thread must not
/// run on a thread that may be locked, or hold a P.
pub(crate) fn send_errand(errand: fn() -> bool) {
    if SPAWNER.errand.set(errand).is_ok() {
        wake_spawner();
    }
}

/// The spawner calls `chore` whenever it is woken.
pub(crate) fn set_chore(chore: fn()) {
    SPAWNER.chore.get_or_init(|| chore);
}

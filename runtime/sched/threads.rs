//! New Ms: made by a spawner thread that holds no P, ahead of need.
//!
//! A thread that runs goroutines may be locked, preempted in the middle of `malloc`, or hold
//! the only P: it must not create threads. So the spawner does, on request, and it keeps one
//! spare M parked, so that a P can be handed on without waiting for `clone`.
//!
//! Go: proc.go newm, templateThread; `preemption.md` R3.
#![forbid(unsafe_code)]

use std::ffi::CString;
use std::fmt::Write as _;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicI32, AtomicU32};

use crate::base::atomic_ref::AtomicRef;
use crate::g::context::DISTANCE;
use crate::m::machine::M;
use crate::p::processor::P;
use crate::sched::ms::{self, MAX_MS, all_ms, m_by_id};
use crate::sched::quit;
use crate::sched::state::{SCHED, add};
use crate::sys::berth::{self, Berths};
use crate::sys::clock::nanotime;
use crate::sys::fatal::{RawStderr, fatal};
use crate::sys::helper;
use crate::sys::note::Note;
use crate::sys::thread::gettid;
use crate::sys::tlssize::taken_by_libc;

/// The stack of an M for which there is no berth: room for the loop and for user code that runs
/// on it (destructors of thread-locals), below the part that is left free.
const M_STACK: usize = DISTANCE + (1 << 20);
/// It may write a report of all goroutines.
const SPAWNER_STACK: usize = 64 << 10;

/// What a new thread runs: handed over at start, so that nothing here points upwards.
pub(crate) type Entry = fn(&'static M);

static ENTRY: OnceLock<Entry> = OnceLock::new();
static WANTED: Note = Note::new();
/// Times that somebody has asked the spawner to look, and how many of them it has seen to.
static ASKED: AtomicU32 = AtomicU32::new(0);
static DONE: AtomicU32 = AtomicU32::new(0);
/// Threads started that are not up yet; those of them that will be spares. Under the
/// scheduler's lock.
static STARTING: AtomicU32 = AtomicU32::new(0);
static SPARES_COMING: AtomicU32 = AtomicU32::new(0);
/// Threads that are or were up; and Ms that have ended.
static UP: AtomicU32 = AtomicU32::new(0);
static ENDED: AtomicU32 = AtomicU32::new(0);
/// Ps that wait for a new M, through `idle_link`; under the scheduler's lock.
static WAITING_PS: AtomicRef<P> = AtomicRef::none();
static SPAWNER_TID: AtomicI32 = AtomicI32::new(0);
static SYSMON_TID: AtomicI32 = AtomicI32::new(0);
static WATCHER_TID: AtomicI32 = AtomicI32::new(0);
static THREADS: AtomicU32 = AtomicU32::new(0);
static ERRAND: OnceLock<fn()> = OnceLock::new();
static CHORE: OnceLock<fn()> = OnceLock::new();

/// Starts the spawner. Once.
pub(crate) fn start_spawner(entry: Entry) {
    ENTRY.get_or_init(|| entry);
    if let Err(e) = helper::start("gosched-spawner", SPAWNER_STACK, spawner) {
        fatal!("failed to create the runtime's first thread: {e}");
    }
    WANTED.wake();
}

/// A P waits for an M that does not exist yet. The scheduler's lock is held.
pub(crate) fn request_locked(p: &'static P, spinning: bool) {
    add(&SCHED.m_count, 1);
    p.wake_spinning.store(spinning, Relaxed);
    p.idle_link.store(WAITING_PS.load(Relaxed), Relaxed);
    WAITING_PS.store(Some(p), Relaxed);
}

/// After a request, without the lock.
pub(crate) fn wake_spawner() {
    ASKED.fetch_add(1, Relaxed);
    WANTED.wake();
}

/// A thread is being made; and how many have been. Whoever sees the first true and the second
/// unchanged for long knows that the maker waits for something: it may be a lock of malloc's or
/// the C library's, in the hands of a preempted goroutine.
pub(crate) fn making() -> (bool, u32) {
    let making = ASKED.load(Relaxed) != DONE.load(Relaxed) || STARTING.load(Relaxed) != 0;
    (making, UP.load(Relaxed))
}

/// The calling M's thread is up, and will not allocate before it has run a goroutine. True: a
/// P waits for it, in its hand. False: it is a spare, and to sleep like any idle M.
pub(crate) fn thread_is_up(m: &'static M) -> bool {
    SCHED.lock.lock();
    add(&STARTING, 1u32.wrapping_neg());
    add(&UP, 1);
    let mut has_p = m.next_p.load(Relaxed).is_some();
    if !has_p {
        add(&SPARES_COMING, 1u32.wrapping_neg());
        if let Some(p) = next_waiting_p() {
            add(&SCHED.m_count, 1u32.wrapping_neg()); // the one that is not needed now
            give_first_p(m, p);
            has_p = true;
        }
    }
    SCHED.lock.unlock();
    has_p
}

fn give_first_p(m: &M, p: &'static P) {
    m.spinning.store(p.wake_spinning.load(Relaxed), Relaxed);
    m.next_p.store(Some(p), Relaxed);
    m.note.wake();
}

/// A P that waits for an M. Under the lock.
fn next_waiting_p() -> Option<&'static P> {
    let p = WAITING_PS.load(Relaxed)?;
    WAITING_PS.store(p.idle_link.take_relaxed(), Relaxed);
    Some(p)
}

/// The calling M's thread is about to end, and has given its P away. Go: mexit.
pub(crate) fn forget_m(m: &'static M) {
    SCHED.lock.lock();
    add(&SCHED.m_count, 1u32.wrapping_neg());
    SCHED.lock.unlock();
    m.tid.store(0, Relaxed);
    THREADS.fetch_sub(1, SeqCst); // pairs(deadlock): its exit will be seen by the watcher
    ms::set_m(m.id, None);
    ENDED.fetch_add(1, Relaxed);
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

/// A thread of the runtime has begun. By that thread.
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

/// Has the spawner run `errand` once, at the first call: what makes a thread must not run on a
/// thread that may be locked, or hold a P.
pub(crate) fn send_errand(errand: fn()) {
    if ERRAND.set(errand).is_ok() {
        wake_spawner();
    }
}

/// Has the spawner call `chore` whenever it is woken.
pub(crate) fn set_chore(chore: fn()) {
    CHORE.get_or_init(|| chore);
}

/// The spawner's life.
fn spawner() {
    SPAWNER_TID.store(gettid(), Relaxed);
    count_thread();
    let mut errand_due = true;
    let mut berths = Berths::new();
    loop {
        WANTED.sleep();
        let asked = ASKED.load(Relaxed);
        quit::answer();
        if errand_due && let Some(errand) = ERRAND.get() {
            errand_due = false;
            errand();
        }
        if let Some(chore) = CHORE.get() {
            chore();
        }
        while let Some(request) = next_request() {
            start(request, &mut berths);
        }
        DONE.store(asked, Relaxed);
    }
}

enum Request {
    /// An M for this P.
    For(&'static P),
    /// An M that parks as soon as it is up: the spare.
    Spare,
}

fn next_request() -> Option<Request> {
    SCHED.lock.lock();
    let request = match next_waiting_p() {
        Some(p) => Some(Request::For(p)),
        None if wants_spare() => {
            add(&SCHED.m_count, 1);
            add(&SPARES_COMING, 1);
            Some(Request::Spare)
        }
        None => None,
    };
    if request.is_some() {
        add(&STARTING, 1);
    }
    SCHED.lock.unlock();
    request
}

fn wants_spare() -> bool {
    SCHED.wants_spare()
        && SPARES_COMING.load(Relaxed) == 0
        && SCHED.m_count.load(Relaxed) < SCHED.max_ms.load(Relaxed)
}

fn start(request: Request, berths: &mut Berths) {
    let limit = SCHED.max_ms.load(Relaxed);
    let free = (0..MAX_MS as u32).find(|&id| m_by_id(id).is_none());
    let Some(id) = free.filter(|_| SCHED.m_count.load(Relaxed) <= limit) else {
        let _ = writeln!(RawStderr, "runtime: program exceeds {limit}-thread limit");
        fatal!("thread exhaustion");
    };
    let seed = nanotime() ^ u64::from(id).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let m: &'static M = Box::leak(Box::new(M::new(id, seed)));
    ms::set_m(id, Some(m));
    if let Request::For(p) = request {
        give_first_p(m, p);
    }
    let Some(&entry) = ENTRY.get() else {
        fatal!("an M was started before the runtime");
    };
    let name = format!("gosched-m{id}");
    if let Err(e) = start_in_berth(m, entry, &name, berths)
        .unwrap_or_else(|| start_anywhere(m, entry, name))
    {
        fatal!("failed to create new OS thread (have {id} already): {e}");
    }
}

/// `None`: there is no berth to be had.
fn start_in_berth(
    m: &'static M,
    entry: Entry,
    name: &str,
    berths: &mut Berths,
) -> Option<io::Result<()>> {
    if berths.collected() < ENDED.load(Relaxed) {
        berths.collect();
    }
    let name = CString::new(name).ok()?;
    m.window.above.store(berth::ABOVE, Relaxed);
    let started = berths.start(&name, entry, m);
    if started.is_none() {
        m.window.above.store(0, Relaxed);
    }
    Some(started?.map_err(io::Error::from_raw_os_error))
}

/// Where the C library puts threads, with whatever else around.
fn start_anywhere(m: &'static M, entry: Entry, name: String) -> io::Result<()> {
    std::thread::Builder::new()
        .name(name)
        .stack_size(M_STACK + taken_by_libc())
        .spawn(move || entry(m))
        .map(drop)
}

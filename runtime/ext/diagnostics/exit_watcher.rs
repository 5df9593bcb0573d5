//! The exit watcher: a thread that waits until foreign threads end, when nothing else could still
//! wake a goroutine.
//!
//! An unknown thread may wake a goroutine, so it prevents the deadlock report. If it ended
//! without doing so, no thread would notice. The exit watcher notices; it starts when the first
//! report was prevented. It watches *one* awake thread, the oldest, as long as that thread lives
//! and is awake. Then it checks for a deadlock again, and chooses another thread. So it holds two
//! descriptors, other threads that come and go cost nothing, and an idle process stays idle. It
//! pauses between choices, so that choosing takes at most a hundredth of a CPU; the check itself
//! is never delayed. Before Linux 6.9, or without a descriptor, it has to poll, in the end once a
//! second. `core/sched/README.md#deadlock` has the proof; the word in `watched.rs` has the models.
//! That the first thread has ended is set once, by the watcher alone, and read by its own next look
//! or by a check that the watcher repeats: there is no second word to be ordered with.
#![forbid(unsafe_code)]

use std::io;
use std::os::fd::OwnedFd;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::g::goroutine::G;
use crate::core::sys::clock::{Nanos, nanotime};
use crate::ext::allgs;
use crate::ext::diagnostics::watched::{Ring, Watched};
use crate::ext::linux::cpu_time::thread_cpu_time;
use crate::ext::linux::helper;
use crate::ext::linux::pidfd::{Bell, open_thread};
use crate::ext::linux::tasks::{find_thread, gettid, is_zombie, nanosleep};
use crate::ext::plain_threads::foreign::{is_asleep, tid_of};
use crate::ext::threads::runtime_threads::{self, is_runtime_thread};

static WATCHED: Watched = Watched::nobody();
static BELL: OnceLock<Bell> = OnceLock::new();
static CHECK: OnceLock<fn() -> Found> = OnceLock::new();
/// The process's first thread has ended. The kernel counts it as long as the process lives.
static FIRST_HAS_ENDED: AtomicBool = AtomicBool::new(false);

/// For each second of CPU time that choosing took, so many pass without it.
const REST: Nanos = 100;
/// The pause between two looks when no thread can be watched: at first, and in the end.
const BLIND: Nanos = 1_000_000;
const LONGEST: Nanos = 1_000_000_000;
/// The same, in milliseconds, when it is the process's first thread that is watched: newer kernels
/// (6.15) do not tell its end before all others have ended.
const FIRST: i32 = 1_000;
const FIRST_LONGEST: i32 = 64_000;

/// What the deadlock check saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A thread of the runtime will still run by itself, or no main goroutine is waited for.
    NoDeadlock,
    /// There would be a deadlock, but an unknown thread may still act.
    Prevented,
    /// There is a deadlock.
    Deadlock,
}

/// The report was prevented: sees to it that `check` is called when that can be over.
pub(crate) fn watch(check: fn() -> Found) {
    if WATCHED.ask() == Ring::Yes {
        match BELL.get() {
            Some(bell) => bell.ring(),
            None => {
                CHECK.get_or_init(|| check);
                runtime_threads::send_errand(start);
            }
        }
    }
}

/// How many threads the kernel counts too many.
pub(crate) fn ended_but_counted() -> u32 {
    u32::from(FIRST_HAS_ENDED.load(Relaxed))
}

/// The foreign thread that has `g`, the calling one, is marked as asleep.
pub(crate) fn falls_asleep(g: &G) {
    leaves(tid_of(g));
}

/// The calling thread is known as one of the runtime's now.
pub(crate) fn is_ours() {
    leaves(gettid());
}

fn leaves(tid: i32) {
    if WATCHED.leaves(tid.cast_unsigned()) == Ring::Yes
        && let Some(bell) = BELL.get()
    {
        bell.ring();
    }
}

/// On the spawner's thread: is it there? As long as its thread is refused, the spawner looks in its place, as often
/// as it tries.
fn start() -> bool {
    BELL.get_or_init(Bell::new);
    let started = helper::start(c"gosched-watcher", 128 << 10, watcher).is_ok();
    if !started && let Some(check) = CHECK.get() {
        check();
    }
    started
}

fn watcher(_: &'static ()) {
    let bell = BELL.get_or_init(Bell::new);
    runtime_threads::set_watcher();
    let me = gettid();
    let mut blind = BLIND;
    let mut first = FIRST;
    let mut rest_until: Nanos = 0;
    loop {
        bell.silence(); // whoever rang until now is answered by the look that follows
        WATCHED.look();
        let found = CHECK.get().map_or(Found::NoDeadlock, |check| check());
        if found != Found::Prevented {
            if WATCHED.rest() {
                bell.wait_alone();
            }
            blind = BLIND;
            continue;
        }
        nanosleep(rest_until.saturating_sub(nanotime()));
        let before = thread_cpu_time(me).unwrap_or(0);
        let chosen = choose();
        let took = thread_cpu_time(me).unwrap_or(0).saturating_sub(before);
        rest_until = nanotime() + (took * REST).min(LONGEST);
        if let Ok(Some((tid, fd))) = chosen {
            blind = BLIND;
            WATCHED.hold(tid.cast_unsigned());
            if is_awake(tid) {
                let is_first = tid == first_tid();
                bell.wait(&fd, is_first.then_some(first));
                first = if is_first {
                    (first * 2).min(FIRST_LONGEST)
                } else {
                    FIRST
                };
            }
        } else {
            // Nobody there that is awake: one comes or goes just now. Or we cannot know.
            nanosleep(blind);
            blind = (blind * 2).min(LONGEST);
        }
    }
}

/// The kernel's id of the process's first thread.
fn first_tid() -> i32 {
    std::process::id().cast_signed()
}

/// The oldest thread that is not the runtime's and awake: it will rather live on than a younger
/// one. The process's first one only if there is no other.
fn choose() -> io::Result<Option<(i32, OwnedFd)>> {
    let mut known = runtime_threads::runtime_tids();
    allgs::for_each_thread(|g| known.extend(is_asleep(g).then(|| tid_of(g))));
    known.sort_unstable();
    let first_is_awake = !FIRST_HAS_ENDED.load(Relaxed) && !known.contains(&first_tid());
    if first_is_awake && is_zombie(first_tid()) {
        FIRST_HAS_ENDED.store(true, Relaxed); // that may be all: the check knows now
        return Ok(None);
    }
    let mut opened = Ok(None);
    let mut open = |tid| {
        opened = match open_thread(tid) {
            Ok(fd) => Ok(Some((tid, fd))),
            Err(e) if e.raw_os_error() == Some(libc::ESRCH) => return false, // it has just ended
            Err(e) => Err(e),
        };
        true
    };
    let found = find_thread(|tid| {
        tid != first_tid() && known.binary_search(&tid).is_err() && open(tid)
    })?;
    if found.is_none() && first_is_awake {
        open(first_tid());
    }
    opened
}

/// Once it is named as the one that is watched: may it be?
fn is_awake(tid: i32) -> bool {
    let mut asleep = is_runtime_thread(tid);
    allgs::for_each_thread(|g| asleep |= tid_of(g) == tid && is_asleep(g));
    !asleep
}

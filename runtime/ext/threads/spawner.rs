//! The spawner: a thread that holds no P and makes the other threads before they are needed.
//!
//! A thread that runs goroutines may be locked, may be preempted in the middle of `malloc`, or
//! may hold the only P, so it must not create threads. The spawner creates them, on request. It
//! keeps one spare M parked, so that a P can be handed over without waiting for `clone`.
//!
//! The system may refuse a thread (`core/sched/README.md#refused`): then the program continues
//! with the threads that it has, and the spawner asks again, with growing pauses.
//!
//! Go: proc.go newm, templateThread; `preemption.md` R3.
#![forbid(unsafe_code)]

use std::ffi::{CStr, CString};
use std::fmt::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::hooks;
use crate::core::m::machine::M;
use crate::core::sched::schedt::SCHED;
use crate::core::sys::clock::{Nanos, nanotime};
use crate::core::sys::fatal::{RawStderr, begin_death, fatal, throw_begun};
use crate::ext::linux::helper;
use crate::ext::linux::limits;
use crate::ext::linux::memory::Errno;
use crate::ext::linux::thread_stack::{self, ThreadStacks};
use crate::ext::threads::allm;
use crate::ext::threads::distance::DISTANCE;
use crate::ext::threads::refused::{Refused, patiently};
use crate::ext::threads::runtime_threads::{Entry, SPAWNER, may_be_made, set_spawner, threads};
use crate::ext::threads::waiting_ps;

/// The stack of an M for which there is no thread stack: room for the loop and for user code that runs
/// on it (destructors of thread-locals), below the part that is left free.
const M_STACK: usize = DISTANCE + (1 << 20);
/// Of the spawner itself, which may write a report of all goroutines.
const STACK: usize = 64 << 10;

/// Functions that the spawner calls for other layers. They are handed over as values, for the
/// same reason.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Duties {
    pub(crate) entry: Entry,
    /// A thread that was counted will not come: checks whether any thread can still act.
    pub(crate) check_if_last: fn(),
    /// Tries to get stacks for goroutines that wait for one; returns when to be called again.
    pub(crate) stacks: fn(&mut Refused) -> Option<Nanos>,
    /// Threads are refused: finds an M, among the existing ones, for a P that waits for one.
    pub(crate) serve: fn(),
}

static DUTIES: OnceLock<Duties> = OnceLock::new();

/// Starts the spawner. Once.
pub(crate) fn start(duties: Duties) {
    DUTIES.get_or_init(|| duties);
    if let Err(e) = patiently(|| helper::start(c"gosched-spawner", STACK, spawner)) {
        fatal!("failed to create the runtime's first thread: {}", words(e));
    }
    SPAWNER.wanted.wake();
}

fn words(errno: Errno) -> std::io::Error {
    std::io::Error::from_raw_os_error(errno)
}

/// The spawner's loop.
fn spawner(_: &'static ()) {
    set_spawner();
    let Some(duties) = DUTIES.get() else {
        fatal!("the spawner was started before the runtime");
    };
    let mut errand = Job::new();
    let mut maker = Maker::new(duties);
    let mut helper = Job::new();
    let mut stacks = Refused::not();
    let mut next_look = None;
    loop {
        SPAWNER.wanted.sleep_until(next_look);
        let asked = SPAWNER.asked.load(Relaxed);
        hooks::answer();
        errand.see_to(SPAWNER.errand.get());
        if let Some(chore) = SPAWNER.chore.get() {
            chore();
        }
        maker.make_threads();
        helper.see_to(SPAWNER.helper.get());
        let stacks_again = (duties.stacks)(&mut stacks);
        let refused = [&errand.refused, &helper.refused, &maker.refused];
        let looks = refused
            .map(Refused::again)
            .into_iter()
            .chain([stacks_again]);
        next_look = looks.flatten().min();
        SPAWNER.done.set(asked);
    }
}

/// Starts a thread of the runtime, sysmon or the exit watcher, some time. As long as it is refused, the runtime
/// runs without it.
struct Job {
    done: bool,
    refused: Refused,
}

impl Job {
    const fn new() -> Job {
        Job {
            done: false,
            refused: Refused::not(),
        }
    }

    fn see_to(&mut self, start: Option<&fn() -> bool>) {
        let Some(start) = start.filter(|_| !self.done && !self.refused.is_early()) else {
            return;
        };
        self.done = start();
        if self.done {
            self.refused.settle();
        } else {
            self.refused.once_more();
        }
    }
}

/// What makes Ms. The spawner's.
struct Maker {
    duties: &'static Duties,
    thread_stacks: ThreadStacks,
    /// An M whose thread was refused: the next to start.
    ready: Option<&'static M>,
    refused: Refused,
    said: bool,
}

impl Maker {
    fn new(duties: &'static Duties) -> Maker {
        Maker {
            duties,
            thread_stacks: ThreadStacks::new(),
            ready: None,
            refused: Refused::not(),
            said: false,
        }
    }

    /// Makes as many threads as are wanted and as the system allows.
    fn make_threads(&mut self) {
        if SPAWNER.failed.swap(false, Relaxed) {
            self.was_refused(libc::EAGAIN);
        }
        while !self.refused.is_early() {
            if !count_if_wanted() {
                self.refused.settle();
                break;
            }
            match self.start() {
                Ok(()) => self.refused.settle(),
                Err(errno) => {
                    let sched = SCHED.lock();
                    SPAWNER.starting.sub(1);
                    sched.add_m(-1);
                    drop(sched);
                    self.was_refused(errno);
                }
            }
        }
        if waiting_ps::any() && self.refused.is_early() {
            (self.duties.serve)();
        }
    }

    fn start(&mut self) -> Result<(), Errno> {
        if SPAWNER.up.get() != 0 && !has_room() {
            return Err(libc::EAGAIN);
        }
        let m = self.ready.take().unwrap_or_else(new_m);
        let name = format!("gosched-m{}", m.id);
        let name = CString::new(name).unwrap_or_default();
        let entry = self.duties.entry;
        let started = start_on_own_stack(m, entry, &name, &mut self.thread_stacks)
            .unwrap_or_else(|| thread_stack::start_anywhere(&name, M_STACK, entry, m));
        if started.is_err() {
            self.ready = Some(m);
        }
        started
    }

    /// The program continues with the Ms that exist.
    fn was_refused(&mut self, errno: Errno) {
        self.refused.once_more();
        (self.duties.serve)();
        (self.duties.check_if_last)(); // a thread less is awake than somebody thought
        if !self.refused.is_hopeless() || !waiting_ps::any() {
            return;
        }
        let sched = SCHED.lock();
        let have = threads();
        let stuck = waiting_ps::any() && SCHED.ms_awake() == waiting_ps::count();
        drop(sched);
        let e = words(errno);
        if stuck {
            fatal!("failed to create new OS thread (have {have} already): {e}");
        }
        if !self.said {
            self.said = true;
            // Nobody is left to hear that stderr is closed.
            let _ = writeln!(
                RawStderr,
                "gosched: failed to create new OS thread, going on with {have}: {e}"
            );
        }
    }
}

/// The last part of a limit is left to malloc, which ends the process without it. The first M
/// takes what it can.
fn has_room() -> bool {
    let limits = [limits::address_space(), limits::writable()];
    limits
        .into_iter()
        .flatten()
        .all(|allowance| allowance.allows(M_STACK))
}

/// Counts one more thread if one is wanted; returns whether.
fn count_if_wanted() -> bool {
    let sched = SCHED.lock();
    let (starting, waiting) = (SPAWNER.starting.get(), waiting_ps::count());
    let wanted =
        starting < waiting || starting == waiting && SCHED.wants_spare() && may_be_made();
    if wanted {
        sched.add_m(1);
        SPAWNER.starting.add(1);
    }
    drop(sched);
    wanted
}

/// An M for a new thread.
fn new_m() -> &'static M {
    let limit = SCHED.max_ms.peek();
    let allowed = threads() <= limit;
    let Some(m) = allowed.then(|| allm::new_m(nanotime())).flatten() else {
        begin_death();
        let _ = writeln!(RawStderr, "runtime: program exceeds {limit}-thread limit");
        throw_begun(format_args!("thread exhaustion"));
    };
    m
}

/// `None`: there is no thread stack to be had.
fn start_on_own_stack(
    m: &'static M,
    entry: Entry,
    name: &CStr,
    thread_stacks: &mut ThreadStacks,
) -> Option<Result<(), Errno>> {
    if thread_stacks.collected() < SPAWNER.ended.load(Relaxed) {
        thread_stacks.collect();
    }
    m.tls_ranges.above.store(thread_stack::ABOVE, Relaxed);
    let started = thread_stacks.start(name, entry, m);
    if started.is_none() {
        m.tls_ranges.above.store(0, Relaxed);
    }
    started
}

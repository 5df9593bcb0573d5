//! The start of the runtime: Ps, spawner, fault handlers. This happens once in a process and is
//! never undone.
//!
//! Go: proc.go schedinit.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::sync::{Mutex, PoisonError};

use crate::core::hooks;
use crate::core::p::processor::{P, PStatus};
use crate::core::sched::allm::MAX_MS;
use crate::core::sched::idle::{check_if_last, make_steal_order};
use crate::core::sched::refused::patiently;
use crate::core::sched::schedt::SCHED;
use crate::core::sched::spawner::{self, Duties};
use crate::core::sched::starved;
use crate::core::sched::threads::Entry;
use crate::core::stackalloc::cache::StackCache;
use crate::core::stackalloc::depot;
use crate::core::stackalloc::quota;
use crate::core::stackalloc::{Class, StackError};
use crate::core::sys::clock::{nanotime, set_coarse};
use crate::core::sys::limits;

/// What the first `run` of the process fixes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// `None`: as many as CPUs can be used.
    pub(crate) procs: Option<u32>,
    pub(crate) class: Class,
    /// Of the goroutines that are a `run`'s main.
    pub(crate) main_class: Class,
    pub(crate) max_threads: u32,
    pub(crate) extras: hooks::Settings,
}

/// Held by the thread that starts the runtime. It is std's mutex, as our own mutex needs a
/// runtime.
static STARTING: Mutex<()> = Mutex::new(());
static CLASS: AtomicU8 = AtomicU8::new(Class::DEFAULT.number() as u8);
static MAIN_CLASS: AtomicU8 = AtomicU8::new(Class::DEFAULT.number() as u8);

/// Starts the runtime, if it has not been; calls `before` first. `entry` is what each M runs.
///
/// # Errors
/// There can be no stacks of this size: nothing has been started, and the next `run` may bring
/// other settings.
pub(crate) fn start(
    s: Settings,
    entry: Entry,
    before: impl FnOnce(),
) -> Result<(), StackError> {
    let _one = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if SCHED.is_started() {
        return Ok(());
    }
    CLASS.store(s.class.number() as u8, Relaxed);
    limits::restrain_malloc();
    hooks::configure(&s.extras);
    patiently(|| depot::warm_up(s.class))?;
    before();
    let main_class = match depot::warm_up(s.main_class) {
        Ok(()) => s.main_class,
        Err(_) => s.class, // little address space (`ulimit -v`): do without
    };
    MAIN_CLASS.store(main_class.number() as u8, Relaxed);
    SCHED
        .max_ms
        .store(s.max_threads.min(MAX_MS as u32), Relaxed);
    hooks::runtime_starts(&s.extras);
    let n = s.procs.unwrap_or_else(|| hooks::procs_at_start(&s.extras));
    make_steal_order(n);
    make_ps(n, s.class);
    SCHED.set_procs(n);
    hooks::ps_are_made(&s.extras);
    let sched = SCHED.lock();
    for i in (0..n as usize).rev() {
        if let Some(p) = SCHED.p(i) {
            p.set_status(PStatus::Idle);
            SCHED.idle.add_idle();
            sched.push_idle_p(p);
        }
    }
    drop(sched);
    set_coarse(nanotime());
    spawner::start(Duties {
        entry,
        check_if_last,
        stacks: starved::see_to,
        serve: hooks::serve_refused,
    });
    hooks::runtime_has_started(&s.extras);
    SCHED.started.store(true, Release); // pairs(started): is_started
    Ok(())
}

/// Has a `run` started the runtime?
pub(crate) fn is_started() -> bool {
    SCHED.is_started()
}

/// Makes the Ps up to `n` that there have not been yet.
pub(crate) fn make_ps(n: u32, class: Class) {
    quota::set_kept(n as usize * StackCache::CAP);
    for i in 0..n {
        if SCHED.p(i as usize).is_none() {
            SCHED.set_p(i as usize, Box::leak(Box::new(P::new(i, class))));
        }
    }
}

/// # Panics
/// Before the first `run`.
#[inline]
#[track_caller]
pub(crate) fn assert_started() {
    if !SCHED.is_started() {
        not_started();
    }
}

#[cold]
#[track_caller]
fn not_started() -> ! {
    panic!(
        "the gosched runtime has not been started: enter it with \
         `unsafe {{ gosched::run(|| ...) }}` first"
    );
}

/// The stack class of goroutines that do not ask for one.
#[inline]
pub(crate) fn default_class() -> Class {
    Class::from_number(usize::from(CLASS.load(Relaxed)))
}

/// The stack class of a `run`'s main goroutine.
pub(crate) fn main_class() -> Class {
    Class::from_number(usize::from(MAIN_CLASS.load(Relaxed)))
}

//! The runtime's first breath: Ps, spawner, fault handlers. Once per process, never undone.
//!
//! Go: proc.go schedinit.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::sync::{Mutex, PoisonError};

use crate::core::m::enter::set_stops;
use crate::core::p::processor::PStatus;
use crate::core::sched::allm::MAX_MS;
use crate::core::sched::idle::{check_if_last, make_steal_order};
use crate::core::sched::refused::patiently;
use crate::core::sched::schedt::SCHED;
use crate::core::sched::spawner::{self, Duties};
use crate::core::sched::starved;
use crate::core::sched::threads::{self, Entry};
use crate::core::stackalloc::depot;
use crate::core::stackalloc::start_guards_at;
use crate::core::stackalloc::{Class, StackError};
use crate::core::sys::clock::{nanotime, set_coarse};
use crate::core::sys::errno::Named;
use crate::core::sys::fatal::fatal;
use crate::core::sys::limits;
use crate::ext::diagnostics::deadlock;
use crate::ext::diagnostics::schedtrace;
use crate::ext::diagnostics::sigquit;
use crate::ext::growth::overflow;
use crate::ext::linux::inherited;
use crate::ext::linux::membarrier;
use crate::ext::placement::locked_thread;
use crate::ext::preempt::preempt_signal;
use crate::ext::preempt::sysmon::{self, DEFAULT_SLICE};
use crate::ext::settings::config::{self, Debug};
use crate::ext::settings::default_procs;
use crate::ext::thread_locals::tls_guard;
use crate::ext::world::stop_world::make_ps;

/// What the first `run` of the process fixes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// `None`: as many as CPUs can be used.
    pub(crate) procs: Option<u32>,
    pub(crate) class: Class,
    /// Of the goroutines that are a `run`'s main.
    pub(crate) main_class: Class,
    pub(crate) max_threads: u32,
    pub(crate) async_preempt: bool,
    pub(crate) debug: Debug,
    pub(crate) overflow_ending: overflow::Ending,
    pub(crate) tls_guard: bool,
}

/// Held by whoever starts the runtime. std's: our own need a runtime.
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
    if let Some(step) = s.debug.stack_guard {
        start_guards_at(step);
    }
    schedtrace::configure(s.debug.sched_trace, s.debug.sched_detail);
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
    if let Err(e) = overflow::install_handlers(deadlock::describe_owner, s.overflow_ending) {
        fatal!("cannot catch stack overflows: {e:?}");
    }
    if let Err(e) = sigquit::install(threads::wake_spawner) {
        fatal!("cannot catch SIGQUIT: {e}");
    }
    preempt_signal::set_valve(!s.debug.valve_off);
    set_stops(preempt_signal::AT_DOOR);
    config::set_steady(s.debug.steady);
    if !s.tls_guard {
        tls_guard::switch_off();
    }
    if s.async_preempt
        && !s.debug.steady
        && let Err(e) = preempt_signal::install()
    {
        fatal!("cannot catch SIGURG: {e}");
    }
    match membarrier::register() {
        Ok(()) => (),
        Err(errno @ (libc::ENOSYS | libc::EINVAL)) => fatal!(
            "this kernel has no expedited membarrier (Linux 4.14), which gosched needs: {}",
            Named(errno)
        ),
        Err(errno) => fatal!(
            "the system refuses membarrier, which gosched needs: {}; a seccomp filter?",
            Named(errno)
        ),
    }
    let n = s.procs;
    let n = n.unwrap_or_else(|| default_procs::at_start(!s.debug.fixed_procs));
    make_steal_order(n);
    make_ps(n, s.class);
    SCHED.set_procs(n);
    SCHED
        .ps()
        .for_each(|p| p.schedtick.store(s.debug.sched_tick, Relaxed));
    SCHED.lock.lock();
    for i in (0..n as usize).rev() {
        if let Some(p) = SCHED.p(i) {
            p.set_status(PStatus::Idle);
            SCHED.idle.add_idle();
            SCHED.push_idle_p(p);
        }
    }
    SCHED.lock.unlock();
    set_coarse(nanotime());
    inherited::remember_signals();
    spawner::start(Duties {
        entry,
        check_if_last,
        stacks: starved::see_to,
        serve: locked_thread::serve_refused,
    });
    sysmon::start(s.debug.slice.unwrap_or(DEFAULT_SLICE));
    SCHED.started.store(true, Release); // pairs(started): is_started
    Ok(())
}

/// Has a `run` started the runtime?
pub(crate) fn is_started() -> bool {
    SCHED.is_started()
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

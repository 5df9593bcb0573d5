//! The runtime's first breath: Ps, spawner, fault handlers. Once per process, never undone.
//!
//! Go: proc.go schedinit.
#![forbid(unsafe_code)]

use std::sync::Once;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::{Relaxed, Release};

use crate::m::enter::set_stops;
use crate::p::processor::PStatus;
use crate::sched::config::{self, Debug};
use crate::sched::deadlock;
use crate::sched::idle::{check_if_last, make_steal_order};
use crate::sched::locked;
use crate::sched::ms::MAX_MS;
use crate::sched::preempt;
use crate::sched::procs;
use crate::sched::quit;
use crate::sched::refused::patiently;
use crate::sched::schedtrace;
use crate::sched::spawner::{self, Duties};
use crate::sched::starved;
use crate::sched::state::SCHED;
use crate::sched::sysmon::{self, DEFAULT_SLICE};
use crate::sched::threads::{self, Entry};
use crate::sched::tlsguard;
use crate::sched::world::make_ps;
use crate::stacks::{Class, depot, overflow, start_guards_at};
use crate::sys::allowance;
use crate::sys::clock::{nanotime, set_coarse};
use crate::sys::errno::Named;
use crate::sys::fatal::fatal;
use crate::sys::inherited;
use crate::sys::membarrier;

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

static STARTED: Once = Once::new();
static CLASS: AtomicU8 = AtomicU8::new(Class::DEFAULT.number() as u8);
static MAIN_CLASS: AtomicU8 = AtomicU8::new(Class::DEFAULT.number() as u8);

/// Starts the runtime, if it has not been. `entry` is what each M runs.
pub(crate) fn start(settings: impl FnOnce() -> Settings, entry: Entry) {
    // Forced: settings that panicked have changed nothing, and the next `run` may bring others.
    STARTED.call_once_force(|_| {
        let s = settings();
        CLASS.store(s.class.number() as u8, Relaxed);
        allowance::restrain_malloc();
        if let Some(step) = s.debug.stack_guard {
            start_guards_at(step);
        }
        schedtrace::configure(s.debug.sched_trace, s.debug.sched_detail);
        if let Err(e) = patiently(|| depot::warm_up(s.class)) {
            panic!("{e}");
        }
        let main_class = match depot::warm_up(s.main_class) {
            Ok(()) => s.main_class,
            Err(_) => s.class, // little address space (`ulimit -v`): do without
        };
        MAIN_CLASS.store(main_class.number() as u8, Relaxed);
        SCHED
            .max_ms
            .store(s.max_threads.min(MAX_MS as u32), Relaxed);
        if let Err(e) = overflow::install_handlers(deadlock::describe_owner, s.overflow_ending)
        {
            fatal!("cannot catch stack overflows: {e:?}");
        }
        if let Err(e) = quit::install(threads::wake_spawner) {
            fatal!("cannot catch SIGQUIT: {e}");
        }
        preempt::set_valve(!s.debug.valve_off);
        set_stops(preempt::AT_DOOR);
        config::set_steady(s.debug.steady);
        if !s.tls_guard {
            tlsguard::switch_off();
        }
        if s.async_preempt
            && !s.debug.steady
            && let Err(e) = preempt::install()
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
        let n = n.unwrap_or_else(|| procs::at_start(!s.debug.fixed_procs));
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
            serve: locked::serve_refused,
        });
        sysmon::start(s.debug.slice.unwrap_or(DEFAULT_SLICE));
        SCHED.started.store(true, Release); // pairs(started): is_started
    });
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

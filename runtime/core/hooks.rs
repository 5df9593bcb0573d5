//! All that the core asks of the extras, and the only file of the core that names them.
//!
//! | hook | called when | what may happen behind it |
//! |---|---|---|
//! | [`configure`] | the process's first `run`, before memory is reserved | settings are stored |
//! | [`runtime_starts`] | then, before there are Ps | signal handlers, membarrier |
//! | [`procs_at_start`] | nobody said how many Ps | the CPUs are counted |
//! | [`ps_are_made`], [`runtime_has_started`] | before and after the spawner's start | sysmon starts |
//! | [`m_starts`], [`m_is_up`] | on an M's thread, before its loop | signal stack, signals, priority |
//! | [`run_due`] | a pick, for the own P and for a victim's | timers make goroutines ready |
//! | [`next_of_m`] | a pick, and the last look | a goroutine that only this M may run |
//! | [`wait_for_timers`], [`earliest`] | an M has nothing to do | it sleeps until a timer is due |
//! | [`may_run`] | a goroutine was picked | it goes to the M that it belongs to |
//! | [`starts`], [`before_switch`], [`after_switch`] | around the context switch | the guard of thread-locals looks |
//! | [`after`] | a goroutine has left the M | the M runs those who need its thread, or ends |
//! | [`foreign_falls_asleep`], [`nobody_is_awake`], [`nobody_can_act`] | the last one may be asleep | the report of a deadlock |
//! | [`arm_and_park`] | a wait has an end | a timer is armed |
//! | [`put_identity`], [`take_identity`] | a goroutine with a name begins, and ends | dumps can name it |
//! | [`answer`] | the spawner is awake | a dump that a signal has asked for |
//! | [`steady`] | a lock would look at the clock | it does not |
//!
//! The types are what a G, an M, a P and the scheduler hold for the extras, and two ways to make a
//! thread.
#![forbid(unsafe_code)]

pub(crate) use crate::ext::hooks::{
    Next, Settings, after, after_switch, before_switch, configure, foreign_falls_asleep,
    m_is_up, m_starts, may_run, nobody_is_awake, procs_at_start, ps_are_made,
    runtime_has_started, runtime_starts, wait_for_timers,
};

pub(crate) use crate::ext::diagnostics::deadlock::nobody_can_act;
pub(crate) use crate::ext::diagnostics::identity_table::{put_identity, take_identity};
pub(crate) use crate::ext::diagnostics::sigquit::answer;
pub(crate) use crate::ext::linux::cpu_timer::CpuTimer;
pub(crate) use crate::ext::linux::tls_ranges::TlsRanges;
pub(crate) use crate::ext::linux::{helper, thread_stack};
pub(crate) use crate::ext::placement::affinity::Affinity;
pub(crate) use crate::ext::placement::locked_thread::serve_refused;
pub(crate) use crate::ext::placement::tied::{
    next as next_of_m, next_locked as next_of_m_locked,
};
pub(crate) use crate::ext::settings::config::steady;
pub(crate) use crate::ext::thread_locals::tls_guard::starts;
pub(crate) use crate::ext::timers::heap::TimerHeap;
pub(crate) use crate::ext::timers::runtime_timer::RuntimeTimer;
pub(crate) use crate::ext::timers::sched_timers::{arm_and_park, earliest, run_due};
pub(crate) use crate::ext::timers::timer_waiter::TimerWaiter;

pub(crate) use crate::ext::diagnostics::identity::Identity;
pub(crate) use crate::ext::diagnostics::panics::PanicWord;
pub(crate) use crate::ext::linux::{limits, valgrind};
pub(crate) use crate::ext::plain_threads::{foreign, foreign_parked, handback};
pub(crate) use crate::ext::stackalloc::{
    Class, Slot, SlotRef, StackError, StackSpec, cache, depot, quota,
};
pub(crate) use crate::ext::thread_locals::locals;
pub(crate) use crate::ext::threads::{refused, spawner, starved, threads, waiting_ps};

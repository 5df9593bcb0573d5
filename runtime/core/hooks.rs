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
    Settings, after, after_switch, before_switch, begin_stack, configure, foreign_falls_asleep,
    leave_after_switch, m_is_up, m_starts, may_run, nobody_is_awake, on_thread, p_that_waits,
    procs_at_start, ps_are_made, run_own_due, runs, runtime_has_started, runtime_starts,
    slice_begins, slice_is_over, start_thread, wait_for_timers, wants_spare,
};
pub(crate) use crate::ext::life::{
    Birth, count_spawn, describe, ended, ends, give_stack, new_gs, promise_stack, put_identity,
    take_stack,
};

pub(crate) use crate::ext::diagnostics::deadlock::nobody_can_act;
pub(crate) use crate::ext::diagnostics::sigquit::answer;
pub(crate) use crate::ext::per_g::GExt;
pub(crate) use crate::ext::per_m::MExt;
pub(crate) use crate::ext::per_p::PExt;
pub(crate) use crate::ext::per_sched::{SchedExt, p_gets_busy};
pub(crate) use crate::ext::placement::idle_ms::IdleMs;
pub(crate) use crate::ext::placement::tied::{
    leave_to_others, next as next_of_m, next_locked as next_of_m_locked,
};
pub(crate) use crate::ext::plain_threads::foreign::foreign_g;
pub(crate) use crate::ext::plain_threads::park_thread::{park_thread, wake};
pub(crate) use crate::ext::preempt::door::{enter, leave};
pub(crate) use crate::ext::settings::config::steady;
pub(crate) use crate::ext::stackalloc::{Slot, SlotRef, StackError, StackSpec};
pub(crate) use crate::ext::thread_locals::tls_guard::starts;
pub(crate) use crate::ext::threads::starved::{
    next_locked as next_starved, put_aside as no_stack,
};
pub(crate) use crate::ext::threads::threads::wake_spawner as make_spare;
pub(crate) use crate::ext::timers::last_awake::check_if_last;
pub(crate) use crate::ext::timers::sched_timers::run_due;
pub(crate) use crate::ext::world::stop_for_world::{is_stopping, stops_for_world};

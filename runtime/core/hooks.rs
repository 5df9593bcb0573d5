//! All that the core asks of the extras, and the only file of the core that names them. Its twin without
//! extras is `core/hooks_off.rs`.
//!
//! | hook | called when | what may happen behind it |
//! |---|---|---|
//! | [`configure`] | the process's first `run` | settings are stored, the first stacks are made |
//! | [`runtime_starts`], [`procs_at_start`] | then, before there are Ps | signal handlers; the CPUs are counted |
//! | [`runtime_has_started`] | there are Ps | spawner and sysmon start |
//! | [`start_thread`], [`wants_spare`], [`make_spare`] | work for an M, and none, or no other, is idle | the spawner makes a thread |
//! | [`on_thread`], [`m_starts`], [`m_is_up`] | on an M's thread, before its loop | signal stack, signals, priority |
//! | [`p_that_waits`], [`leave_to_others`], [`check_if_last`] | an M is about to sleep | a P waits for it; the report of a deadlock |
//! | [`p_gets_busy`] | a P leaves the idle list | sysmon wakes |
//! | [`is_stopping`], [`stops_for_world`] | a pick | the M sleeps while the world is stopped |
//! | [`run_own_due`], [`run_due`] | a pick, for the own P and for a victim's | timers make goroutines ready |
//! | [`poll_net`] | a pick, before the M steals | the kernel is asked which descriptors are ready |
//! | [`next_of_m`], [`next_of_m_locked`], [`next_starved`] | a pick, and the last look | a goroutine that only this M may run, or that waited for a stack |
//! | [`wait_for_timers`] | an M has nothing to do | it sleeps until a timer is due, or a descriptor is ready |
//! | [`may_run`] | a goroutine was picked | it goes to the M that it belongs to |
//! | [`slice_begins`], [`slice_is_over`] | the pick has a slice of its own, or inherits one | preemption's words |
//! | [`before_switch`], [`after_switch`] | around the context switch | the guard of thread-locals looks |
//! | [`after`] | a goroutine has left the M | the M runs those who need its thread, or ends |
//! | [`promise_stack`], [`new_gs`], [`describe`], [`count_spawn`], [`put_identity`] | a spawn | dumps can name it |
//! | [`take_stack`], [`no_stack`], [`begin_stack`], [`starts`] | a first run | a stack out of the P's cache |
//! | [`ends`], [`ended`] | the closure has run; it has left its stack | goroutine-locals are dropped, the stack goes back |
//! | [`enter`], [`leave`], [`leave_after_switch`] | the door | a P that was taken is noticed, a slice that is over ends |
//! | [`wake`], [`park_thread`], [`foreign_g`] | ready and park | a plain thread has a G to wait in |
//! | [`spawned`], [`picked`], [`runs`], [`p_starts`], [`p_stops`] | a goroutine is born, is found, runs; a P is taken, is given up | it is written down |
//! | [`spins`], [`m_sleeps`], [`m_wakes`] | an M begins and ends to look for work; falls asleep, is awake | the same |
//! | [`steady`] | a lock would look at the clock | it does not |
//! | [`waited_for_mutex`] | a goroutine has slept for one | a metric |
//!
//! The types are what a G, an M, a P and the scheduler hold for the extras, and where stacks come from.
//! The last lines are what one extra asks of another in a higher layer.
#![forbid(unsafe_code)]

pub(crate) use crate::ext::around_switch::{after_switch, before_switch, runs};
pub(crate) use crate::ext::hooks::{
    Settings, after, begin_stack, configure, leave_after_switch, m_is_up, m_starts, may_run,
    on_thread, p_that_waits, procs_at_start, run_own_due, runtime_has_started, runtime_starts,
    slice_begins, slice_is_over, start_thread, wait_for_timers, wants_spare,
};
pub(crate) use crate::ext::life::{
    Birth, count_spawn, describe, ended, ends, new_gs, promise_stack, put_identity, take_stack,
};

pub(crate) use crate::ext::mutex_wait::waited_for_mutex;
pub(crate) use crate::ext::net::poller::poll_net;
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
pub(crate) use crate::ext::recording::emit::{
    m_sleeps, m_wakes, p_starts, p_stops, picked, spawned, spins,
};
pub(crate) use crate::ext::settings::config::steady;
pub(crate) use crate::ext::stackalloc::{Slot, SlotRef, StackError, StackSpec};
pub(crate) use crate::ext::thread_locals::tls_guard::starts;
pub(crate) use crate::ext::threads::runtime_threads::wake_spawner as make_spare;
pub(crate) use crate::ext::threads::starved::{
    next_locked as next_starved, put_aside as no_stack,
};
pub(crate) use crate::ext::timers::last_awake::check_if_last;
pub(crate) use crate::ext::timers::sched_timers::run_due;
pub(crate) use crate::ext::world::stop_for_world::{is_stopping, stops_for_world};

pub(crate) use crate::ext::diagnostics::deadlock::nobody_can_act;
pub(crate) use crate::ext::diagnostics::others::answer;
pub(crate) use crate::ext::hooks::{foreign_falls_asleep, nobody_is_awake};
pub(crate) use crate::ext::net::io_wait::time_is_over;
pub(crate) use crate::ext::net::poller::poll_if_unasked;

//! Waiting for what never comes, or only for time to pass. Go: a nil channel, `select {}`.
#![forbid(unsafe_code)]

use crate::core::g::wait_reason::WaitReason;
use crate::core::m::enter::enter_to_wait;
use crate::core::sched::park::park;
use crate::core::sys::clock::{Nanos, nanotime};
use crate::ext::chan::send::TIME_OUT;
use crate::ext::timers::park_until::park_until;

/// Returns at the deadline; without one, never.
#[cold]
pub(crate) fn wait_for_nothing(deadline: Option<Nanos>) {
    wait_as(WaitReason::ChanReceiveNever, deadline);
}

/// As `wait_for_nothing`, for a select without cases.
#[cold]
pub(crate) fn select_nothing(deadline: Option<Nanos>) {
    wait_as(WaitReason::SelectNoCases, deadline);
}

fn wait_as(reason: WaitReason, deadline: Option<Nanos>) {
    while deadline.is_none_or(|deadline| nanotime() < deadline) {
        let rt = enter_to_wait();
        let me = rt.current();
        let ticket = me.open_round();
        me.announce_park(reason);
        match deadline {
            Some(deadline) => park_until(rt, deadline, ticket, TIME_OUT),
            None => park(rt),
        }
    }
}

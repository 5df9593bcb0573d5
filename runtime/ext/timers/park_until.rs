//! A park that ends at a deadline.
#![forbid(unsafe_code)]

use crate::core::g::context::Switch;
use crate::core::g::wait_round::WaitId;
use crate::core::m::enter::NoPreempt;
use crate::core::sched::park::switch;
use crate::core::sys::clock::Nanos;
use crate::ext::plain_threads::park_thread::park_thread_until;
use crate::ext::timers::sched_timers::arm_and_park;

/// As `park`, but at `deadline` the goroutine claims `case` of `ticket`'s round for itself.
/// The caller looks at `g.wait_round.winner()` afterwards: `case` means that time ran out.
pub(crate) fn park_until(rt: NoPreempt, deadline: Nanos, ticket: WaitId, case: u16) {
    let g = rt.current();
    match rt.m() {
        Some(_) => {
            g.timer.set(g, ticket.with_case(case));
            arm_and_park(&rt, &g.timer, deadline);
            switch(rt, g, Switch::Park);
            g.timer.disarm();
        }
        None => {
            drop(rt);
            park_thread_until(g, deadline, ticket, case);
        }
    }
}

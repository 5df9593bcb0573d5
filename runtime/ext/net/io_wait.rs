//! A goroutine waits until its descriptor is ready in one direction, or until a deadline.
//!
//! Its call had to wait, it has the turn (`turn.rs`), and will try the call again: a wait may end for
//! no reason.
//!
//! Go: netpoll.go poll_runtime_pollWait, netpollblock, netpolldeadlineimpl.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::core::g::context::Switch;
use crate::core::g::goroutine::GRef;
use crate::core::g::wait_reason::WaitReason;
use crate::core::m::enter::enter_to_wait;
use crate::core::sched::park::switch;
use crate::core::sched::schedt::SCHED;
use crate::core::sys::clock::{Nanos, nanotime};
use crate::ext::net::poll_desc::{Direction, PollDesc, by_index};
use crate::ext::timers::sched_timers::{IO, arm_and_park, tell_and_park};

/// Why a wait has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Waited {
    /// The descriptor may be ready: try again.
    Ready,
    TimedOut,
}

/// The word that is left with the timer of a goroutine that waits here: the record's number, the
/// direction, and that it is one of these words.
fn timer_word(desc: &PollDesc, direction: Direction) -> u64 {
    let bit = u64::from(direction == Direction::Write);
    (u64::from(desc.index()) << 1 | bit) << 16 | IO
}

/// By a goroutine.
pub(crate) fn wait(desc: &PollDesc, direction: Direction, deadline: Option<Nanos>) -> Waited {
    let side = desc.side(direction);
    loop {
        if side.ready.take() {
            if direction == Direction::Read {
                desc.drained.event_used();
            }
            return Waited::Ready;
        }
        if deadline.is_some_and(|when| when <= nanotime()) {
            return Waited::TimedOut;
        }
        let rt = enter_to_wait();
        let g = rt.current();
        g.announce_park_for(WaitReason::IoWait, std::ptr::from_ref(desc).addr());
        side.waiter.set(Some(g));
        // From here on somebody asks the kernel before all Ms sleep: README.md#somebody-asks.
        SCHED.io_waiters.fetch_add(1, Relaxed);
        if side.ready.wait() {
            tell_and_park(&rt);
            if let Some(when) = deadline {
                g.timer.set(g, timer_word(desc, direction));
                arm_and_park(&rt, &g.timer, when);
            }
            switch(rt, g, Switch::Park);
            if deadline.is_some() {
                g.timer.disarm();
            }
        } else {
            g.status.cancel_park();
            drop(rt);
        }
        SCHED.io_waiters.fetch_sub(1, Relaxed);
    }
}

/// A timer with such a word has fired: the goroutine to ready, if it still waits there. The timer may
/// have been that of an earlier wait: then the goroutine finds that it has time left, and waits again.
pub(crate) fn time_is_over(word: u64) -> Option<GRef> {
    let number = word >> 16;
    let desc = by_index((number >> 1) as u32)?;
    let side = if number & 1 == 0 {
        &desc.read
    } else {
        &desc.write
    };
    if side.ready.give_up() {
        return side.waiter.get();
    }
    None
}

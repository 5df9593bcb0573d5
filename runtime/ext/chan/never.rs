//! Waiting for what never comes, or only for time to pass. Go: a nil channel, `select {}`.
#![forbid(unsafe_code)]

use crate::core::g::wait_reason::WaitReason;
use crate::core::m::enter::enter_to_wait;
use crate::ext::chan::patience::Patience;

/// Returns when patience ends.
#[cold]
pub(crate) fn wait_for_nothing(patience: Patience) {
    wait_as(WaitReason::ChanReceiveNever, patience);
}

/// As `wait_for_nothing`, for a select without cases.
#[cold]
pub(crate) fn select_nothing(patience: Patience) {
    wait_as(WaitReason::SelectNoCases, patience);
}

fn wait_as(reason: WaitReason, patience: Patience) {
    while !patience.is_over() {
        let rt = enter_to_wait();
        let me = rt.current();
        let round = patience.open_round(me);
        me.announce_park(reason);
        patience.sleep(rt, round);
    }
}

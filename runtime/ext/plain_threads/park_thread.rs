//! A plain thread waits in `park`, on its own note.
#![forbid(unsafe_code)]

use crate::core::g::goroutine::GRef;
use crate::core::g::status::Enqueue;
use crate::core::g::wait_round::WaitId;
use crate::core::hooks;
use crate::core::sys::clock::Nanos;
use crate::ext::plain_threads::foreign::set_asleep;
use crate::ext::plain_threads::{foreign_parked, handback};
use crate::ext::recording::emit;

/// [`handback::wake`] for what `ready` is given.
#[inline]
pub(crate) fn wake(g: GRef) -> Enqueue {
    emit::readied(g);
    handback::wake(
        &g.status,
        &g.note,
        || g.is_thread(),
        foreign_parked::readied,
    )
}

/// It may have been the last one that could do anything.
#[cold]
pub(crate) fn park_thread(g: GRef) {
    if g.status.commit_park() == Enqueue::NotMine {
        set_asleep(g, true);
        foreign_parked::fell_asleep();
        hooks::foreign_falls_asleep(g);
        handback::sleep_thread(&g.status, &g.note);
        set_asleep(g, false);
    }
    g.status.run();
}

/// As [`park_thread`], but at `deadline` it claims `case` of `ticket`'s round for itself.
#[cold]
pub(crate) fn park_thread_until(g: GRef, deadline: Nanos, ticket: WaitId, case: u16) {
    if g.status.commit_park() == Enqueue::NotMine {
        if !handback::sleep_thread_until(&g.status, &g.note, Some(deadline)) {
            if g.wait_round.claim(ticket, case) {
                g.status.thread_gave_up();
                return;
            }
            // Somebody else has won and is about to wake us.
            handback::sleep_thread(&g.status, &g.note);
        }
        foreign_parked::was_not_counted();
    }
    g.status.run();
}

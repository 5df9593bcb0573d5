//! `park` and `unpark`, with at most one token.
//!
//! The word (`Identity::token`) is `EMPTY`, `TOKEN`, or the ticket of the park that waits; the
//! waiter's G is stored beside it. `unpark` swaps in the token, and readies the waiter if it
//! found a ticket that it can claim. No wake-up is lost: the waiter first announces its park, and
//! then changes `EMPTY` to its ticket by a compare-and-swap. The word holds the ticket itself,
//! because an unparker may be late: the park may have timed out, and the unparker must not wake
//! the next one.
//!
//! std: `thread::park`, `Thread::unpark`.
#![forbid(unsafe_code)]

use crate::core::base::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::core::g::wait_reason::WaitReason;
use crate::core::g::wait_round::WaitId;
use crate::core::sys::clock::Nanos;
#[cfg(loom)]
use crate::core::wait::loom_sched::{Identity, park_until};
use crate::core::wait::sched_api::{enter, enter_to_wait, park, ready};
#[cfg(not(loom))]
use crate::ext::diagnostics::identity::Identity;
#[cfg(not(loom))]
use crate::ext::timers::park_until::park_until;

const EMPTY: u64 = 0;
/// No ticket: those begin above the bits for the case.
const TOKEN: u64 = 1;
/// The claim case of the unparker, and of the deadline.
const UNPARKED: u16 = 0;
const TIMED_OUT: u16 = 1;

/// Waits for the token (until `deadline`, if there is one) and takes it. By its own goroutine.
pub(crate) fn wait(me: &Identity, reason: WaitReason, deadline: Option<Nanos>) {
    // Acquire pairs(park-token): what came before the `unpark` is visible.
    if me.token.load(Relaxed) == TOKEN {
        me.token.swap(EMPTY, Acquire); // pairs(park-token); only we take it away
        return;
    }
    let rt = enter_to_wait();
    let g = rt.current();
    let ticket = g.open_round();
    me.waiter.set(Some(g));
    g.announce_park(reason);
    // Release pairs(park-token): unpark's Acquire sees `waiter`.
    if me
        .token
        .compare_exchange(EMPTY, ticket.raw(), Release, Relaxed)
        .is_err()
    {
        g.status.cancel_park(); // the token came meanwhile
        drop(rt);
    } else {
        match deadline {
            None => park(rt),
            Some(when) => park_until(rt, when, ticket, TIMED_OUT),
        }
    }
    me.token.swap(EMPTY, Acquire); // pairs(park-token)
}

/// Makes the token available, and wakes its goroutine if it waits for it.
pub(crate) fn unpark(them: &Identity) {
    // Release pairs(park-token): wait's Acquire. Acquire pairs(park-token): wait's Release.
    let before = them.token.swap(TOKEN, AcqRel);
    if before == EMPTY || before == TOKEN {
        return;
    }
    let rt = enter();
    if let Some(g) = them.waiter.get()
        && g.wait_round.claim(WaitId::from_raw(before), UNPARKED)
    {
        ready(&rt, g);
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;

    type Shared = (Identity, UnsafeCell<u32>);

    fn unparks(shared: &Arc<Shared>) -> loom::thread::JoinHandle<()> {
        let shared = Arc::clone(shared);
        loom::thread::spawn(move || {
            shared.1.with_mut(|_| ());
            unpark(&shared.0);
        })
    }

    /// Before, while or after it waits: the token comes, with what was written before it.
    #[test]
    fn a_token_is_never_lost() {
        loom::model(|| {
            let shared = Arc::new((Identity::new(), UnsafeCell::new(0)));
            let other = unparks(&shared);
            wait(&shared.0, WaitReason::Park, None);
            shared.1.with_mut(|_| ()); // loom reports a missing order
            other.join().unwrap();
        });
    }

    /// The first wait may give up just before the token comes: then that is kept for the second,
    /// and nobody meddles with the second who has meant the first.
    #[test]
    fn a_late_unpark_is_for_the_next_park() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(4);
        model.check(|| {
            let shared = Arc::new((Identity::new(), UnsafeCell::new(0)));
            let (one, two) = (unparks_only(&shared), unparks_only(&shared));
            wait(&shared.0, WaitReason::Park, Some(1));
            wait(&shared.0, WaitReason::Park, Some(1));
            one.join().unwrap();
            two.join().unwrap();
            assert!(shared.0.token.load(Relaxed) <= TOKEN, "a ticket is left");
        });
    }

    fn unparks_only(shared: &Arc<Shared>) -> loom::thread::JoinHandle<()> {
        let shared = Arc::clone(shared);
        loom::thread::spawn(move || unpark(&shared.0))
    }
}

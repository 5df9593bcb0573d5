//! The stacks for a report that ends the process: somebody else looks, and the report does not wait
//! long.
//!
//! Names are looked up by std, which allocates and takes locks. A goroutine that preemption has
//! stopped may hold one of these forever now, as it will not continue. So a thread of its own
//! looks, and if it does not come back, the report has no stacks. To start that thread allocates too: a
//! small part, without a limit of time.
#![forbid(unsafe_code)]

use std::sync::OnceLock;

use crate::core::m::current::set_this_m;
use crate::core::sys::clock::{Nanos, nanotime};
use crate::core::sys::note::Note;
use crate::ext::allgs;
use crate::ext::diagnostics::dump::is_user;
use crate::ext::diagnostics::stacks::Stacks;
use crate::ext::linux::helper;

/// How long the report waits.
const PATIENCE: Nanos = 10_000_000_000;
/// What std needs to look for names in the debug information.
const STACK: usize = 2 << 20;

/// What it takes at most, besides. Where there is not so much, a look would abort: then there is none.
const ROOM: usize = 128 << 20;

/// Never dropped: who reads it may not free memory.
static FOUND: OnceLock<Stacks> = OnceLock::new();
static READY: Note = Note::new();

/// The stacks of all goroutines. Called once, by the thread that reports.
pub(crate) fn at_all() -> Option<&'static Stacks> {
    // An M that reports is inside the runtime, where nothing may be allocated. It never runs a goroutine
    // again, so it is a plain thread from here on.
    set_this_m(None);
    start_look();
    wait_for_look()
}

/// Somebody looks. By a thread that holds no lock of malloc's.
pub(super) fn start_look() {
    let started = helper::start(c"gosched-stacks", STACK, |_| {
        look();
        READY.wake();
    });
    if started.is_err() {
        READY.wake(); // there is nothing to wait for
    }
}

fn look() {
    if Vec::<u8>::new().try_reserve_exact(ROOM).is_err() {
        return;
    }
    FOUND.get_or_init(|| {
        Stacks::collect(|each| {
            allgs::for_each(|g| {
                if is_user(g) {
                    each(g);
                }
            });
        })
    });
}

/// What was found. In a signal handler, too.
pub(super) fn wait_for_look() -> Option<&'static Stacks> {
    match READY.sleep_until(Some(nanotime() + PATIENCE)) {
        true => FOUND.get(),
        false => None,
    }
}

//! The stacks for a report that ends the process: somebody else looks, and the report does not wait
//! long.
//!
//! Names are looked up by std, which allocates and takes locks. A goroutine that preemption has
//! stopped may hold one of these forever now, as it will not continue. So a thread of its own
//! looks, and if it does not come back, the report has no stacks. To start that thread allocates too: a
//! small part, without a limit of time.
#![forbid(unsafe_code)]

use std::sync::Mutex;

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

static FOUND: Mutex<Option<Stacks>> = Mutex::new(None);
static READY: Note = Note::new();

/// The stacks of all goroutines. Called once, by the thread that reports.
pub(crate) fn at_all() -> Option<Stacks> {
    // An M that reports is inside the runtime, where nothing may be allocated. It never runs a goroutine
    // again, so it is a plain thread from here on.
    set_this_m(None);
    helper::start(c"gosched-stacks", STACK, |_| {
        let found = Stacks::collect(|each| {
            allgs::for_each(|g| {
                if is_user(g) {
                    each(g);
                }
            });
        });
        if let Ok(mut place) = FOUND.lock() {
            *place = Some(found);
        }
        READY.wake();
    })
    .ok()?;
    match READY.sleep_until(Some(nanotime() + PATIENCE)) {
        true => FOUND.lock().ok()?.take(),
        false => None,
    }
}

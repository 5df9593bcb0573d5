//! The stacks for a report that ends the process: somebody else looks, and the report does not wait
//! long.
//!
//! Names are looked up by std, which allocates and takes locks. A goroutine that preemption has
//! stopped may hold one of these forever now, as it will not continue. So a thread of its own
//! looks, and if it does not come back, the report says that it has no stacks. To start that thread allocates too: a
//! small part, without a limit of time.
#![forbid(unsafe_code)]

use std::fmt;
use std::fs;
use std::sync::OnceLock;

use crate::core::m::current::set_this_m;
use crate::core::sys::clock::{Nanos, nanotime};
use crate::core::sys::note::Note;
use crate::ext::allgs;
use crate::ext::diagnostics::dump::{Caller, dump_others, is_user};
use crate::ext::diagnostics::stacks::Stacks;
use crate::ext::linux::helper;

/// How long the report waits.
const PATIENCE: Nanos = 10_000_000_000;
/// What std needs to look for names in the debug information.
const STACK: usize = 2 << 20;

/// What it takes at most, besides: and the program's file, which std maps. Where there is not so much, a look
/// would abort: then there is none.
const ROOM: usize = 128 << 20;

/// Why the stacks are left out.
type Why = &'static str;
const NO_MEMORY: Why = "there is too little memory to look at them";
const NO_THREAD: Why = "no thread could be started to look at them";
const LATE: Why = "it took more than 10 s to look at them";

/// Never dropped: who reads it may not free memory.
static FOUND: OnceLock<Result<Stacks, Why>> = OnceLock::new();
static READY: Note = Note::new();

/// Tells about all goroutines but the one with this address, or says why their stacks are left out. Once, by
/// the thread that reports.
pub(crate) fn tell_all(but: usize, out: &mut dyn fmt::Write, caller: Caller) {
    // An M that reports is inside the runtime, where nothing may be allocated. It never runs a goroutine
    // again, so it is a plain thread from here on.
    set_this_m(None);
    start_look();
    tell_found(but, out, caller);
}

/// Somebody looks. By a thread that holds no lock of malloc's.
pub(super) fn start_look() {
    let started = helper::start(c"gosched-stacks", STACK, |_| {
        FOUND.get_or_init(look);
        READY.wake();
    });
    if started.is_err() {
        FOUND.get_or_init(|| Err(NO_THREAD));
        READY.wake(); // there is nothing to wait for
    }
}

fn look() -> Result<Stacks, Why> {
    let program = fs::metadata("/proc/self/exe").map_or(0, |file| file.len());
    let room = ROOM + program as usize;
    if Vec::<u8>::new().try_reserve_exact(room).is_err() {
        return Err(NO_MEMORY);
    }
    Ok(Stacks::collect(|each| {
        allgs::for_each(|g| {
            if is_user(g) {
                each(g);
            }
        });
    }))
}

/// As [`tell_all`], when somebody looks already. In a signal handler, too.
pub(super) fn tell_found(but: usize, out: &mut dyn fmt::Write, caller: Caller) {
    let found = match READY.sleep_until(Some(nanotime() + PATIENCE)) {
        true => FOUND
            .get()
            .map_or(Err(LATE), |found| found.as_ref().map_err(|why| *why)),
        false => Err(LATE),
    };
    if let Err(why) = found {
        let _ = writeln!(out, "\nThe stacks of the goroutines are left out: {why}.");
    }
    dump_others(but, out, caller, found.ok());
}

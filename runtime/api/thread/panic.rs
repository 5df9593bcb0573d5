//! Panics in goroutines: what is printed, and what an uncaught one does to the process.
//!
//! The panic hook names the goroutine as std's hook names the thread. An uncaught panic in a
//! detached goroutine ends the process with Go's message and status 2, unless the program chose
//! otherwise.
//!
//! Go: panic.go printpanics, fatalpanic.
#![forbid(unsafe_code)]

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

use crate::core::base::owner_cell::OwnerCell;
use crate::core::g::goroutine::GRef;
use crate::core::m::current::this_m;
use crate::core::m::enter::enter;
use crate::core::m::machine::M;
use crate::core::sys::fatal::{RawStderr, begin_death, die, fatal};
use crate::ext::diagnostics::deadlock::describe_running;
use crate::ext::diagnostics::identity_table::with_name;

static GO_ON: OwnerCell<bool> = OwnerCell::zero();
static HOOK: Once = Once::new();

/// Whether an uncaught panic in a detached goroutine only prints.
pub(crate) fn set_go_on(go_on: bool) {
    GO_ON.set(go_on);
}

/// Does the process outlive an uncaught panic in a detached goroutine?
pub(crate) fn goes_on() -> bool {
    GO_ON.peek()
}

/// Puts our hook in front of the one that is there, which stays in charge of plain threads.
pub(crate) fn install_hook() {
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| match panicking_goroutine() {
            Some(g) => print(g, info),
            None => before(info),
        }));
    });
}

/// The calling goroutine; `None` on a plain thread.
pub(crate) fn this_goroutine() -> Option<GRef> {
    let rt = enter();
    rt.m().and_then(|m| m.curg())
}

/// The calling goroutine, which panics: that keeps it on its thread. It does not enter the runtime, where it
/// might wait for a P.
fn panicking_goroutine() -> Option<GRef> {
    this_m().and_then(M::curg)
}

/// Dropped by a panic that comes to the root of its goroutine, where nobody catches it: it will be reported.
/// From here on it is not asked whether user code has caught it, for it will look like that when the root has.
#[derive(Debug)]
pub(crate) struct Root;

impl Drop for Root {
    fn drop(&mut self) {
        if let Some(g) = panicking_goroutine() {
            g.panics.at_root();
        }
    }
}

/// What came to the root was no panic.
pub(crate) fn over() {
    if let Some(g) = this_goroutine() {
        g.panics.over();
    }
}

/// As std prints it, with the goroutine where std has the thread.
fn print(g: GRef, info: &PanicHookInfo<'_>) {
    let mut text = String::with_capacity(256);
    let _ = write!(text, "\ngoroutine {}", g.id());
    with_name(g, |name| {
        if let Some(name) = name {
            let _ = write!(text, " '{name}'");
        }
    });
    if let Some(at) = g.spawned_at.get() {
        let _ = write!(text, " (started at {at})");
    }
    if let Some(at) = info.location() {
        let _ = write!(text, " panicked at {at}");
    }
    g.panics.tells(); // main waits from here on, should it return: `api/thread/last_words.rs`
    let _ = writeln!(text, ":\n{}", words(info.payload()));
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        let _ = write!(text, "stack backtrace:\n{trace}");
    } else {
        text.push_str(
            "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n",
        );
    }
    // Not `eprint!`, which panics when nobody reads, and loses what a pipe that does not block
    // has no room for; and straight to stderr, for a goroutine's thread belongs to no test whose
    // output could be captured. The lock keeps std's lines and ours apart.
    let lock = std::io::stderr().lock();
    let _ = RawStderr.write_str(&text);
    drop(lock);
    g.panics.unwinds();
}

/// The panic's message, if it is a string.
fn words(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("Box<dyn Any>")
}

/// This goroutine is never joined, so no other code learns of the panic.
#[cold]
pub(crate) fn uncaught(payload: Box<dyn Any + Send>) {
    if goes_on() {
        over(); // the hook has printed it
        if catch_unwind(AssertUnwindSafe(|| drop(payload))).is_err() {
            fatal!("a panic's payload panicked when it was dropped");
        }
        return;
    }
    let mut text = format!("panic: {}\n\n", words(&*payload));
    if let Some(g) = this_goroutine() {
        describe_running(g, &mut text);
    }
    // Who tells does not enter the runtime any more: without a P it would wait for one there,
    // perhaps one whose holder waits for the end of the process.
    begin_death();
    let _ = RawStderr.write_str(&text);
    die()
}

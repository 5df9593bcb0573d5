//! A goroutine's state as text, for dumps and reports.
//!
//! A dump does not stop the goroutines, so its lines are from slightly different moments. A paragraph
//! allocates nothing, and asks the kernel only for the depth of each stack; the frames that it shows
//! were looked up before (`ext/diagnostics/stacks.rs`).
//!
//! Go: traceback.go goroutineheader, tracebackothers.
#![forbid(unsafe_code)]

use std::fmt;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::g::goroutine::{G, GRef};
use crate::core::m::machine::M;
use crate::core::sys::clock::nanotime;
use crate::ext::allgs;
use crate::ext::diagnostics::blame;
use crate::ext::diagnostics::identity_table;
use crate::ext::diagnostics::stacks::{self, Stacks};
use crate::ext::kind::Kind;
use crate::ext::pins::SENT_HOME;
use crate::ext::scavenge::residency::chain_high_water;
use crate::ext::stopped::State;
use crate::ext::threads::allm;

/// The kind of caller: it decides whether a dump may wait for the lock that guards the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A goroutine, or an M.
    Ordinary,
    /// A signal handler, which must not enter the runtime; or a thread that must not be stopped.
    Urgent,
}

/// Is it one of the program's, and alive?
pub(crate) fn is_user(g: GRef) -> bool {
    g.kind() == Kind::Goroutine && g.status.state() != State::Dead && g.id() != 0
}

/// So many goroutines have a paragraph each in a report; of the others it says how many there are.
const SHOWN: usize = 10_000;

/// Every goroutine, one paragraph each, about the oldest first.
pub(crate) fn dump_all(out: &mut dyn fmt::Write, caller: Caller, stacks: Option<&Stacks>) {
    dump_others(0, out, caller, stacks);
}

/// All but the one with this address.
pub(crate) fn dump_others(
    but: usize,
    out: &mut dyn fmt::Write,
    caller: Caller,
    stacks: Option<&Stacks>,
) {
    let mut told = 0;
    allgs::for_each(|g| {
        if is_user(g) && std::ptr::from_ref::<G>(g).addr() != but {
            if told < SHOWN {
                let _ = writeln!(out);
                let _ = describe(g, out, caller, stacks);
            }
            told += 1;
        }
    });
    if told > SHOWN {
        let _ = writeln!(out, "\n...and {} goroutines more...", told - SHOWN);
    }
    let _ = stacks.map(|stacks| stacks.write_circles(out));
}

/// `goroutine 7 [chan receive, 3 minutes]:` and what else is known.
pub(crate) fn describe(
    g: GRef,
    out: &mut dyn fmt::Write,
    caller: Caller,
    stacks: Option<&Stacks>,
) -> fmt::Result {
    write!(out, "goroutine {} [", g.id())?;
    let state = g.status.state();
    match state {
        State::Runnable => write!(out, "runnable")?,
        State::Running => write!(out, "running")?,
        State::Preempted => write!(out, "preempted")?,
        State::Dead => write!(out, "dead")?,
        State::Waiting => write!(out, "{}", g.reason().as_str())?,
    }
    if state == State::Waiting {
        let now = (nanotime() / 1_000_000_000) as u32;
        let minutes = now.saturating_sub(g.since.peek()) / 60;
        if minutes > 0 {
            write!(out, ", {minutes} minutes")?;
        }
    }
    if g.locked_count.peek() > 0 {
        write!(out, ", locked to thread")?;
    }
    writeln!(out, "]:")?;
    name(g, out, caller)?;
    if state == State::Runnable
        && g.stay.peek() & SENT_HOME != 0
        && let Some(m) = allm::m_of(g.last_m.load(Relaxed))
    {
        thread(m, out)?;
    }
    if state == State::Waiting {
        blame::write_wait(g, out)?;
    }
    if let Some((_, group)) = stacks.and_then(|stacks| stacks.of(g.id())) {
        match group.first == g.id() {
            true => stacks::write(&group.lines, out)?,
            false => writeln!(out, "\tat the same place as goroutine {}", group.first)?,
        }
    }
    origin(g, out)?;
    stack(g, out)
}

/// The thread on which a goroutine must continue, and the goroutine that is on it.
fn thread(m: &M, out: &mut dyn fmt::Write) -> fmt::Result {
    let tid = m.tid.peek();
    write!(out, "\twaits for its thread {tid} (m{})", m.id)?;
    match m.curg() {
        Some(g) => {
            let state = match g.status.state() {
                State::Preempted => "is preempted",
                // Nobody can run there meanwhile: `docs/thread-locals.md`.
                _ if m.retake.is_lost() => "is in the kernel",
                _ => "runs",
            };
            writeln!(out, ", where goroutine {} {state}", g.id())
        }
        None => writeln!(out),
    }
}

fn name(g: &G, out: &mut dyn fmt::Write, caller: Caller) -> fmt::Result {
    let mut print = |name: Option<&str>| match name {
        Some(name) => writeln!(out, "\tname: {name}"),
        None => Ok(()),
    };
    match caller {
        Caller::Ordinary => identity_table::with_name(g, print),
        Caller::Urgent => match identity_table::try_with_name(g, &mut print) {
            Some(result) => result,
            None => Ok(()),
        },
    }
}

fn origin(g: &G, out: &mut dyn fmt::Write) -> fmt::Result {
    match (g.spawned_at.peek(), g.parent.peek()) {
        (None, _) => Ok(()),
        (Some(at), 0) => writeln!(out, "\tcreated at {at}"),
        (Some(at), parent) => writeln!(out, "\tcreated by goroutine {parent} at {at}"),
    }
}

/// How deep the stack has been, and how deep it may go.
fn stack(g: &G, out: &mut dyn fmt::Write) -> fmt::Result {
    let Some(slot) = g.stack.peek() else {
        return Ok(()); // it has not run yet
    };
    let used = chain_high_water(slot) >> 10;
    let limit: usize = slot.chain().map(|s| s.class().slot_bytes() >> 10).sum();
    let segments = slot.chain().count() - 1;
    write!(out, "\tstack: {used} KiB of {limit}")?;
    match segments {
        0 => writeln!(out),
        n => writeln!(out, " ({n} by stack::grow)"),
    }
}

//! The start of the runtime: its Ps, and what the extras need. This happens once in a process and
//! is never undone.
//!
//! Go: proc.go schedinit.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Release;
use std::sync::{Mutex, PoisonError};

use crate::core::hooks::{self, Settings, StackError};
use crate::core::p::processor::{P, PStatus};
use crate::core::sched::idle::make_steal_order;
use crate::core::sched::schedt::SCHED;

/// Held by the thread that starts the runtime. It is std's mutex, as our own mutex needs a
/// runtime.
static STARTING: Mutex<()> = Mutex::new(());

/// Starts the runtime, if it has not been; calls `before` first.
///
/// # Errors
/// There can be no stacks of this size: nothing has been started, and the next `run` may bring
/// other settings.
pub(crate) fn start(s: &Settings, before: impl FnOnce()) -> Result<(), StackError> {
    let _one = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if SCHED.is_started() {
        return Ok(());
    }
    hooks::configure(s)?;
    before();
    hooks::runtime_starts(s);
    let n = hooks::procs_at_start(s);
    make_steal_order(n);
    make_ps(n);
    SCHED.set_procs(n);
    let sched = SCHED.lock();
    for i in (0..n as usize).rev() {
        if let Some(p) = SCHED.p(i) {
            p.set_status(PStatus::Idle);
            SCHED.idle.add_idle();
            sched.push_idle_p(p);
        }
    }
    drop(sched);
    hooks::runtime_has_started(s);
    SCHED.started.store(true, Release); // pairs(started): is_started
    Ok(())
}

/// Makes the Ps up to `n` that there have not been yet.
pub(crate) fn make_ps(n: u32) {
    for i in 0..n {
        if SCHED.p(i as usize).is_none() {
            SCHED.set_p(i as usize, Box::leak(Box::new(P::new(i))));
        }
    }
}

/// # Panics
/// Before the first `run`.
#[inline]
#[track_caller]
pub(crate) fn assert_started() {
    if !SCHED.is_started() {
        not_started();
    }
}

#[cold]
#[track_caller]
fn not_started() -> ! {
    panic!(
        "the gosched runtime has not been started: enter it with \
         `unsafe {{ gosched::run(|| ...) }}` first"
    );
}

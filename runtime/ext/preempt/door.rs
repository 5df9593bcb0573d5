//! What preemption does when a goroutine enters or leaves the runtime: `core/m/enter.rs`.
//!
//! The P may have been taken before the goroutine enters, and its slice may be over when it
//! leaves. `core/sched/README.md#door`.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::compiler_fence;

use crate::core::g::context::{Switch, suspend};
use crate::core::g::goroutine::GRef;
use crate::core::m::current::this_m;
use crate::core::m::enter::{Call, enter_as};
use crate::core::m::machine::M;
use crate::core::sys::fatal::fatal;
use crate::ext::preempt::pending::{SLICE_OVER, THREAD_WANTED};
use crate::ext::preempt::preempt_signal;
use crate::ext::preempt::retake::Entry;
use crate::ext::stopped::Stop;

/// Comes into the runtime; answers the M that the goroutine is on then.
#[inline(always)]
pub(crate) fn enter(m: &'static M, how: Call) -> &'static M {
    m.retake.enter();
    compiler_fence(SeqCst); // the thief's membarrier makes it a fence of the CPU: ext/preempt/retake.rs
    if m.retake.contested() {
        enter_disturbed(m, how)
    } else {
        m
    }
}

/// A thief is looking, or has taken the P.
#[cold]
#[inline(never)]
fn enter_disturbed(m: &'static M, how: Call) -> &'static M {
    let outermost = m.retake.depth() == 1;
    match (outermost, m.curg()) {
        (true, Some(g)) if m.retake.settle() == Entry::Lost => {
            m.set_p(None);
            without_p(m, g, how)
        }
        _ => m,
    }
}

/// The P is gone. Either the goroutine's own M waits for another P, or finds one; or the
/// goroutine leaves its stack, and any M resumes it. Returns the M that it is on then.
fn without_p(m: &'static M, g: GRef, how: Call) -> &'static M {
    match how {
        Call::Stays => {
            preempt_signal::without_p(m, g, Stop::AtDoor);
            m
        }
        Call::MayWait => {
            suspend(g, Switch::LostP);
            match this_m() {
                Some(m) => m,
                None => fatal!("resumed on a thread that is not the runtime's"),
            }
        }
    }
}

/// A request came while the thread was inside: it is handled here.
#[cold]
#[inline(never)]
fn leave_pending(how: Call) {
    let mut rt = enter_as(how);
    let Some(m) = rt.m() else { return };
    if let Some(g) = m.curg()
        && m.retake.depth() == 1
    {
        match how {
            Call::Stays => {
                m.pending.done(SLICE_OVER);
                preempt_signal::slice_over(m, g);
            }
            Call::MayWait => {
                m.pending.clear();
                suspend(g, Switch::Preempted);
                rt.moved(this_m());
            }
        }
    }
    drop(rt);
}

/// Goes out of the runtime.
#[inline(always)]
pub(crate) fn leave(m: &'static M, how: Call) {
    compiler_fence(SeqCst); // the handler runs on this thread
    m.retake.leave();
    compiler_fence(SeqCst);
    let asked = match how {
        Call::Stays => SLICE_OVER,
        Call::MayWait => SLICE_OVER | THREAD_WANTED,
    };
    if m.pending.is_asked(asked) && m.retake.depth() == 0 {
        leave_pending(how);
    }
}

//! Returns memory on demand: free stacks, and the dead part of parked goroutines' stacks.
//!
//! A parked goroutine may be woken at any moment, so its stack is touched only in a stopped
//! world: there a waker can queue the goroutine, but no M can run it. The world stops for a few
//! goroutines at a time; which ones are worth it is found out before, while the world runs.
//!
//! Go: stack.go shrinkstack (at a GC); debug.FreeOSMemory.
#![allow(unsafe_code, reason = "drops pages of parked goroutines")]

use crate::core::g::goroutine::GRef;
use crate::core::m::enter::enter_to_wait;
use crate::core::p::processor::PStatus;
use crate::core::sched::schedt::SCHED;
use crate::ext::allgs;
use crate::ext::scavenge::residency::for_each_deep;
use crate::ext::scavenge::trim::{Trim, trim_parked};
use crate::ext::threads::hold::{Unheld, hold};
use crate::ext::world::stop_world;

/// A goroutine with no more pages than this is left alone. Go: shrinks when a quarter is used.
const DEEP_PAGES: usize = 4;
/// Goroutines to a stop of the world: about a millisecond.
const TO_A_STOP: usize = 256;

/// Returns all memory that can be returned now. The result is an estimate in bytes.
pub(crate) fn trim() -> usize {
    let mut freed = 0;
    if SCHED.is_started() {
        flush_caches();
        for some in deep_parked().chunks(TO_A_STOP) {
            freed += trim_some(some);
        }
    }
    let mut trim = Trim::new();
    loop {
        let rt = enter_to_wait();
        let step = trim.step();
        drop(rt);
        match step {
            Some(bytes) => freed += bytes,
            None => return freed,
        }
    }
}

/// The free stacks of all Ps go to the depot.
fn flush_caches() {
    stop_world::stopped(|rt| {
        if let Some(p) = rt.p() {
            p.flush_stacks();
        }
        for p in SCHED.ps().filter(|p| p.status() == PStatus::Stopped) {
            let mine = rt.p().is_some_and(|mine| mine.id == p.id);
            if !mine {
                hold(p, Unheld::Stopped).flush_stacks();
            }
        }
    });
}

/// Goroutines that seem to be parked, with much memory in their stacks. A hint.
fn deep_parked() -> Vec<GRef> {
    let mut deep = Vec::new();
    for_each_deep(DEEP_PAGES, |slot, _| {
        if slot.owner() != 0 {
            deep.push(slot.bottom());
        }
    });
    deep.sort_unstable();
    let mut found = Vec::new();
    let mut look = |g: GRef| {
        let is_deep = |bottom| deep.binary_search(&bottom).is_ok();
        // Its chain may change under our eyes: the first is enough to decide, the rest is rare.
        if g.status.is_parked()
            && !g.is_thread()
            && let Some(slot) = g.stack.peek()
            && (is_deep(slot.bottom()) || slot.link().is_some())
        {
            found.push(g);
        }
    };
    if !deep.is_empty() {
        allgs::for_each(&mut look);
    }
    found
}

fn trim_some(goroutines: &[GRef]) -> usize {
    stop_world::stopped(|_| {
        let stacks = goroutines
            .iter()
            .filter(|g| g.status.is_parked() && !g.is_thread())
            .filter_map(|g| g.stack.peek())
            .flat_map(|slot| slot.chain());
        // SAFETY: parked, in a stopped world: what they noted stands, and none is run before the
        // world goes on.
        unsafe { trim_parked(stacks) }
    })
}

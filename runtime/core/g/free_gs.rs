//! Dead Gs that no P holds, to be used again. Go: proc.go gfget, gfput.
#![forbid(unsafe_code)]

use crate::core::g::gqueue::GQueue;
use crate::core::sys::lock::RawLock;

/// Guards the list.
static LOCK: RawLock = RawLock::new();
static FREE: GQueue = GQueue::new();

/// Takes up to `max` dead Gs from the shared list into `out`; returns how many.
pub(crate) fn take(out: &GQueue, max: u32) -> u32 {
    if FREE.is_empty() {
        return 0;
    }
    LOCK.lock();
    let mut n = 0;
    while n < max
        && let Some(g) = FREE.pop_front()
    {
        out.push_front(g);
        n += 1;
    }
    LOCK.unlock();
    n
}

/// Puts dead Gs into the shared list.
pub(crate) fn give(gs: &GQueue) {
    LOCK.lock();
    FREE.append(gs);
    LOCK.unlock();
}

//! Dead Gs that no P holds, to be used again. Go: proc.go gfget, gfput.
#![forbid(unsafe_code)]

use crate::core::base::alone::Alone;
use crate::core::g::gqueue::GQueue;
use crate::core::sys::lock::RawLock;

struct FreeGs {
    /// Guards the list.
    lock: RawLock,
    list: GQueue,
}

static FREE: Alone<FreeGs> = Alone(FreeGs {
    lock: RawLock::new(),
    list: GQueue::new(),
});

/// Takes up to `max` dead Gs from the shared list into `out`; returns how many.
pub(crate) fn take(out: &GQueue, max: u32) -> u32 {
    if FREE.list.is_empty() {
        return 0;
    }
    FREE.lock.lock();
    let mut n = 0;
    while n < max
        && let Some(g) = FREE.list.pop_front()
    {
        out.push_front(g);
        n += 1;
    }
    FREE.lock.unlock();
    n
}

/// Puts dead Gs into the shared list.
pub(crate) fn give(gs: &GQueue) {
    FREE.lock.lock();
    FREE.list.append(gs);
    FREE.lock.unlock();
}

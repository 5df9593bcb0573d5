//! Small, growing, guarded stacks.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
#[derive(Debug)]
pub(crate) struct Slot {
    top: usize,
    limit: usize,
    ctx: AtomicUsize,
}
pub(crate) type SlotRef = &'static Slot;
impl Slot {
    pub(crate) fn top(&self) -> usize {
        self.top
    }
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }
    pub(crate) fn ctx(&self) -> usize {
        self.ctx.load(Relaxed)
    }
    pub(crate) fn set_ctx(&self, c: usize) {
        self.ctx.store(c, Relaxed)
    }
}

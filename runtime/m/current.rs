//! Which M am I? The only thread-local of the runtime's hot paths, and the only file that
//! touches it.
//!
//! A goroutine may move to another thread at every suspension, and the compiler does not know:
//! it may keep the *address* of a thread-local across the call that moved. So nothing here
//! hands out an address, and the functions are never inlined: they return the loaded value.
//!
//! Go: getg().m.
#![forbid(unsafe_code)]

use std::cell::Cell;

use crate::m::machine::M;

thread_local! {
    static THIS: Cell<Option<&'static M>> = const { Cell::new(None) };
}

/// The M of the calling thread; `None` on a thread that is not the runtime's.
#[inline(never)]
pub(crate) fn this_m() -> Option<&'static M> {
    THIS.with(Cell::get)
}

/// Makes the calling thread `m`, until its end; then a plain thread again.
#[inline(never)]
pub(crate) fn set_this_m(m: Option<&'static M>) {
    THIS.with(|this| this.set(m));
}

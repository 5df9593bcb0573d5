//! The current M: the only thread-local of the runtime's hot paths, and the only file that
//! touches it.
//!
//! A goroutine may move to another thread at every suspension, and the compiler does not know
//! this: it may keep the *address* of a thread-local across the call that moved. So the compiler
//! does not know the slot: it is declared (`core/sys/slot.rs`) and read in assembler, relative to the
//! thread pointer, in one volatile block that returns the value and no address. This block may be
//! inlined everywhere.
//!
//! The initial-exec model is used: the slot's distance from the thread pointer is one constant
//! for all threads, filled in by the linker, or by the dynamic linker if the runtime is in a
//! library that was loaded later (the C library keeps room for such slots).
//!
//! Go: getg().m.
#![allow(unsafe_code, reason = "follows the slot's pointer")]

use crate::core::m::machine::M;
use crate::core::sys::cpu;

/// The M of the calling thread; `None` on a thread that is not the runtime's.
#[inline(always)]
pub(crate) fn this_m() -> Option<&'static M> {
    // SAFETY: null, as every thread's slot begins, or what `set_this_m` wrote.
    unsafe { cpu::this_m_slot().cast::<M>().as_ref() }
}

/// Makes the calling thread `m`, until its end; then a foreign thread again.
pub(crate) fn set_this_m(m: Option<&'static M>) {
    cpu::set_this_m_slot(m.map_or(std::ptr::null(), std::ptr::from_ref).cast());
}

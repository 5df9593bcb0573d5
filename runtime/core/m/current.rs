//! The current M: the only thread-local of the runtime's hot paths, and the only file that
//! touches it.
//!
//! A goroutine may move to another thread at every suspension, and the compiler does not know
//! this: it may keep the *address* of a thread-local across the call that moved. So the compiler
//! does not know the slot: it is declared and read in assembler, relative to the thread pointer,
//! in one volatile block that returns the value and no address. This block may be inlined
//! everywhere.
//!
//! The initial-exec model is used: the slot's distance from the thread pointer is one constant
//! for all threads, filled in by the linker, or by the dynamic linker if the runtime is in a
//! library that was loaded later (the C library keeps room for such slots).
//!
//! Go: getg().m.
#![allow(unsafe_code, reason = "a thread-local of our own, in assembler")]

use std::arch::{asm, global_asm};

use crate::core::m::machine::M;

/// The slot's name: another version of the package in the same program has its own.
macro_rules! slot {
    () => {
        concat!("gosched_this_m_", env!("CARGO_PKG_VERSION"))
    };
}

global_asm!(
    ".pushsection .tbss.gosched_this_m, \"awT\", %nobits",
    ".balign 8",
    concat!(".globl ", slot!()),
    concat!(".hidden ", slot!()),
    concat!(".type ", slot!(), ", %object"),
    concat!(".size ", slot!(), ", 8"),
    concat!(slot!(), ":"),
    ".zero 8",
    ".popsection",
);

/// The M of the calling thread; `None` on a thread that is not the runtime's.
#[inline(always)]
pub(crate) fn this_m() -> Option<&'static M> {
    let m: *const M;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: reads the calling thread's slot.
    unsafe {
        asm!(
            concat!("mov {m}, qword ptr [rip + ", slot!(), "@gottpoff]"),
            "mov {m}, qword ptr fs:[{m}]",
            m = out(reg) m,
            options(nostack, preserves_flags, readonly),
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: reads the calling thread's slot.
    unsafe {
        asm!(
            concat!("adrp {m}, :gottprel:", slot!()),
            concat!("ldr {m}, [{m}, :gottprel_lo12:", slot!(), "]"),
            "mrs {pointer}, tpidr_el0",
            "ldr {m}, [{pointer}, {m}]",
            m = out(reg) m,
            pointer = out(reg) _,
            options(nostack, preserves_flags, readonly),
        );
    }
    // SAFETY: null, as every thread's slot begins, or what `set_this_m` wrote.
    unsafe { m.as_ref() }
}

/// Makes the calling thread `m`, until its end; then a foreign thread again.
pub(crate) fn set_this_m(m: Option<&'static M>) {
    let m = m.map_or(std::ptr::null(), std::ptr::from_ref);
    #[cfg(target_arch = "x86_64")]
    // SAFETY: writes the calling thread's slot.
    unsafe {
        asm!(
            concat!("mov {slot}, qword ptr [rip + ", slot!(), "@gottpoff]"),
            "mov qword ptr fs:[{slot}], {m}",
            slot = out(reg) _,
            m = in(reg) m,
            options(nostack, preserves_flags),
        );
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: writes the calling thread's slot.
    unsafe {
        asm!(
            concat!("adrp {slot}, :gottprel:", slot!()),
            concat!("ldr {slot}, [{slot}, :gottprel_lo12:", slot!(), "]"),
            "mrs {pointer}, tpidr_el0",
            "str {m}, [{pointer}, {slot}]",
            slot = out(reg) _,
            pointer = out(reg) _,
            m = in(reg) m,
            options(nostack, preserves_flags),
        );
    }
}

//! The instructions of aarch64 that the core needs, but for those of a switch (`core/g/shim_aarch64.rs`).
//! The thread pointer is `tpidr_el0`.
#![allow(unsafe_code, reason = "assembler")]

use std::arch::asm;

use crate::core::sys::slot::slot;

/// What the calling thread's slot for its M holds (`core/sys/slot.rs`): null at first.
#[inline(always)]
pub(crate) fn this_m_slot() -> *const () {
    let m: *const ();
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
    m
}

/// Writes the same.
pub(crate) fn set_this_m_slot(m: *const ()) {
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

/// A hint: this memory will be needed soon. Any address will do: a bad one is ignored.
#[inline]
pub(crate) fn prefetch_at(address: usize) {
    // SAFETY: a prefetch reads nothing that the program could see and never faults.
    unsafe { asm!("prfm pldl1keep, [{}]", in(reg) address, options(nostack, preserves_flags)) };
}

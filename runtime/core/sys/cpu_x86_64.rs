//! The instructions of x86-64 that the core needs, but for those of a switch (`core/g/shim_x86_64.rs`).
//! The thread pointer is `fs`.
#![allow(unsafe_code, reason = "assembler")]

use std::arch::asm;
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

use crate::core::sys::slot::slot;

/// What the calling thread's slot for its M holds (`core/sys/slot.rs`): null at first.
#[inline(always)]
pub(crate) fn this_m_slot() -> *const () {
    let m: *const ();
    // SAFETY: reads the calling thread's slot.
    unsafe {
        asm!(
            concat!("mov {m}, qword ptr [rip + ", slot!(), "@gottpoff]"),
            "mov {m}, qword ptr fs:[{m}]",
            m = out(reg) m,
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
            concat!("mov {slot}, qword ptr [rip + ", slot!(), "@gottpoff]"),
            "mov qword ptr fs:[{slot}], {m}",
            slot = out(reg) _,
            m = in(reg) m,
            options(nostack, preserves_flags),
        );
    }
}

/// A hint: this memory will be needed soon. Any address will do: a bad one is ignored.
#[inline]
pub(crate) fn prefetch_at(address: usize) {
    // SAFETY: a prefetch reads nothing that the program could see and never faults.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::without_provenance(address)) };
}

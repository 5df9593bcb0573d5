//! The generic timer's virtual count.
#![allow(unsafe_code, reason = "mrs cntvct_el0")]

/// Reads the counter.
#[inline]
pub(crate) fn counter() -> u64 {
    let count: u64;
    // SAFETY: Linux lets programs read this register.
    unsafe {
        std::arch::asm!("mrs {}, cntvct_el0", out(reg) count, options(nomem, nostack, preserves_flags));
    }
    count
}

/// The architecture says that it does.
pub(crate) fn is_steady() -> bool {
    true
}

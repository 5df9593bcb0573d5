//! Registers of an interrupted thread, as the kernel hands them to a signal handler.
//!
//! No other code in the runtime reads a `ucontext_t`; which register is which is the CPU's
//! (`ext/linux/arch_*.rs`).
#![allow(unsafe_code, reason = "reads the kernel's saved registers")]

use std::ffi::c_void;

use crate::ext::linux::arch;

/// The stack pointer at the moment of the signal.
///
/// # Safety
/// `context` is the third argument of an `SA_SIGINFO` handler that has not returned yet.
pub(crate) unsafe fn stack_pointer(context: *const c_void) -> usize {
    // SAFETY: the caller's promise.
    arch::stack_pointer(unsafe { &*context.cast() })
}

/// The instruction that was interrupted.
///
/// # Safety
/// As [`stack_pointer`].
pub(crate) unsafe fn program_counter(context: *const c_void) -> usize {
    // SAFETY: the caller's promise.
    arch::program_counter(unsafe { &*context.cast() })
}

/// The frame pointer, or what else the program keeps in that register.
///
/// # Safety
/// As [`stack_pointer`].
pub(crate) unsafe fn frame_pointer(context: *const c_void) -> usize {
    // SAFETY: the caller's promise.
    arch::frame_pointer(unsafe { &*context.cast() })
}

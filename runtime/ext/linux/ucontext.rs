//! Registers of an interrupted thread, as the kernel hands them to a signal handler.
//!
//! There is one small function for each register and architecture; no other code in the runtime
//! reads a `ucontext_t`.
#![allow(unsafe_code, reason = "reads the kernel's saved registers")]

use std::ffi::c_void;

/// The stack pointer at the moment of the signal.
///
/// # Safety
/// `context` is the third argument of an `SA_SIGINFO` handler that has not returned yet.
pub(crate) unsafe fn stack_pointer(context: *const c_void) -> usize {
    let context = context.cast::<libc::ucontext_t>();
    // SAFETY: the caller's promise.
    sp_of(unsafe { &*context })
}

/// The instruction that was interrupted.
///
/// # Safety
/// As [`stack_pointer`].
pub(crate) unsafe fn program_counter(context: *const c_void) -> usize {
    let context = context.cast::<libc::ucontext_t>();
    // SAFETY: the caller's promise.
    pc_of(unsafe { &*context })
}

/// The frame pointer, or what else the program keeps in that register.
///
/// # Safety
/// As [`stack_pointer`].
pub(crate) unsafe fn frame_pointer(context: *const c_void) -> usize {
    let context = context.cast::<libc::ucontext_t>();
    // SAFETY: the caller's promise.
    fp_of(unsafe { &*context })
}

#[cfg(target_arch = "x86_64")]
fn fp_of(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.gregs[libc::REG_RBP as usize] as usize
}

#[cfg(target_arch = "aarch64")]
fn fp_of(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.regs[29] as usize
}

#[cfg(target_arch = "x86_64")]
fn sp_of(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.gregs[libc::REG_RSP as usize] as usize
}

#[cfg(target_arch = "x86_64")]
fn pc_of(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.gregs[libc::REG_RIP as usize] as usize
}

#[cfg(target_arch = "aarch64")]
fn sp_of(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.sp as usize
}

#[cfg(target_arch = "aarch64")]
fn pc_of(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.pc as usize
}

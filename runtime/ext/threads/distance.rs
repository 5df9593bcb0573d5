//! The loop of an M stays away from its thread's thread-locals.
#![allow(unsafe_code, reason = "moves the stack pointer")]

use std::arch::naked_asm;

use crate::ext::linux::thread_stack;

/// How far a thread's scheduler frames stay away from its thread-locals, which stand at the top
/// of the same mapping: what looks like an address of the one is not one of the other, and a
/// thread-local's address minus something is none of a frame (`ext/linux/tls_ranges.rs`).
pub(crate) const DISTANCE: usize = thread_stack::BELOW;

/// Runs an M's `f` at [`DISTANCE`] from the top of its stack.
pub(crate) fn call_at_distance(f: &mut dyn FnMut()) {
    extern "C" fn call(f: *const ()) {
        let f = f.cast::<&mut dyn FnMut()>().cast_mut();
        // SAFETY: the argument below.
        unsafe { (*f)() };
    }
    let mut f = f;
    // SAFETY: Ms have stacks of more than that (`ext/threads/spawner.rs`); a panic in `f` aborts.
    unsafe { call_further_down((&raw mut f).cast(), call, DISTANCE) };
}

/// Calls `f(arg)` with the stack pointer `bytes` (a multiple of 16) further down. What lies
/// between is not touched.
///
/// # Safety
/// The stack has that much room. `f` does not unwind.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
unsafe extern "C" fn call_further_down(
    arg: *const (),
    f: extern "C" fn(*const ()),
    bytes: usize,
) {
    naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_def_cfa_offset 16",
        ".cfi_offset rbp, -16",
        "mov rbp, rsp",
        ".cfi_def_cfa_register rbp",
        "sub rsp, rdx",
        "call rsi",
        "leave",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_endproc",
    )
}

/// Calls `f(arg)` with the stack pointer `bytes` (a multiple of 16) further down. What lies
/// between is not touched.
///
/// # Safety
/// The stack has that much room. `f` does not unwind.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
unsafe extern "C" fn call_further_down(
    arg: *const (),
    f: extern "C" fn(*const ()),
    bytes: usize,
) {
    naked_asm!(
        ".cfi_startproc",
        "stp x29, x30, [sp, #-16]!",
        ".cfi_def_cfa_offset 16",
        ".cfi_rel_offset x29, 0",
        ".cfi_rel_offset x30, 8",
        "mov x29, sp",
        ".cfi_def_cfa_register x29",
        "sub sp, sp, x2",
        "blr x1",
        "mov sp, x29",
        "ldp x29, x30, [sp], #16",
        ".cfi_def_cfa sp, 0",
        ".cfi_restore x29",
        ".cfi_restore x30",
        "ret",
        ".cfi_endproc",
    )
}

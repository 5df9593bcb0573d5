//! The way into a goroutine's body on aarch64: with empty callee-saved registers.
//!
//! `core/g/shim_x86_64.rs` says why. Here d8 to d15 are callee-saved as well.
#![allow(unsafe_code, reason = "assembler")]

use std::arch::{asm, naked_asm};
use std::mem::MaybeUninit;

use crate::core::g::goroutine::GRef;

/// How much of the stack is cleared. More than on x86-64: there code reaches a thread-local by a segment
/// register, while here it has the address in a register, and glibc's malloc pushes it. 392 bytes below the
/// first frame were seen in a body of a release build.
const BELOW: usize = 1024;
/// In steps of four stores.
const _: () = assert!(BELOW.is_multiple_of(64));

/// Calls `body(g)` with cleared callee-saved registers, and writes the stack pointer, as it
/// was above the body's frames, to `top`.
///
/// # Safety
/// `top` is valid for writes. `body` does not unwind.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn call(g: GRef, body: extern "C" fn(GRef), top: *mut usize) {
    naked_asm!(
        ".cfi_startproc",
        "stp x29, x30, [sp, #-160]!",
        ".cfi_def_cfa_offset 160",
        ".cfi_rel_offset x29, 0",
        ".cfi_rel_offset x30, 8",
        "stp x19, x20, [sp, #16]",
        ".cfi_rel_offset x19, 16",
        ".cfi_rel_offset x20, 24",
        "stp x21, x22, [sp, #32]",
        ".cfi_rel_offset x21, 32",
        ".cfi_rel_offset x22, 40",
        "stp x23, x24, [sp, #48]",
        ".cfi_rel_offset x23, 48",
        ".cfi_rel_offset x24, 56",
        "stp x25, x26, [sp, #64]",
        ".cfi_rel_offset x25, 64",
        ".cfi_rel_offset x26, 72",
        "stp x27, x28, [sp, #80]",
        ".cfi_rel_offset x27, 80",
        ".cfi_rel_offset x28, 88",
        "stp d8, d9, [sp, #96]",
        ".cfi_rel_offset d8, 96",
        ".cfi_rel_offset d9, 104",
        "stp d10, d11, [sp, #112]",
        ".cfi_rel_offset d10, 112",
        ".cfi_rel_offset d11, 120",
        "stp d12, d13, [sp, #128]",
        ".cfi_rel_offset d12, 128",
        ".cfi_rel_offset d13, 136",
        "stp d14, d15, [sp, #144]",
        ".cfi_rel_offset d14, 144",
        ".cfi_rel_offset d15, 152",
        "mov x9, sp",
        "str x9, [x2]",
        // The stack pointer goes along: what is below it belongs to nobody.
        "sub sp, sp, #{below}",
        ".cfi_adjust_cfa_offset {below}",
        "2:",
        "stp xzr, xzr, [sp]",
        "stp xzr, xzr, [sp, #16]",
        "stp xzr, xzr, [sp, #32]",
        "stp xzr, xzr, [sp, #48]",
        "add sp, sp, #64",
        "cmp sp, x9",
        "b.ne 2b",
        ".cfi_adjust_cfa_offset -{below}",
        "mov x19, xzr",
        "mov x20, xzr",
        "mov x21, xzr",
        "mov x22, xzr",
        "mov x23, xzr",
        "mov x24, xzr",
        "mov x25, xzr",
        "mov x26, xzr",
        "mov x27, xzr",
        "mov x28, xzr",
        "mov x29, xzr", // also ends the chain of frame pointers
        "movi d8, #0",
        "movi d9, #0",
        "movi d10, #0",
        "movi d11, #0",
        "movi d12, #0",
        "movi d13, #0",
        "movi d14, #0",
        "movi d15, #0",
        "blr x1",
        "ldp x19, x20, [sp, #16]",
        ".cfi_restore x19",
        ".cfi_restore x20",
        "ldp x21, x22, [sp, #32]",
        ".cfi_restore x21",
        ".cfi_restore x22",
        "ldp x23, x24, [sp, #48]",
        ".cfi_restore x23",
        ".cfi_restore x24",
        "ldp x25, x26, [sp, #64]",
        ".cfi_restore x25",
        ".cfi_restore x26",
        "ldp x27, x28, [sp, #80]",
        ".cfi_restore x27",
        ".cfi_restore x28",
        "ldp d8, d9, [sp, #96]",
        ".cfi_restore d8",
        ".cfi_restore d9",
        "ldp d10, d11, [sp, #112]",
        ".cfi_restore d10",
        ".cfi_restore d11",
        "ldp d12, d13, [sp, #128]",
        ".cfi_restore d12",
        ".cfi_restore d13",
        "ldp d14, d15, [sp, #144]",
        ".cfi_restore d14",
        ".cfi_restore d15",
        "ldp x29, x30, [sp], #160",
        ".cfi_restore x29",
        ".cfi_restore x30",
        ".cfi_def_cfa_offset 0",
        "ret",
        ".cfi_endproc",
        below = const BELOW,
    )
}

/// What the callee-saved registers hold in the calling function: what its callers keep there, or
/// what it has put there itself, after it had saved theirs in its frame.
#[inline(always)]
pub(crate) fn callee_saved() -> [MaybeUninit<usize>; 19] {
    let mut registers = [MaybeUninit::uninit(); 19];
    // SAFETY: writes to the array that `place` points to, all of it.
    unsafe {
        asm!(
            "stp x19, x20, [{place}]",
            "stp x21, x22, [{place}, #16]",
            "stp x23, x24, [{place}, #32]",
            "stp x25, x26, [{place}, #48]",
            "stp x27, x28, [{place}, #64]",
            "str x29, [{place}, #80]",
            // Not for numbers only: an address that is scarcely needed may wait in one of them.
            "stp d8, d9, [{place}, #88]",
            "stp d10, d11, [{place}, #104]",
            "stp d12, d13, [{place}, #120]",
            "stp d14, d15, [{place}, #136]",
            place = in(reg) registers.as_mut_ptr(),
            options(nostack, preserves_flags),
        );
    }
    registers
}

/// The stack pointer of the calling function.
#[inline(always)]
pub(crate) fn stack_pointer() -> usize {
    let sp: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mov {}, sp", out(reg) sp, options(nomem, nostack, preserves_flags)) };
    sp
}

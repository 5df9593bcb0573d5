//! The way into a goroutine's body on x86-64: with empty callee-saved registers.
//!
//! At a goroutine's start the callee-saved registers hold values of the M's loop, maybe addresses
//! of its thread-locals. The body would push them into its own frames, where they would look like
//! thread-locals that the goroutine holds (`core/sched/README.md#tls-guard`). So the shim saves
//! these registers above the address where the guard's scan ends, and clears them. It also clears
//! the part of the stack that the body's first frame may leave unwritten.
//!
//! Unwinders can pass the shim: the CFI says where the caller's registers are.
#![allow(unsafe_code, reason = "assembler")]

use std::arch::{asm, naked_asm};
use std::mem::MaybeUninit;

use crate::core::g::goroutine::GRef;

/// How much of the stack is cleared: debug builds leave more unwritten.
const BELOW: usize = if cfg!(debug_assertions) { 1024 } else { 128 };

/// Calls `body(g)` with cleared callee-saved registers, and writes the stack pointer, as it
/// was above the body's frames, to `top`.
///
/// # Safety
/// `top` is valid for writes. `body` does not unwind.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn call(g: GRef, body: extern "C" fn(GRef), top: *mut usize) {
    naked_asm!(
        ".cfi_startproc",
        "push rbp",
        ".cfi_adjust_cfa_offset 8",
        ".cfi_rel_offset rbp, 0",
        "push rbx",
        ".cfi_adjust_cfa_offset 8",
        ".cfi_rel_offset rbx, 0",
        "push r12",
        ".cfi_adjust_cfa_offset 8",
        ".cfi_rel_offset r12, 0",
        "push r13",
        ".cfi_adjust_cfa_offset 8",
        ".cfi_rel_offset r13, 0",
        "push r14",
        ".cfi_adjust_cfa_offset 8",
        ".cfi_rel_offset r14, 0",
        "push r15",
        ".cfi_adjust_cfa_offset 8",
        ".cfi_rel_offset r15, 0",
        "sub rsp, 8", // a call wants it aligned to 16
        ".cfi_adjust_cfa_offset 8",
        "mov [rdx], rsp",
        // The stack pointer goes along: what is below it belongs to nobody (psABI; memcheck says so).
        "mov rax, rsp",
        "sub rsp, {below}",
        ".cfi_adjust_cfa_offset {below}",
        "xorps xmm0, xmm0",
        "2:",
        "movaps [rsp], xmm0",
        "add rsp, 16",
        "cmp rsp, rax",
        "jne 2b",
        ".cfi_adjust_cfa_offset -{below}",
        // Not the callee's to keep, but compilers push it as it is, to align their frames.
        "xor eax, eax",
        "xor ebx, ebx",
        "xor ebp, ebp", // also ends the chain of frame pointers
        "xor r12d, r12d",
        "xor r13d, r13d",
        "xor r14d, r14d",
        "xor r15d, r15d",
        "call rsi",
        "add rsp, 8",
        ".cfi_adjust_cfa_offset -8",
        "pop r15",
        ".cfi_adjust_cfa_offset -8",
        ".cfi_restore r15",
        "pop r14",
        ".cfi_adjust_cfa_offset -8",
        ".cfi_restore r14",
        "pop r13",
        ".cfi_adjust_cfa_offset -8",
        ".cfi_restore r13",
        "pop r12",
        ".cfi_adjust_cfa_offset -8",
        ".cfi_restore r12",
        "pop rbx",
        ".cfi_adjust_cfa_offset -8",
        ".cfi_restore rbx",
        "pop rbp",
        ".cfi_adjust_cfa_offset -8",
        ".cfi_restore rbp",
        "ret",
        ".cfi_endproc",
        below = const BELOW,
    )
}

/// What the callee-saved registers hold in the calling function: what its callers keep there, or
/// what it has put there itself, after it had saved theirs in its frame.
#[inline(always)]
pub(crate) fn callee_saved() -> [MaybeUninit<usize>; 6] {
    let mut registers = [MaybeUninit::uninit(); 6];
    // SAFETY: writes to the array that `place` points to, all of it.
    unsafe {
        asm!(
            "mov [{place}], rbx",
            "mov [{place} + 8], rbp",
            "mov [{place} + 16], r12",
            "mov [{place} + 24], r13",
            "mov [{place} + 32], r14",
            "mov [{place} + 40], r15",
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
    unsafe { asm!("mov {}, rsp", out(reg) sp, options(nomem, nostack, preserves_flags)) };
    sp
}

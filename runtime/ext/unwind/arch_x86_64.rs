//! What a walk must know of x86-64: registers by their DWARF numbers, what a switch pushes, and a frame
//! that sends an unwinder elsewhere.
#![allow(unsafe_code, reason = "assembler")]

use std::arch::{asm, naked_asm};
use std::ffi::c_void;

/// The frame pointer's number.
pub(crate) const FP: usize = 6;
/// The stack pointer's.
pub(crate) const SP: usize = 7;
/// Where the return address goes.
pub(crate) const RETURN: usize = 16;

/// How many bytes corosensei's `switch_yield` pushes onto the stack that it leaves.
pub(crate) const PUSHED: usize = 24;
/// Where among them the place to go on is.
pub(crate) const PUSHED_PC: usize = 0;
/// Where among them the frame pointer is.
pub(crate) const PUSHED_FP: usize = 16;

/// The instruction, the stack pointer and the frame pointer of the calling function.
#[inline(always)]
pub(crate) fn pc_sp_fp() -> (usize, usize, usize) {
    let (pc, sp, fp): (usize, usize, usize);
    // SAFETY: reads registers.
    unsafe {
        asm!(
            "lea {pc}, [rip]",
            "mov {sp}, rsp",
            "mov {fp}, rbp",
            pc = out(reg) pc,
            sp = out(reg) sp,
            fp = out(reg) fp,
            options(nomem, nostack, preserves_flags),
        );
    }
    (pc, sp, fp)
}

/// Calls `f(data)`. To an unwinder its caller is at `[pc, sp, fp]` (`ext/unwind/replay.rs`).
///
/// # Safety
/// `f` may be called with `data`. What `caller` points to stands until this returns: its `sp` and `fp`
/// are in the middle of memory that can be read.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn as_called_by(
    caller: *const [usize; 3],
    f: unsafe extern "C" fn(*mut c_void),
    data: *mut c_void,
) {
    naked_asm!(
        ".cfi_startproc",
        "push rbx",
        "mov rbx, rdi",
        "mov rdi, rdx",
        // The caller's frame: DW_CFA_def_cfa_expression, *(rbx + 8).
        ".cfi_escape 0x0f, 3, 0x73, 8, 0x06",
        // Its registers: DW_CFA_expression, where they are. rip at rbx, rbp at rbx + 16; the others
        // hold some address of the stack of zeros.
        ".cfi_escape 0x10, 16, 2, 0x73, 0",
        ".cfi_escape 0x10, 6, 2, 0x73, 16",
        ".cfi_escape 0x10, 3, 2, 0x73, 8",
        ".cfi_escape 0x10, 12, 2, 0x73, 8",
        ".cfi_escape 0x10, 13, 2, 0x73, 8",
        ".cfi_escape 0x10, 14, 2, 0x73, 8",
        ".cfi_escape 0x10, 15, 2, 0x73, 8",
        "call rsi",
        "nop",
        "pop rbx",
        "ret",
        ".cfi_endproc",
    )
}

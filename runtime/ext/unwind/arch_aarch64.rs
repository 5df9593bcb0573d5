//! What a walk must know of aarch64: registers by their DWARF numbers, what a switch pushes, and a frame
//! that sends an unwinder elsewhere.
#![allow(unsafe_code, reason = "assembler")]

use std::arch::{asm, naked_asm};
use std::ffi::c_void;

/// The frame pointer's number.
pub(crate) const FP: usize = 29;
/// The stack pointer's.
pub(crate) const SP: usize = 31;
/// Where the return address goes.
pub(crate) const RETURN: usize = 30;

/// How many bytes corosensei's `switch_yield` pushes onto the stack that it leaves.
pub(crate) const PUSHED: usize = 32;
/// Where among them the place to go on is.
pub(crate) const PUSHED_PC: usize = 16;
/// Where among them the frame pointer is.
pub(crate) const PUSHED_FP: usize = 8;

/// The instruction, the stack pointer and the frame pointer of the calling function.
#[inline(always)]
pub(crate) fn pc_sp_fp() -> (usize, usize, usize) {
    let (pc, sp, fp): (usize, usize, usize);
    // SAFETY: reads registers.
    unsafe {
        asm!(
            "adr {pc}, .",
            "mov {sp}, sp",
            "mov {fp}, x29",
            pc = out(reg) pc,
            sp = out(reg) sp,
            fp = out(reg) fp,
            options(nomem, nostack, preserves_flags),
        );
    }
    (pc, sp, fp)
}

/// Calls `f(data)`. To an unwinder its caller is at `[pc, sp, fp]` (`ext/unwind/replay.rs`). The place
/// is in a column that is no register of the place's function (x16): x30 may be one.
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
        ".cfi_return_column 16",
        "stp x19, x30, [sp, #-16]!",
        "mov x19, x0",
        "mov x0, x2",
        // The caller's frame: DW_CFA_def_cfa_expression, *(x19 + 8).
        ".cfi_escape 0x0f, 3, 0x83, 8, 0x06",
        // The place at x19, x29 at x19 + 16; x30 is some address of the stack of zeros.
        ".cfi_escape 0x10, 16, 2, 0x83, 0",
        ".cfi_escape 0x10, 29, 2, 0x83, 16",
        ".cfi_escape 0x10, 30, 2, 0x83, 8",
        ".cfi_escape 0x10, 19, 2, 0x83, 8",
        "blr x1",
        "nop",
        "ldp x19, x30, [sp], #16",
        "ret",
        ".cfi_endproc",
    )
}

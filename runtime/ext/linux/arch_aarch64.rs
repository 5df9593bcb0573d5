//! The registers and instructions of aarch64 that the extras need. `ext/unwind/arch_aarch64.rs` has those
//! by which frames are found.
#![allow(unsafe_code, reason = "assembler, and the kernel's saved registers")]

use std::arch::{asm, naked_asm};

/// The thread pointer: the register that thread-locals are addressed by.
#[inline]
pub(crate) fn thread_pointer() -> usize {
    let pointer: usize;
    // SAFETY: reads a register.
    unsafe { asm!("mrs {}, tpidr_el0", out(reg) pointer, options(nostack, preserves_flags)) };
    pointer
}

/// The thread's table of blocks: the first word of the control block (psABI).
#[inline]
pub(crate) fn dtv() -> *const usize {
    let dtv: usize;
    // SAFETY: within the control block.
    unsafe {
        asm!("mrs {0}, tpidr_el0", "ldr {0}, [{0}]", out(reg) dtv,
            options(nostack, preserves_flags, readonly));
    }
    dtv as *const usize
}

/// A word that the compiler does not see being read.
///
/// # Safety
/// It is mapped.
pub(crate) unsafe fn read_unseen(from: *const usize) -> usize {
    let word;
    // SAFETY: the caller's promise.
    unsafe {
        asm!("ldr {}, [{}]", out(reg) word, in(reg) from, options(nostack, preserves_flags, readonly));
    }
    word
}

/// A request to valgrind, by its number and its arguments (valgrind.h). Zero without valgrind.
#[inline]
pub(crate) fn valgrind_request(arguments: &[usize; 6]) -> usize {
    let answer;
    // SAFETY: rotates x12 once around, and ors x10 with itself.
    unsafe {
        asm!(
            "ror x12, x12, #3",
            "ror x12, x12, #13",
            "ror x12, x12, #51",
            "ror x12, x12, #61",
            "orr x10, x10, x10",
            inout("x3") 0_usize => answer,
            in("x4") arguments.as_ptr(),
            options(nostack),
        );
    }
    answer
}

/// The generic timer's virtual count.
#[inline]
pub(crate) fn counter() -> u64 {
    let count: u64;
    // SAFETY: Linux lets programs read this register.
    unsafe {
        asm!("mrs {}, cntvct_el0", out(reg) count, options(nomem, nostack, preserves_flags))
    };
    count
}

/// Does the counter go on at one rate, whatever the CPU does? The architecture says so.
pub(crate) fn is_steady() -> bool {
    true
}

/// The stack pointer in what the kernel saved.
pub(crate) fn stack_pointer(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.sp as usize
}

/// The instruction that was interrupted.
pub(crate) fn program_counter(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.pc as usize
}

/// The frame pointer, or what else the program keeps in that register.
pub(crate) fn frame_pointer(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.regs[29] as usize
}

/// The address of `psm`'s function that switches stacks, 0 if it is not linked in: a weak reference.
pub(crate) fn address_of_psm() -> usize {
    let function: usize;
    // SAFETY: loads an address that the linker has filled in.
    unsafe {
        asm!(
            ".weak rust_psm_on_stack",
            "adrp {0}, :got:rust_psm_on_stack",
            "ldr {0}, [{0}, :got_lo12:rust_psm_on_stack]",
            out(reg) function,
            options(nostack, preserves_flags, readonly),
        );
    }
    function
}

/// Calls `f(arg)` with the stack pointer `bytes` (a multiple of 16) further down. What lies
/// between is not touched.
///
/// # Safety
/// The stack has that much room. `f` does not unwind.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn call_further_down(
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

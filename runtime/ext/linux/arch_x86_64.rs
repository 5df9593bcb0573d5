//! The registers and instructions of x86-64 that the extras need. `ext/unwind/arch_x86_64.rs` has those
//! by which frames are found.
#![allow(unsafe_code, reason = "assembler, and the kernel's saved registers")]

use std::arch::{asm, naked_asm};

/// The thread pointer: the register that thread-locals are addressed by.
#[inline]
pub(crate) fn thread_pointer() -> usize {
    let pointer: usize;
    // SAFETY: the first word of the control block is its own address (psABI).
    unsafe {
        asm!("mov {}, fs:[0]", out(reg) pointer, options(nostack, preserves_flags, readonly))
    };
    pointer
}

/// The thread's table of blocks: the second word of the control block (psABI).
#[inline]
pub(crate) fn dtv() -> *const usize {
    let dtv: usize;
    // SAFETY: within the control block.
    unsafe {
        asm!("mov {}, fs:[8]", out(reg) dtv, options(nostack, preserves_flags, readonly))
    };
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
        asm!("mov {}, [{}]", out(reg) word, in(reg) from, options(nostack, preserves_flags, readonly));
    }
    word
}

/// A request to valgrind, by its number and its arguments (valgrind.h). Zero without valgrind.
#[inline]
pub(crate) fn valgrind_request(arguments: &[usize; 6]) -> usize {
    let answer;
    // SAFETY: rotates rdi once around, and exchanges rbx with itself.
    unsafe {
        asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            inout("rdx") 0_usize => answer,
            in("rax") arguments.as_ptr(),
            options(nostack),
        );
    }
    answer
}

/// The time stamp counter. It counts at one rate on all CPUs where [`is_steady`].
#[inline]
pub(crate) fn counter() -> u64 {
    // SAFETY: every x86-64 CPU has the instruction; where the kernel forbids it, no program runs.
    unsafe { std::arch::x86_64::_rdtsc() }
}

/// Does the counter go on at one rate, whatever the CPU does?
pub(crate) fn is_steady() -> bool {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let has = |flag| text.split_ascii_whitespace().any(|word| word == flag);
    has("constant_tsc") && has("nonstop_tsc")
}

/// The stack pointer in what the kernel saved.
pub(crate) fn stack_pointer(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.gregs[libc::REG_RSP as usize] as usize
}

/// The instruction that was interrupted.
pub(crate) fn program_counter(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.gregs[libc::REG_RIP as usize] as usize
}

/// The frame pointer, or what else the program keeps in that register.
pub(crate) fn frame_pointer(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.gregs[libc::REG_RBP as usize] as usize
}

/// The address of `psm`'s function that switches stacks, 0 if it is not linked in: a weak reference.
pub(crate) fn address_of_psm() -> usize {
    let function: usize;
    // SAFETY: loads an address that the linker has filled in.
    unsafe {
        asm!(
            ".weak rust_psm_on_stack",
            "mov {}, qword ptr [rip + rust_psm_on_stack@GOTPCREL]",
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

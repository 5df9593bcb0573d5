//! What valgrind must be told: by instructions that it knows, and that do nothing elsewhere.
//!
//! Stacks, so that a switch is not taken for a call with a huge frame; and that the guard's scan may
//! read words which nobody has written.
//!
//! valgrind.h, memcheck.h.
#![allow(unsafe_code, reason = "instructions that valgrind looks for")]

use std::arch::asm;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use crate::sys::mem::Span;

const STACK_REGISTER: usize = 0x1501;
const CHANGE_ERR_DISABLEMENT: usize = 0x1801;
const MEMCHECK: usize = (b'M' as usize) << 24 | (b'C' as usize) << 16;
const MAKE_MEM_UNDEFINED: usize = MEMCHECK + 1;
const MAKE_MEM_DEFINED: usize = MEMCHECK + 2;

/// Zero without valgrind.
#[inline]
fn request(code: usize, first: usize, second: usize) -> usize {
    let arguments = [code, first, second, 0, 0, 0];
    let answer;
    #[cfg(target_arch = "x86_64")]
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
    #[cfg(target_arch = "aarch64")]
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

/// The one of valgrind's tools that complains. Known from the first stack on.
static MEMCHECKED: AtomicBool = AtomicBool::new(false);

/// Here is a stack.
#[inline]
pub(crate) fn register_stack(stack: Span) {
    // Only memcheck answers anything but 0.
    MEMCHECKED.store(request(MAKE_MEM_UNDEFINED, stack.addr, 0) != 0, Relaxed);
    request(STACK_REGISTER, stack.addr, stack.addr + stack.len);
}

/// Does memcheck run us?
#[inline]
pub(crate) fn is_memcheck() -> bool {
    MEMCHECKED.load(Relaxed)
}

/// Somebody is about to begin at the upper end of this, and not where its last user left it.
#[inline]
pub(crate) fn begin_stack(free: Span) {
    request(MAKE_MEM_UNDEFINED, free.addr, free.len);
}

/// Calls `f`, which may look at memory that nobody has written, and believes its answer.
#[inline(always)]
pub(crate) fn without_complaints(f: impl FnOnce() -> bool) -> bool {
    request(CHANGE_ERR_DISABLEMENT, 1, 0);
    let mut answer = f();
    request(
        MAKE_MEM_DEFINED,
        (&raw mut answer).addr(),
        size_of::<bool>(),
    );
    request(CHANGE_ERR_DISABLEMENT, usize::MAX, 0);
    answer
}

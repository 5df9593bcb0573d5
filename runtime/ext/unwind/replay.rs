//! Shows std's unwinder a place in the program as if it were our caller.
//!
//! std has a symbolizer, but tells only the names of the frames that it finds on the stack of its
//! caller. So `through` is a function whose unwind table sends the unwinder to any place that we
//! name. What lies beyond it is a stack of zeros, so there the unwinder is at its end.
#![allow(unsafe_code, reason = "assembler")]

use std::arch::naked_asm;
use std::ffi::c_void;

use crate::ext::unwind::objects::Object;
use crate::ext::unwind::registers::{FP, RETURN, SP};
use crate::ext::unwind::rules::{Frame, Rule};
use crate::ext::unwind::table::find;

/// The part of the symbol's name that tells where our own frames end.
pub(crate) const NAME: &str = "replay::through";

/// Frames larger than this are not shown to std.
const LARGEST: usize = 4 << 20;

/// What the unwinder finds in the caller's registers.
#[repr(C)]
struct Caller {
    pc: usize,
    sp: usize,
    fp: usize,
}

/// A stack on which there is nothing.
pub(crate) struct Empty(Vec<usize>);

impl Empty {
    pub(crate) fn new() -> Empty {
        Empty(vec![0; 3 * LARGEST / size_of::<usize>()]) // never written: it takes no memory
    }

    fn middle(&self) -> usize {
        (self.0.as_ptr().addr() + LARGEST) & !63
    }
}

/// Runs `f` as if the function with the instruction `at` had called it. Returns `false` if that
/// function finds its own caller in a way that needs more than a stack of zeros.
pub(crate) fn as_if_from(
    objects: &[Object],
    at: usize,
    empty: &Empty,
    f: &mut dyn FnMut(),
) -> bool {
    let Some(found) = find(objects, at) else {
        return false;
    };
    let near = |offset: i64| offset.unsigned_abs() < LARGEST as u64;
    let returns = match found.row.rules[RETURN] {
        Rule::At(offset) => near(offset),
        // On aarch64, before a function saves x30; there is an address of the stack of zeros.
        Rule::Same => true,
        _ => false,
    };
    let plain =
        returns && matches!(found.row.frame, Frame::From(SP | FP, offset) if near(offset));
    if plain {
        let caller = Caller {
            pc: at + 1, // as if it were the instruction behind a call
            sp: empty.middle(),
            fp: empty.middle(),
        };
        let mut f = f;
        // SAFETY: `call` gets what it expects, and `caller` and the stack live until it returns.
        unsafe { through(&raw const caller, call, (&raw mut f).cast()) };
    }
    plain
}

unsafe extern "C" fn call(f: *mut c_void) {
    // SAFETY: `as_if_from` passes its `f`, which nobody else uses meanwhile.
    let f = unsafe { &mut *f.cast::<&mut dyn FnMut()>() };
    f();
}

/// Calls `f(data)`.
///
/// # Safety
/// `f` may be called with `data`. What `caller` says stands until this returns: its `sp` and `fp` are
/// in the middle of memory that can be read.
#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
unsafe extern "C" fn through(
    caller: *const Caller,
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

/// As on x86-64. The place is in a column that is no register of the place's function (x16): x30 may be one.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
unsafe extern "C" fn through(
    caller: *const Caller,
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

//! What differs between processors: where a function is now, and where a switch leaves that.
#![allow(unsafe_code, reason = "reads registers")]

use std::arch::asm;

use crate::ext::unwind::registers::Place;

/// What corosensei's `switch_yield` pushes onto the stack that it leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pushed {
    pub(crate) bytes: usize,
    /// Where among them the place to go on is, and the frame pointer.
    pub(crate) pc: usize,
    pub(crate) fp: usize,
}

#[cfg(target_arch = "x86_64")]
pub(crate) const PUSHED: Pushed = Pushed {
    bytes: 24,
    pc: 0,
    fp: 16,
};

#[cfg(target_arch = "aarch64")]
pub(crate) const PUSHED: Pushed = Pushed {
    bytes: 32,
    pc: 16,
    fp: 8,
};

/// The place of the calling function, which must not return while it is of use.
#[inline(always)]
pub(crate) fn here() -> Place {
    let (pc, sp, fp): (usize, usize, usize);
    #[cfg(target_arch = "x86_64")]
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
    #[cfg(target_arch = "aarch64")]
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
    Place {
        pc,
        sp,
        fp,
        interrupted: true,
    }
}

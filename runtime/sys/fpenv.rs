//! The control bits of the floating-point unit: rounding, exceptions that trap, denormals.
//!
//! The psABI has them preserved by calls, as callee-saved registers are, so each goroutine keeps its
//! own: a switch compares them and loads them only where somebody has changed them, since loading
//! costs ten times what reading does. The status bits beside them belong to nobody.
//!
//! A new goroutine gets those of the thread that started the runtime, as threads get their
//! creator's.
#![allow(unsafe_code, reason = "reads and writes control registers")]

use std::arch::asm;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Those of a thread, or of a goroutine that is off its thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FpControl(Words);

#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Words {
    mxcsr: u32,
    x87: u16,
}

/// In MXCSR: which exceptions there were.
#[cfg(target_arch = "x86_64")]
const STATUS: u32 = 0x3f;

#[cfg(target_arch = "x86_64")]
impl FpControl {
    /// The calling thread's.
    #[inline(always)]
    pub(crate) fn now() -> FpControl {
        let mut words = std::mem::MaybeUninit::<Words>::uninit();
        // SAFETY: writes four bytes and two, to where they belong in `words`.
        unsafe {
            asm!(
                "stmxcsr [{at}]",
                "fnstcw [{at} + 4]",
                at = in(reg) words.as_mut_ptr(),
                options(nostack, preserves_flags),
            );
        }
        // SAFETY: both were written.
        FpControl(unsafe { words.assume_init() })
    }

    #[inline(always)]
    fn differs(self, from: FpControl) -> bool {
        let mxcsr = (self.0.mxcsr ^ from.0.mxcsr) & !STATUS;
        mxcsr | u32::from(self.0.x87 ^ from.0.x87) != 0
    }

    /// Into the registers. What the x87 unit has of other people's exceptions is dropped: they
    /// might trap now.
    #[cold]
    fn load(self) {
        let mxcsr = self.0.mxcsr & !STATUS;
        // SAFETY: values that these registers had.
        unsafe {
            asm!(
                "ldmxcsr [{mxcsr}]",
                "fnclex",
                "fldcw [{x87}]",
                mxcsr = in(reg) &raw const mxcsr,
                x87 = in(reg) &raw const self.0.x87,
                options(nostack, preserves_flags, readonly),
            );
        }
    }

    fn to_bits(self) -> u64 {
        u64::from(self.0.mxcsr & !STATUS) << 16 | u64::from(self.0.x87)
    }

    fn from_bits(bits: u64) -> FpControl {
        FpControl(Words {
            mxcsr: (bits >> 16) as u32,
            x87: bits as u16,
        })
    }
}

/// FPCR.
#[cfg(target_arch = "aarch64")]
type Words = u64;

#[cfg(target_arch = "aarch64")]
impl FpControl {
    /// The calling thread's.
    #[inline(always)]
    pub(crate) fn now() -> FpControl {
        let fpcr: u64;
        // SAFETY: reads a register.
        unsafe {
            asm!("mrs {}, fpcr", out(reg) fpcr, options(nomem, nostack, preserves_flags))
        };
        FpControl(fpcr)
    }

    #[inline(always)]
    fn differs(self, from: FpControl) -> bool {
        self.0 != from.0
    }

    #[cold]
    fn load(self) {
        // SAFETY: a value that this register had.
        unsafe {
            asm!("msr fpcr, {}", in(reg) self.0, options(nomem, nostack, preserves_flags))
        };
    }

    fn to_bits(self) -> u64 {
        self.0
    }

    fn from_bits(bits: u64) -> FpControl {
        FpControl(bits)
    }
}

impl FpControl {
    /// The calling thread's are these from now on.
    #[inline(always)]
    pub(crate) fn restore(self) {
        if self.differs(FpControl::now()) {
            self.load();
        }
    }
}

/// Those that a goroutine starts with.
static INITIAL: AtomicU64 = AtomicU64::new(0);

/// By the thread that starts the runtime, before there is a goroutine.
pub(crate) fn inherit() {
    INITIAL.store(FpControl::now().to_bits(), Relaxed);
}

/// A goroutine's first moment, on a thread where others were before.
#[inline(always)]
pub(crate) fn begin() {
    FpControl::from_bits(INITIAL.load(Relaxed)).restore();
}

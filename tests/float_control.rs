//! The control bits of the floating-point unit are a goroutine's own, as callee-saved registers are.
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#![allow(unsafe_code, reason = "control registers")]

mod support;

use std::arch::asm;
use std::hint::black_box;

use gosched::thread;
use support::check;

/// Which way quotients are rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rounding {
    Nearest,
    Down,
    Up,
    Zero,
}

use Rounding::{Down, Nearest, Up, Zero};

#[cfg(target_arch = "x86_64")]
fn set(to: Rounding) {
    let bits = to as u32;
    let (mut mxcsr, mut x87) = (0_u32, 0_u16);
    // SAFETY: the registers, to variables of their size.
    unsafe {
        asm!("stmxcsr [{}]", "fnstcw [{}]", in(reg) &raw mut mxcsr, in(reg) &raw mut x87)
    };
    mxcsr = mxcsr & !(3 << 13) | bits << 13;
    x87 = x87 & !(3 << 10) | (bits as u16) << 10;
    // SAFETY: rounding only.
    unsafe {
        asm!("ldmxcsr [{}]", "fldcw [{}]", in(reg) &raw const mxcsr, in(reg) &raw const x87)
    };
}

#[cfg(target_arch = "x86_64")]
fn get() -> Rounding {
    let (mut mxcsr, mut x87) = (0_u32, 0_u16);
    // SAFETY: the registers, to variables of their size.
    unsafe {
        asm!("stmxcsr [{}]", "fnstcw [{}]", in(reg) &raw mut mxcsr, in(reg) &raw mut x87)
    };
    assert_eq!(
        mxcsr >> 13 & 3,
        u32::from(x87 >> 10 & 3),
        "SSE and x87 differ"
    );
    [Nearest, Down, Up, Zero][mxcsr as usize >> 13 & 3]
}

#[cfg(target_arch = "aarch64")]
fn set(to: Rounding) {
    let bits: u64 = [0, 2, 1, 3][to as usize];
    // SAFETY: rounding only.
    unsafe {
        asm!("mrs {0}, fpcr", "bic {0}, {0}, #0xc00000", "orr {0}, {0}, {1}", "msr fpcr, {0}",
            out(reg) _, in(reg) bits << 22);
    }
}

#[cfg(target_arch = "aarch64")]
fn get() -> Rounding {
    let fpcr: u64;
    // SAFETY: reads a register.
    unsafe { asm!("mrs {}, fpcr", out(reg) fpcr) };
    [Nearest, Up, Down, Zero][fpcr as usize >> 22 & 3]
}

#[test]
fn each_goroutine_keeps_its_rounding() {
    check(|| {
        thread::scope(|s| {
            for i in 0..16 {
                s.spawn(move || {
                    assert_eq!(get(), Nearest, "somebody else's");
                    let mine = [Nearest, Down, Up, Zero][i % 4];
                    set(mine);
                    let third = black_box(1.0) / black_box(3.0_f64);
                    for round in 0..300 {
                        match (i + round) % 3 {
                            0 => thread::yield_now(),
                            1 => thread::sleep(std::time::Duration::from_micros(20)),
                            // A new one does not get ours.
                            _ => thread::spawn(|| assert_eq!(get(), Nearest)).join().unwrap(),
                        }
                        assert_eq!(get(), mine);
                        assert_eq!(black_box(1.0) / black_box(3.0_f64), third);
                    }
                    // Left as it is: the next goroutine here must not have it.
                });
            }
        });
        assert_eq!(get(), Nearest);
    });
}

//! The control bits of the floating-point unit belong to the thread: a goroutine that changes them
//! over a wait locks itself to it, and nobody else meets them (`docs/thread-locals.md`).
#![cfg(target_arch = "x86_64")]
#![allow(unsafe_code, reason = "control registers")]

mod support;

use std::arch::asm;
use std::hint::black_box;
use std::time::Duration;

use gosched::thread;
use support::check;

const NEAREST: u32 = 0;
const UP: u32 = 2;

/// Which way is rounded, as C's `fesetround`.
fn set(rounding: u32) {
    let (mut mxcsr, mut x87) = (0_u32, 0_u16);
    // SAFETY: the registers, to variables of their size.
    unsafe {
        asm!("stmxcsr [{}]", "fnstcw [{}]", in(reg) &raw mut mxcsr, in(reg) &raw mut x87)
    };
    mxcsr = mxcsr & !(3 << 13) | rounding << 13;
    x87 = x87 & !(3 << 10) | (rounding as u16) << 10;
    // SAFETY: rounding only.
    unsafe {
        asm!("ldmxcsr [{}]", "fldcw [{}]", in(reg) &raw const mxcsr, in(reg) &raw const x87)
    };
}

fn get() -> u32 {
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
    mxcsr >> 13 & 3
}

fn third() -> f64 {
    black_box(1.0) / black_box(3.0)
}

#[test]
fn who_is_locked_keeps_its_rounding_and_nobody_gets_it() {
    check(|| {
        let nearest = third();
        thread::scope(|s| {
            for i in 0..12 {
                s.spawn(move || {
                    let locked = i % 3 == 0;
                    if locked {
                        gosched::lock_os_thread();
                        set(UP);
                    }
                    for round in 0..200 {
                        match (i + round) % 3 {
                            0 => thread::yield_now(),
                            1 => thread::sleep(Duration::from_micros(20)),
                            _ => thread::spawn(|| assert_eq!(get(), NEAREST)).join().unwrap(),
                        }
                        assert_eq!(get(), if locked { UP } else { NEAREST });
                        assert_eq!(third() > nearest, locked);
                    }
                    // Left as it is by some: their threads end with them.
                    if locked && i % 2 == 0 {
                        set(NEAREST);
                        gosched::unlock_os_thread();
                    }
                });
            }
        });
        assert_eq!(get(), NEAREST);
    });
}

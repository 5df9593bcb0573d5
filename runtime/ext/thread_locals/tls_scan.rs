//! The guard's scan: it looks for an address of a thread's thread-locals in a goroutine's stack.
//!
//! The scan begins at the stack pointer that `suspend` noted, below which nothing is alive. It
//! ends at the stack pointer that the entry shim noted, above which the frames are the
//! scheduler's. 6 ns for 512 bytes, 35 ns for 4 KiB (measured, with AVX2; without 9 and 136).
#![allow(unsafe_code, reason = "reads a suspended goroutine's stack")]

use crate::ext::linux::arch::read_unseen;
use crate::ext::linux::tls_ranges::TlsRanges;
use crate::ext::linux::valgrind;
use crate::ext::stackalloc::Slot;
use crate::ext::stackalloc::SlotRef;
use crate::ext::thread_locals::cpu_scan::any_within;

/// Does the stack of a suspended goroutine hold addresses in the window? In any part of it: what
/// it stands on, and what that continues (`ext/growth/segment.rs`).
pub(crate) fn is_tainted(window: &TlsRanges, slot: SlotRef) -> bool {
    let version = window.version();
    let tainted = slot.chain().any(|slot| is_part_tainted(window, slot));
    // It was written to meanwhile: who knows what an address in it was.
    tainted || !window.unchanged_since(version)
}

fn is_part_tainted(window: &TlsRanges, slot: &Slot) -> bool {
    let Some((from, to)) = slot.live_frames() else {
        return true; // suspended on some other stack: not to be seen through
    };
    if valgrind::is_memcheck() {
        return look_patiently(window, from, to);
    }
    // SAFETY: within the slot, and mapped.
    unsafe { holds_address(window, from, to) }
}

/// For memcheck, which reports words that were never written. Not on the usual path.
#[cold]
#[inline(never)]
fn look_patiently(window: &TlsRanges, from: usize, to: usize) -> bool {
    // SAFETY: the caller's range, within a slot.
    valgrind::without_complaints(|| unsafe { holds_address(window, from, to) })
}

/// Is there a word in `[from, to)` that is an address in the window? Aligned words only: no
/// compiler spills a pointer elsewhere.
///
/// # Safety
/// The range is mapped. If another thread writes to it meanwhile, the caller does not rely on the
/// result.
#[inline(always)]
unsafe fn holds_address(window: &TlsRanges, from: usize, to: usize) -> bool {
    let words = from.next_multiple_of(8) as *const usize;
    let count = (to / 8).saturating_sub(from.div_ceil(8));
    if cfg!(feature = "sanitizer") {
        return (0..count).any(|i| {
            // SAFETY: the caller's promise. Maybe the word is between two variables, where a
            // sanitizer lets no compiled code look.
            let word = unsafe { read_unseen(words.wrapping_add(i)) };
            let within = |(start, len): (usize, usize)| word.wrapping_sub(start) < len;
            within(window.main()) || window.others().any(within)
        });
    }
    // SAFETY: the caller's promise. What a program left unwritten there are words to us all
    // the same: the compiler cannot see where they come from.
    let words = unsafe { std::slice::from_raw_parts(words, count) };
    let (start, len) = window.main();
    any_within(words, start, len) || window.others().any(|(s, l)| any_within(words, s, l))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::core::sys::clock::nanotime;
    use std::cell::Cell;
    use std::hint::black_box;

    thread_local! {
        static LOCAL: Cell<u32> = const { Cell::new(0) };
        static LATER: Cell<Option<Box<u32>>> = const { Cell::new(None) };
    }

    fn holds(window: &TlsRanges, words: &[usize]) -> bool {
        let range = words.as_ptr_range();
        // SAFETY: a slice of ours.
        unsafe { holds_address(window, range.start.addr(), range.end.addr()) }
    }

    fn my_window() -> TlsRanges {
        let window = TlsRanges::unknown();
        window.take(4096);
        window
    }

    #[test]
    fn a_thread_finds_its_own_thread_locals_and_no_other_s() {
        let (theirs, errno) = std::thread::spawn(|| {
            // SAFETY: always a good address.
            let errno = unsafe { libc::__errno_location() }.addr();
            LATER.set(Some(Box::new(1)));
            (LOCAL.with(|l| std::ptr::from_ref(l).addr()), errno)
        })
        .join()
        .unwrap();
        std::thread::spawn(move || {
            let window = my_window();
            let local = LOCAL.with(|l| std::ptr::from_ref(l).addr());
            let later = LATER.with(|l| std::ptr::from_ref(l).addr());
            // SAFETY: always a good address.
            let my_errno = unsafe { libc::__errno_location() }.addr();
            for address in [local, local + 3, local - 1000, later, my_errno] {
                let mut words = vec![1usize; 77];
                assert!(!holds(&window, &words));
                words[60] = address;
                assert!(holds(&window, &words), "{address:x}");
            }
            let heap = Box::new(0);
            let others = [
                std::ptr::from_ref(&*heap).addr(),
                my_window as *const () as usize,
                0,
                usize::MAX,
            ];
            assert!(!holds(&window, &others));
            // The threads' mappings may be the same one, used twice.
            if theirs != local {
                assert!(!holds(&window, &[theirs, errno]));
            }
            assert!(!window.is_stale());
        })
        .join()
        .unwrap();
    }

    #[test]
    fn before_the_window_is_taken_every_word_is_an_address() {
        assert!(holds(&TlsRanges::unknown(), &[12345]));
    }

    /// `cargo test --release --lib measure -- --ignored --nocapture`
    #[test]
    #[ignore = "measures"]
    fn measure_scans() {
        let window = my_window();
        for bytes in [128, 256, 512, 1024, 4096, 16384] {
            let words: Vec<usize> = (0..bytes / 8).map(|i| i * 4096).collect();
            let start = nanotime();
            for _ in 0..100_000 {
                black_box(holds(black_box(&window), black_box(&words)));
            }
            let picos = (nanotime() - start) / 100;
            eprintln!("{bytes:6} bytes: {}.{:03} ns", picos / 1000, picos % 1000);
        }
        let start = nanotime();
        for _ in 0..1_000_000 {
            black_box(black_box(&window).is_stale());
        }
        eprintln!("is_stale: {} ps", (nanotime() - start) / 1000);
        let start = nanotime();
        for _ in 0..1_000_000 {
            black_box(std::thread::panicking());
        }
        eprintln!("panicking: {} ps", (nanotime() - start) / 1000);
        let start = nanotime();
        for _ in 0..1_000_000 {
            black_box(crate::core::m::current::this_m().is_none());
        }
        eprintln!("this_m: {} ps", (nanotime() - start) / 1000);
        #[inline(never)]
        fn out_of_line() -> u32 {
            LOCAL.get()
        }
        let start = nanotime();
        for _ in 0..1_000_000 {
            black_box(out_of_line());
        }
        eprintln!("out of line: {} ps", (nanotime() - start) / 1000);
    }
}

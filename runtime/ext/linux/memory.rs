//! Memory from the kernel: the functions of `core/sys/mem.rs`, and others to forbid, advise, ask
//! and give back.
//!
//! The functions do not allocate or lock, so they may be called from the runtime's
//! non-preemptible regions and from signal handlers.
#![allow(unsafe_code, reason = "mprotect(2), madvise(2) and their relatives")]

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

pub(crate) use crate::core::sys::mem::{Errno, Span, commit, page_size, reserve};
use crate::core::sys::mem::{answer, last_errno, reserve_near};

impl Span {
    pub(crate) const EMPTY: Span = Span { addr: 0, len: 0 };
}

/// What to tell the kernel about a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advice {
    /// Any access faults; no VMA is split. Linux 6.13.
    Guard,
    /// The pages may go; the next access reads zeros.
    Drop,
    /// Never back this with huge pages.
    NoHugePages,
    /// Back this with huge pages where the system has them.
    HugePages,
}

impl Advice {
    const fn number(self) -> libc::c_int {
        match self {
            // Newer than the libc crate's tables: include/uapi/asm-generic/mman-common.h.
            Advice::Guard => 102,
            Advice::Drop => libc::MADV_DONTNEED,
            Advice::NoHugePages => libc::MADV_NOHUGEPAGE,
            Advice::HugePages => libc::MADV_HUGEPAGE,
        }
    }
}

/// Bytes of a huge page, as most systems have them.
pub(crate) const HUGE: usize = 2 << 20;

/// Memory that is zero, in huge pages if the system gives some: a page that is touched for the first time
/// costs the kernel microseconds, and these are fewer. It is kept for ever.
pub(crate) fn huge(len: usize) -> Result<usize, Errno> {
    let at = reserve(len + HUGE)?.next_multiple_of(HUGE);
    let span = Span { addr: at, len };
    // SAFETY: reserved above.
    unsafe { commit(span) }?;
    // SAFETY: the same. A kernel without huge pages says no.
    let _ = unsafe { advise(span, Advice::HugePages) };
    Ok(at)
}

/// `n` rounded up to a whole number of pages.
pub(crate) fn page_up(n: usize) -> usize {
    n.next_multiple_of(page_size())
}

/// `n` rounded down to a whole number of pages.
pub(crate) fn page_down(n: usize) -> usize {
    n & !(page_size() - 1)
}

/// Where the first of [`reserve_low`] goes: far below where the kernel puts mappings by itself, and
/// above a sanitizer's shadow of them.
const LOW: usize = 0x2000_0000_0000;

/// As [`reserve`], below everything that others have, if the kernel can (`ext/stackalloc/README.md`).
pub(crate) fn reserve_low(len: usize) -> Result<usize, Errno> {
    static NEXT: AtomicUsize = AtomicUsize::new(LOW);
    let hint = NEXT.load(Relaxed);
    let at = reserve_near(hint, len)?;
    if at == hint {
        // Two at a time may have read the same: the second was put elsewhere.
        NEXT.fetch_max(at + page_up(len), Relaxed);
    }
    Ok(at)
}

/// Gives address space back.
///
/// # Safety
/// The caller owns all of `span` (it came from [`reserve`]) and nothing points into it.
pub(crate) unsafe fn release(span: Span) {
    // SAFETY: the caller's promise. It fails only for a range that is not page-aligned.
    unsafe { libc::munmap(span.addr as *mut libc::c_void, span.len) };
}

/// Takes all access away: the guard that every kernel has, at the price of a VMA split.
///
/// # Safety
/// The caller owns all of `span`, and nothing in it is in use.
pub(crate) unsafe fn forbid(span: Span) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    answer(unsafe { libc::mprotect(span.addr as *mut libc::c_void, span.len, libc::PROT_NONE) })
}

/// One `madvise`.
///
/// # Safety
/// The caller owns all of `span`; for `Guard` and `Drop` nothing in it is in use.
pub(crate) unsafe fn advise(span: Span, advice: Advice) -> Result<(), Errno> {
    // SAFETY: the caller's promise.
    answer(unsafe { libc::madvise(span.addr as *mut libc::c_void, span.len, advice.number()) })
}

/// One `madvise` a span: works on every kernel that knows the advice.
///
/// # Safety
/// As [`advise`], for each of `spans`.
pub(crate) unsafe fn advise_each(spans: &[Span], advice: Advice) -> Result<(), Errno> {
    for &span in spans.iter().filter(|span| span.len > 0) {
        // SAFETY: the caller's promise.
        unsafe { advise(span, advice) }?;
    }
    Ok(())
}

/// All spans in one `process_madvise`: half the price, one TLB shootdown. At most 1,024.
///
/// An error says nothing about how far it came; every advice here can be given twice.
///
/// # Safety
/// As [`advise`], for each of `spans`.
pub(crate) unsafe fn advise_batch(spans: &[Span], advice: Advice) -> Result<(), Errno> {
    /// "This process", without opening a pidfd. Older kernels say EBADF: then [`advise_each`].
    const PIDFD_SELF_PROCESS: libc::c_int = -10001;
    // SAFETY: the caller's promise for the ranges; `Span` is laid out as `struct iovec`, and
    // the kernel only reads the array.
    let done = unsafe {
        libc::syscall(
            libc::SYS_process_madvise,
            PIDFD_SELF_PROCESS,
            spans.as_ptr(),
            spans.len(),
            advice.number(),
            0_u32,
        )
    };
    let Ok(done) = usize::try_from(done) else {
        return Err(last_errno());
    };
    let asked: usize = spans.iter().map(|span| span.len).sum();
    if done < asked {
        // It stopped half-way, and counts whole spans only when all is well: start over.
        // SAFETY: the caller's promise.
        return unsafe { advise_each(spans, advice) };
    }
    Ok(())
}

/// Does an access to `at` fault? Asks the kernel to write the grain of a clock there, which it does if it
/// can.
///
/// # Safety
/// The 16 bytes at `at` are the caller's, and hold nothing.
pub(crate) unsafe fn faults(at: usize) -> bool {
    // SAFETY: the caller's promise for what is written.
    let done = unsafe { libc::syscall(libc::SYS_clock_getres, libc::CLOCK_MONOTONIC, at) };
    done != 0 && last_errno() == libc::EFAULT
}

/// Which pages of `span` are in memory: bit 0 of a byte for each page.
///
/// A guard page reads as absent. Looks at no more pages than `pages` has room for.
pub(crate) fn resident(span: Span, pages: &mut [u8]) -> Result<usize, Errno> {
    let room = pages.len().saturating_mul(page_size());
    let len = span.len.min(room);
    let at = span.addr as *mut libc::c_void;
    // SAFETY: the kernel writes one byte for each page of `len`, which fits into `pages`, and
    // touches nothing at the address itself.
    answer(unsafe { libc::mincore(at, len, pages.as_mut_ptr().cast()) })?;
    Ok(len.div_ceil(page_size()))
}

/// How many mappings this process may have: `vm.max_map_count`, or the kernel's default.
pub(crate) fn max_map_count() -> usize {
    let mut text = [0_u8; 24];
    let path = c"/proc/sys/vm/max_map_count";
    // SAFETY: a valid C string; no mode is needed without O_CREAT.
    let file = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if file < 0 {
        return 65_530;
    }
    // SAFETY: the buffer is ours and as long as said.
    let n = unsafe { libc::read(file, text.as_mut_ptr().cast(), text.len()) };
    // SAFETY: opened above, closed once.
    unsafe { libc::close(file) };
    let digits = text.iter().take(usize::try_from(n).unwrap_or(0));
    let number = digits
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0_usize, |sum, byte| sum * 10 + usize::from(byte - b'0'));
    if number == 0 { 65_530 } else { number }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn reserved_memory_costs_nothing_until_it_is_written() {
        let page = page_size();
        let at = reserve(8 * page).unwrap();
        let span = Span {
            addr: at,
            len: 8 * page,
        };
        // SAFETY: reserved above.
        unsafe { commit(span) }.unwrap();
        let mut pages = [0; 8];
        assert_eq!(resident(span, &mut pages), Ok(8));
        assert_eq!(pages, [0; 8]);
        // SAFETY: committed above, ours, page-aligned.
        unsafe { ((at + 3 * page) as *mut u64).write(7) };
        resident(span, &mut pages).unwrap();
        assert_eq!(pages.map(|p| p & 1), [0, 0, 0, 1, 0, 0, 0, 0]);
        // SAFETY: ours, and the one value in it is not needed any more.
        unsafe { advise(span, Advice::Drop) }.unwrap();
        resident(span, &mut pages).unwrap();
        assert_eq!(pages, [0; 8]);
        // SAFETY: nothing points into it.
        unsafe { release(span) };
    }

    /// The kernel's own word for it, where it has huge pages.
    #[test]
    fn huge_pages_are_asked_for() {
        let at = huge(2 * HUGE).unwrap();
        assert!(at.is_multiple_of(HUGE));
        if !std::path::Path::new("/sys/kernel/mm/transparent_hugepage").exists() {
            return;
        }
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut lines = maps.lines();
        let begin = format!("{at:x}-");
        assert!(lines.any(|line| line.starts_with(&begin)));
        let flags = lines.find(|line| line.starts_with("VmFlags:")).unwrap();
        assert!(flags.split(' ').any(|flag| flag == "hg"), "{flags}");
    }

    #[test]
    fn the_kernel_says_what_faults() {
        let page = page_size();
        let at = reserve(2 * page).unwrap();
        let writable = Span {
            addr: at,
            len: page,
        };
        // SAFETY: reserved above.
        unsafe { commit(writable) }.unwrap();
        // SAFETY: ours, and nothing is there.
        assert!(unsafe { !faults(at) });
        // SAFETY: the same.
        assert!(unsafe { faults(at + page) });
    }

    #[test]
    fn the_sysctl_can_be_read() {
        assert!(max_map_count() >= 1024);
        assert!(page_size().is_power_of_two());
    }
}

//! The limits of the process: how much address space and writable memory is left.
//!
//! Code that reserves much memory asks first, and takes only a share of what is left: threads,
//! malloc and the program need some too. If there is no limit, only the limit itself is read.
//!
//! The functions make a few system calls, and do not allocate or lock.
#![allow(
    unsafe_code,
    reason = "getrlimit, mallopt, and read(2) of files in /proc"
)]

use std::mem::MaybeUninit;

use crate::ext::linux::memory::page_size;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// A limit that is set, and what is left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    limit: usize,
    left: usize,
}

impl Allowance {
    /// A share for one purpose: an eighth, so that later callers find something too.
    pub(crate) fn share(self) -> usize {
        self.left.saturating_sub(self.kept()) / 8
    }

    /// May so many bytes be taken? The last part of a limit is left to malloc, which ends the
    /// process without it.
    pub(crate) fn allows(self, bytes: usize) -> bool {
        self.left.saturating_sub(self.kept()) >= bytes
    }

    fn kept(self) -> usize {
        (self.limit / 16).clamp(4 * MIB, 64 * MIB)
    }

    fn smaller_of(one: Option<Allowance>, other: Option<Allowance>) -> Option<Allowance> {
        match (one, other) {
            (Some(a), Some(b)) => Some(if a.left <= b.left { a } else { b }),
            (a, b) => a.or(b),
        }
    }
}

/// Address space, if it is limited (`ulimit -v`).
pub(crate) fn address_space() -> Option<Allowance> {
    let limit = limit(libc::RLIMIT_AS)?;
    let used = pages_used(0);
    Some(Allowance {
        limit,
        left: limit.saturating_sub(used),
    })
}

/// Memory that can be written to, if it is limited (`ulimit -d`, `vm.overcommit_memory=2`).
pub(crate) fn writable() -> Option<Allowance> {
    let data = limit(libc::RLIMIT_DATA).map(|limit| Allowance {
        limit,
        left: limit.saturating_sub(pages_used(5)),
    });
    Allowance::smaller_of(data, commit_charge())
}

/// Where address space is limited: malloc shall not reserve 64 MiB for each thread, as glibc's does.
/// A thread that is refused that much takes a page for every allocation, until there are none and
/// the process dies. The user's own `MALLOC_ARENA_MAX` stays. Before there are threads.
pub(crate) fn restrain_malloc() {
    #[cfg(target_env = "gnu")]
    if let Some(allowance) = address_space()
        && std::env::var_os("MALLOC_ARENA_MAX").is_none()
    {
        let arenas = (allowance.left / ARENA_EACH).max(1);
        if arenas < 64 {
            // SAFETY: sets a number of malloc's.
            unsafe { libc::mallopt(libc::M_ARENA_MAX, arenas as libc::c_int) };
        }
    }
}

/// The amount of address space for which malloc may have one arena of 64 MiB, which is a quarter
/// of it.
#[cfg(target_env = "gnu")]
const ARENA_EACH: usize = 256 * MIB;

fn limit(resource: libc::__rlimit_resource_t) -> Option<usize> {
    let mut limit = MaybeUninit::<libc::rlimit>::uninit();
    // SAFETY: the place is ours, and is initialised when the answer is 0.
    if unsafe { libc::getrlimit(resource, limit.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: initialised by the kernel.
    let soft = unsafe { limit.assume_init() }.rlim_cur;
    let soft = (soft != libc::RLIM_INFINITY).then_some(soft)?;
    Some(usize::try_from(soft).unwrap_or(usize::MAX))
}

/// A field of `/proc/self/statm`, in bytes: 0 is address space, 5 what can be written to. 0 where
/// it cannot be read.
fn pages_used(field: usize) -> usize {
    let mut text = [0; 128];
    let text = read(c"/proc/self/statm", &mut text);
    let field = text.split(|byte| *byte == b' ').nth(field);
    field.map_or(0, number).saturating_mul(page_size())
}

/// With strict overcommit, what the whole system may still promise.
fn commit_charge() -> Option<Allowance> {
    let mut mode = [0; 4];
    if read(c"/proc/sys/vm/overcommit_memory", &mut mode).first() != Some(&b'2') {
        return None;
    }
    let mut text = [0; 4 * KIB];
    let text = read(c"/proc/meminfo", &mut text);
    let limit = kib_after(text, b"CommitLimit:")?;
    let used = kib_after(text, b"Committed_AS:")?;
    Some(Allowance {
        limit,
        left: limit.saturating_sub(used),
    })
}

/// The number behind `key`, in bytes.
fn kib_after(text: &[u8], key: &[u8]) -> Option<usize> {
    let line = text.split(|b| *b == b'\n').find(|l| l.starts_with(key))?;
    Some(number(&line[key.len()..]).saturating_mul(KIB))
}

/// The first number in a text.
fn number(text: &[u8]) -> usize {
    text.iter()
        .skip_while(|byte| !byte.is_ascii_digit())
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0_usize, |sum, byte| {
            sum.saturating_mul(10)
                .saturating_add(usize::from(byte - b'0'))
        })
}

/// The beginning of a file; empty if it cannot be read.
fn read<'a>(path: &std::ffi::CStr, text: &'a mut [u8]) -> &'a [u8] {
    // SAFETY: a valid C string; no mode is needed without O_CREAT.
    let file = unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if file < 0 {
        return &[];
    }
    // SAFETY: the buffer is ours and as long as said.
    let n = unsafe { libc::read(file, text.as_mut_ptr().cast(), text.len()) };
    // SAFETY: opened above, closed once.
    unsafe { libc::close(file) };
    &text[..usize::try_from(n).unwrap_or(0)]
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_share_leaves_most_of_it() {
        let a = Allowance {
            limit: 1 << 30,
            left: 864 * MIB,
        };
        assert_eq!(a.share(), 100 * MIB);
        assert!(a.allows(800 * MIB) && !a.allows(801 * MIB));
        let spent = Allowance { left: 0, ..a };
        assert_eq!(spent.share(), 0);
        assert!(!spent.allows(1) && spent.allows(0));
        assert_eq!(Allowance::smaller_of(Some(a), Some(spent)), Some(spent));
        assert_eq!(Allowance::smaller_of(None, Some(a)), Some(a));
        assert_eq!(Allowance::smaller_of(None, None), None);
    }

    #[test]
    fn numbers_are_read_from_the_kernels_texts() {
        let text = b"MemTotal:  5 kB\nCommitLimit:    12345678 kB\nCommitted_AS:  9 kB\n";
        assert_eq!(kib_after(text, b"CommitLimit:"), Some(12_345_678 << 10));
        assert_eq!(kib_after(text, b"Committed_AS:"), Some(9 << 10));
        assert_eq!(kib_after(text, b"Nothing:"), None);
        let (all, data) = (pages_used(0), pages_used(5));
        assert!(all > data && data > 0, "{all} {data}");
        assert!(read(c"/proc/self/no such file", &mut [0; 8]).is_empty());
    }
}

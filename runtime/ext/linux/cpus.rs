//! The CPUs that a thread may run on.
#![allow(unsafe_code, reason = "sched_getaffinity(2)")]

/// More CPUs than any Linux has been built for.
const MOST: usize = 64 << 10;

/// How many CPUs the thread may use now; `None` where the system does not say. No allocation.
pub(crate) fn allowed(tid: i32) -> Option<u32> {
    let mut mask = [0u64; MOST / 64];
    let place = (&raw mut mask).cast::<libc::c_void>();
    // The C library's function would not say how much the kernel has filled in.
    // SAFETY: the place is ours, and as long as we say.
    let filled =
        unsafe { libc::syscall(libc::SYS_sched_getaffinity, tid, size_of_val(&mask), place) };
    let count = mask.iter().map(|word| word.count_ones()).sum();
    (filled > 0 && count > 0).then_some(count)
}

#[cfg(all(test, not(loom)))]
mod tests {
    #[test]
    fn this_thread_may_use_as_many_as_std_says_or_more() {
        let all = super::allowed(0).unwrap() as usize;
        assert!(all >= std::thread::available_parallelism().unwrap().get());
    }
}

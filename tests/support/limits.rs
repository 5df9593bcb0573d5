//! Limits of a child process: set for good, so that no test of another process is disturbed.

/// From now on no more of `resource` than `most`, nor than was allowed before.
pub(crate) fn limit(resource: libc::__rlimit_resource_t, most: u64) {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the place is ours.
    let answer = unsafe { libc::getrlimit(resource, &raw mut limit) };
    assert_eq!(answer, 0);
    limit.rlim_max = most.min(limit.rlim_max);
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: the limit is ours.
    let answer = unsafe { libc::setrlimit(resource, &raw const limit) };
    assert_eq!(answer, 0);
}

//! The guard's question to a slice of words, by AVX2 where the CPU has it.
#![allow(unsafe_code, reason = "calls a function for CPUs that have AVX2")]

use crate::ext::thread_locals::plain_scan;

/// Is one of them in `[start, start + len)`?
#[inline]
pub(crate) fn any_within(words: &[usize], start: usize, len: usize) -> bool {
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has it.
        return unsafe { any_within_avx2(words, start, len) };
    }
    plain_scan::any_within(words, start, len)
}

/// The same, for more words at a time.
#[target_feature(enable = "avx2")]
fn any_within_avx2(words: &[usize], start: usize, len: usize) -> bool {
    plain_scan::any_within(words, start, len)
}

//! The time stamp counter.
#![allow(unsafe_code, reason = "rdtsc")]

/// Reads the counter: it counts at one rate on all CPUs where [`is_steady`].
#[inline]
pub(crate) fn counter() -> u64 {
    // SAFETY: every x86-64 CPU has the instruction; where the kernel forbids it, no program runs.
    unsafe { std::arch::x86_64::_rdtsc() }
}

/// Does the counter go on at one rate, whatever the CPU does?
pub(crate) fn is_steady() -> bool {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let has = |flag| text.split_ascii_whitespace().any(|word| word == flag);
    has("constant_tsc") && has("nonstop_tsc")
}

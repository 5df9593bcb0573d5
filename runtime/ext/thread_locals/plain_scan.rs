//! The guard's question to a slice of words, for any CPU.
#![forbid(unsafe_code)]

/// Is one of them in `[start, start + len)`? Without a branch within a block, so that the compiler
/// makes vectors of it; and without a closure for each word, which a debug build would call: a stack
/// may have a megabyte.
#[inline(always)]
pub(crate) fn any_within(words: &[usize], start: usize, len: usize) -> bool {
    let (blocks, rest) = words.as_chunks::<16>();
    for block in blocks {
        let mut any = false;
        let mut i = 0;
        while i < 16 {
            any |= block[i].wrapping_sub(start) < len;
            i += 1;
        }
        if any {
            return true;
        }
    }
    rest.iter().any(|w| w.wrapping_sub(start) < len)
}

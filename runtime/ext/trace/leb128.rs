//! Numbers in seven bits a byte, the lowest first: Go's traces and protocol buffers have them.
#![forbid(unsafe_code)]

/// Appends `n`.
pub(crate) fn push(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_bits_a_byte() {
        let of = |n| {
            let mut out = Vec::new();
            push(&mut out, n);
            out
        };
        assert_eq!(of(0), [0]);
        assert_eq!(of(127), [127]);
        assert_eq!(of(300), [0xac, 2]);
        assert_eq!(of(u64::MAX), [vec![0xff; 9], vec![1]].concat());
    }
}

//! Tables as columns of numbers: differences and small numbers in seven bits a byte, then deflated, then as text
//! that may stand in a page.
#![forbid(unsafe_code)]

use miniz_oxide::deflate::compress_to_vec_zlib;

use crate::ext::trace::leb128;

/// More makes it slower by half, and no smaller by a tenth.
const LEVEL: u8 = 6;

/// Columns under construction. Who reads them knows their order.
#[derive(Debug, Default)]
pub(crate) struct Columns(Vec<u8>);

impl Columns {
    /// How many rows the next columns have.
    pub(crate) fn rows(&mut self, n: usize) {
        leb128::push(&mut self.0, n as u64);
    }

    /// Small numbers.
    pub(crate) fn plain(&mut self, numbers: impl Iterator<Item = u64>) {
        numbers.for_each(|n| leb128::push(&mut self.0, n));
    }

    /// Numbers that are near the one before: the difference, its sign in the lowest bit.
    pub(crate) fn near(&mut self, numbers: impl Iterator<Item = u64>) {
        let mut before = 0_u64;
        for n in numbers {
            let difference = n.wrapping_sub(before).cast_signed();
            leb128::push(
                &mut self.0,
                (difference << 1 ^ difference >> 63).cast_unsigned(),
            );
            before = n;
        }
    }

    /// A text, in place of a table.
    pub(crate) fn text(&mut self, text: &str) {
        self.rows(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    /// All of it: zlib's format, as base64.
    pub(crate) fn packed(&self) -> String {
        base64(&compress_to_vec_zlib(&self.0, LEVEL))
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] =
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= three.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_bytes_are_four_letters() {
        let all = ["", "f", "fo", "foo", "foob"].map(|text| base64(text.as_bytes()));
        assert_eq!(all, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]); // RFC 4648
    }

    #[test]
    fn differences_have_their_sign_in_the_lowest_bit() {
        let mut columns = Columns::default();
        columns.near([5, 7, 4, u64::MAX].into_iter());
        assert_eq!(columns.0, [10, 4, 5, 9]);
    }
}

//! Reads numbers out of the tables that the compiler writes for unwinding.
#![forbid(unsafe_code)]

/// What is left of a table; and where it is, as its pointers count from there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes {
    pub(crate) rest: &'static [u8],
    pub(crate) at: usize,
}

/// In a byte that says how a pointer is written: there is none.
pub(crate) const OMITTED: u8 = 0xff;

impl Bytes {
    /// The next `len` bytes, which are passed over.
    pub(crate) fn take(&mut self, len: usize) -> Option<Bytes> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        let at = self.at;
        (self.rest, self.at) = (rest, at + len);
        Some(Bytes { rest: taken, at })
    }

    /// As `take`, for a number of at most eight bytes.
    fn number(&mut self, len: usize) -> Option<u64> {
        let bytes = self.take(len)?.rest;
        let mut wide = [0; 8];
        wide.get_mut(..len)?.copy_from_slice(bytes);
        Some(u64::from_le_bytes(wide))
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.number(1).map(|n| n as u8)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.number(2).map(|n| n as u16)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.number(4).map(|n| n as u32)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.number(8)
    }

    /// LEB128.
    pub(crate) fn unsigned(&mut self) -> Option<u64> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
    }

    /// LEB128 with a sign.
    pub(crate) fn signed(&mut self) -> Option<i64> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.u8()?;
            value |= i64::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if byte & 0x80 == 0 {
                let sign = if byte & 0x40 != 0 && shift < 64 {
                    -1 << shift
                } else {
                    0
                };
                return Some(value | sign);
            }
        }
    }

    /// Up to the next zero byte, which is passed over.
    pub(crate) fn text(&mut self) -> Option<&'static [u8]> {
        let len = self.rest.iter().position(|byte| *byte == 0)?;
        let text = self.take(len)?;
        self.u8()?;
        Some(text.rest)
    }

    /// A pointer, written as `how` says. `data`: where those begin that count from a table.
    pub(crate) fn pointer(&mut self, how: u8, data: usize) -> Option<usize> {
        let here = self.at;
        let number = match how & 0x0f {
            0x00 | 0x04 | 0x0c => self.u64()? as i64,
            0x01 => self.unsigned()? as i64,
            0x02 => i64::from(self.u16()?),
            0x03 => i64::from(self.u32()?),
            0x09 => self.signed()?,
            0x0a => i64::from(self.u16()? as i16),
            0x0b => i64::from(self.u32()? as i32),
            _ => return None,
        };
        let from = match how & 0x70 {
            0x00 => 0,
            0x10 => here,
            0x30 => data,
            _ => return None,
        };
        // 0x80: the pointer to a pointer, which only personalities use; nobody looks at those.
        Some(from.wrapping_add_signed(number as isize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(rest: &'static [u8]) -> Bytes {
        Bytes { rest, at: 0x1000 }
    }

    #[test]
    fn numbers_of_every_kind_are_read() {
        assert_eq!(bytes(&[0xe5, 0x8e, 0x26]).unsigned(), Some(624_485));
        assert_eq!(bytes(&[0xc0, 0xbb, 0x78]).signed(), Some(-123_456));
        assert_eq!(bytes(&[0x78]).signed(), Some(-8));
        assert_eq!(bytes(b"zR\0").text(), Some(&b"zR"[..]));
        assert_eq!(
            bytes(&[0xf0, 0xff, 0xff, 0xff]).pointer(0x1b, 0),
            Some(0xff0)
        );
        assert_eq!(bytes(&[0x10, 0, 0, 0]).pointer(0x3b, 0x2000), Some(0x2010));
    }

    #[test]
    fn a_table_that_ends_too_early_is_no_number() {
        assert_eq!(bytes(&[0x80]).unsigned(), None);
        assert_eq!(bytes(&[1, 2]).u32(), None);
        assert_eq!(bytes(b"zR").text(), None);
        assert_eq!(bytes(&[0xff; 12]).unsigned(), None);
    }
}

//! The bytes that a fuzz target reads its operations from.
#![forbid(unsafe_code)]

/// See the file's header.
#[derive(Debug)]
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl Input<'_> {
    /// The next byte, until there is none left.
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// Two bytes as a number; what is missing counts as 0.
    pub(super) fn number(&mut self) -> u64 {
        let (high, low) = (self.byte().unwrap_or(0), self.byte().unwrap_or(0));
        u64::from(u16::from_be_bytes([high, low]))
    }
}

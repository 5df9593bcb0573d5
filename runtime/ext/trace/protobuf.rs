//! Messages of protocol buffers, as far as Perfetto's and pprof's need them: numbers, bytes, messages.
#![forbid(unsafe_code)]

use crate::ext::trace::leb128;

/// A message under construction.
#[derive(Default)]
pub(crate) struct Message(pub(crate) Vec<u8>);

impl Message {
    pub(crate) fn number(mut self, field: u64, n: u64) -> Message {
        leb128::push(&mut self.0, field << 3);
        leb128::push(&mut self.0, n);
        self
    }

    pub(crate) fn fixed(mut self, field: u64, n: u64) -> Message {
        leb128::push(&mut self.0, field << 3 | 1);
        self.0.extend_from_slice(&n.to_le_bytes());
        self
    }

    pub(crate) fn bytes(mut self, field: u64, bytes: &[u8]) -> Message {
        leb128::push(&mut self.0, field << 3 | 2);
        leb128::push(&mut self.0, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn text(self, field: u64, text: &str) -> Message {
        self.bytes(field, text.as_bytes())
    }

    pub(crate) fn message(self, field: u64, message: &Message) -> Message {
        self.bytes(field, &message.0)
    }
}

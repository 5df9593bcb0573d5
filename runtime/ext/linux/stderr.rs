//! Stderr for more than one line.
#![forbid(unsafe_code)]

use std::fmt;

use crate::core::sys::fatal::{poll_room, write_all};

/// As `RawStderr`, but what belongs together comes in one piece, up to 512 bytes; the rest
/// when it is dropped.
pub(crate) struct BufferedStderr {
    bytes: [u8; 512],
    len: usize,
    patient: bool,
}

impl BufferedStderr {
    pub(crate) const fn new() -> BufferedStderr {
        BufferedStderr::with_patience(true)
    }

    const fn with_patience(patient: bool) -> BufferedStderr {
        BufferedStderr {
            bytes: [0; 512],
            len: 0,
            patient,
        }
    }

    /// For a message that is not the last: the part that stderr does not take at once is dropped. The writer
    /// does not wait, on a pipe that blocks either.
    pub(crate) const fn hasty() -> BufferedStderr {
        BufferedStderr::with_patience(false)
    }

    fn flush(&mut self) -> fmt::Result {
        let len = std::mem::take(&mut self.len);
        // Whole strings were put in, so this is one too.
        let text = std::str::from_utf8(&self.bytes[..len]).map_err(|_| fmt::Error)?;
        write(text, self.patient)
    }
}

fn write(text: &str, patient: bool) -> fmt::Result {
    if !patient && !has_room() {
        return Err(fmt::Error);
    }
    write_all(text, patient)
}

/// So much that a line can be written without a wait. A stderr that is closed has room for all of it.
pub(crate) fn has_room() -> bool {
    poll_room(0)
}

impl fmt::Write for BufferedStderr {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        if self.len + s.len() > self.bytes.len() {
            self.flush()?;
        }
        match self.bytes.get_mut(self.len..self.len + s.len()) {
            Some(place) => {
                place.copy_from_slice(s.as_bytes());
                self.len += s.len();
                if s.ends_with('\n') {
                    self.flush()
                } else {
                    Ok(())
                }
            }
            None => write(s, self.patient),
        }
    }
}

impl Drop for BufferedStderr {
    fn drop(&mut self) {
        let _ = self.flush();
    }
}

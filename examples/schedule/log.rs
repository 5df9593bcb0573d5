//! A log in a shared file mapping: what was written stays, however the process ends.
#![allow(
    unsafe_code,
    reason = "memmap2: nobody else changes the file meanwhile"
)]

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use memmap2::{MmapOptions, MmapRaw};

const BYTES: usize = 4 << 20;

pub(crate) struct Log {
    map: MmapRaw,
    used: AtomicUsize,
}

impl Log {
    pub(crate) fn create(path: &Path) -> io::Result<Log> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)?;
        file.set_len(BYTES as u64)?;
        let map = MmapOptions::new().len(BYTES).map_raw(&file)?;
        Ok(Log {
            map,
            used: AtomicUsize::new(0),
        })
    }

    /// Appends one line. Neither allocates nor yields: the schedule must not notice.
    pub(crate) fn line(&self, text: fmt::Arguments<'_>) {
        let mut buffer = [0u8; 96];
        let mut rest = &mut buffer[..];
        writeln!(rest, "{text}").expect("a line is short");
        let len = 96 - rest.len();
        let at = self.used.fetch_add(len, Relaxed);
        assert!(at + len <= BYTES, "the log is full");
        // SAFETY: inside the mapping.
        let place = unsafe { self.map.as_mut_ptr().add(at) };
        // SAFETY: nobody else has this part.
        unsafe { place.copy_from_nonoverlapping(buffer.as_ptr(), len) };
    }
}

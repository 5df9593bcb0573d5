//! Pieces of one region of memory, in which events are written. Each has one writer at a time.
//!
//! A piece that is full may become another writer's (`recorder.rs`). Then its ticket changes, so a reader
//! that was at it knows that what it has read means nothing.
#![allow(unsafe_code, reason = "gets zeroed memory, as a slice of chunks")]

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, fence};

use crate::ext::linux::memory::huge;
use crate::ext::recording::record::Record;
use crate::ext::recording::words::{WORDS, events_of};

/// Words of a chunk: 64 KiB.
const CHUNK: usize = 8192;
const HEADER: usize = 5;
/// Records of a chunk.
pub(crate) const RECORDS: u32 = ((CHUNK - HEADER) / WORDS) as u32;

/// Bytes of a chunk.
pub(crate) const BYTES: usize = CHUNK * 8;

#[repr(C)]
#[derive(Debug)]
pub(crate) struct Chunk {
    /// The number under which it was given out, from 1; 0 while that changes.
    ticket: AtomicU64,
    owner: AtomicU64,
    /// Which of its owner's it is, from 0.
    nth: AtomicU64,
    len: AtomicU64,
    /// 1: its owner writes there.
    busy: AtomicU64,
    records: [[AtomicU64; WORDS]; RECORDS as usize],
}

/// Whose a chunk is, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) ticket: u64,
    pub(super) owner: u32,
    /// Which of its owner's it is, from 0.
    pub(super) nth: u64,
}

impl Chunk {
    /// Makes it the caller's, unless somebody writes there.
    pub(super) fn take(&self, ticket: u64, owner: u32, nth: u64) -> bool {
        // Acquire pairs(trace-chunk): give's Release. Its last writer has done all that it would.
        if self.busy.load(Relaxed) != 0
            || self.busy.compare_exchange(0, 1, Acquire, Relaxed).is_err()
        {
            return false;
        }
        self.ticket.store(0, Relaxed);
        fence(Release); // pairs(trace-ticket): is_still's fence
        self.len.store(0, Relaxed);
        self.owner.store(u64::from(owner), Relaxed);
        self.nth.store(nth, Relaxed);
        self.ticket.store(ticket + 1, Release); // pairs(trace-ticket): label's Acquire
        true
    }

    /// It is full, and may be another's.
    pub(super) fn give(&self) {
        self.busy.store(0, Release); // pairs(trace-chunk): take's Acquire
    }

    /// Nothing is in it, and nobody writes there.
    pub(super) fn clear(&self) {
        self.ticket.store(0, Relaxed);
        self.len.store(0, Relaxed);
        self.busy.store(0, Relaxed);
    }

    /// Writes the record that comes after `len` others. By its owner.
    #[inline]
    pub(super) fn write(&self, len: u32, record: [u64; WORDS]) {
        if let Some(place) = self.records.get(len as usize) {
            for (word, value) in place.iter().zip(record) {
                word.store(value, Relaxed);
            }
            self.len.store(u64::from(len) + 1, Release); // pairs(trace-len): records
        }
    }

    /// Of the record that has so many before it. By its owner.
    #[inline]
    pub(super) fn first_word(&self, before: u32) -> u64 {
        let record = self.records.get(before as usize);
        record.map_or(0, |words| words[0].load(Relaxed))
    }

    /// Whose it is; none: nobody's, or that changes just now.
    pub(super) fn label(&self) -> Option<Label> {
        let ticket = self.ticket.load(Acquire); // pairs(trace-ticket): take's Release
        let label = Label {
            ticket,
            owner: self.owner.load(Relaxed) as u32,
            nth: self.nth.load(Relaxed),
        };
        self.is_still(ticket).then_some(label)
    }

    /// Since that ticket was read (Acquire), nobody has taken the chunk.
    fn is_still(&self, ticket: u64) -> bool {
        fence(Acquire); // pairs(trace-ticket): take's fence
        ticket != 0 && self.ticket.load(Relaxed) == ticket
    }

    /// How many events are in it. What is written meanwhile may be missing.
    pub(super) fn events(&self) -> usize {
        let len = self.len.load(Acquire) as usize; // pairs(trace-len): write's Release
        let records = self.records.iter().take(len);
        records.map(|words| events_of(words[0].load(Relaxed))).sum()
    }

    /// What is in it, if it is still that. Allocates.
    pub(super) fn records(&self, label: Label) -> Option<Vec<Record>> {
        let len = self.len.load(Acquire) as usize; // pairs(trace-len): write's Release
        let records = self.records.iter().take(len);
        let records = records
            .flat_map(|words| Record::from_words(words.each_ref().map(|w| w.load(Relaxed))));
        let records = records.collect();
        self.is_still(label.ticket).then_some(records)
    }
}

/// Memory for `n` chunks, which is zero; none: the system has not so much. It is kept for ever.
pub(super) fn region(n: usize) -> Option<&'static [Chunk]> {
    let memory = huge(n * BYTES).ok()? as *const Chunk;
    // SAFETY: so many chunks, which nobody else has; all zeros is a chunk.
    Some(unsafe { std::slice::from_raw_parts(memory, n) })
}

const _: () = assert!(size_of::<Chunk>() == BYTES);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext::recording::record::Kind;

    #[test]
    fn a_chunk_has_one_owner_and_what_it_wrote() {
        let chunk = &region(1).unwrap()[0];
        assert!(chunk.label().is_none());
        assert!(chunk.take(7, 3, 0));
        assert!(!chunk.take(8, 4, 0), "it is in use");
        let record = Record {
            time: 5,
            kind: Kind::End,
            small: 0,
            a: 1,
            b: 2,
        };
        for len in 0..RECORDS + 1 {
            chunk.write(len, record.to_words()); // the last one has no room
        }
        let label = chunk.label().unwrap();
        assert_eq!((label.owner, label.nth), (3, 0));
        let records = chunk.records(label).unwrap();
        assert_eq!(records, vec![record; RECORDS as usize]);
        chunk.give();
        assert!(chunk.take(9, 4, 1));
        assert_eq!(chunk.records(label), None, "it is another's");
        assert_eq!(chunk.records(chunk.label().unwrap()), Some(Vec::new()));
    }
}

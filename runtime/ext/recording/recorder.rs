//! Where events are written: chunks of one region of memory. Each has one writer, so writing takes no
//! lock, no allocation and no atomic read-modify-write but one a chunk.
//!
//! A writer publishes a record by the chunk's length. When the region is full, events are counted and
//! dropped: what there is of each writer is a beginning without a gap.
#![allow(
    unsafe_code,
    reason = "makes zeroed memory a slice of atomics; makes a place in the source of its address"
)]

use std::panic::Location;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

use crate::core::base::atomic_ref::AtomicRef;
use crate::core::base::owner_cell::OwnerCell;
use crate::core::sys::lock::RawLock;
use crate::ext::linux::ticks::{self, Moment};
use crate::ext::looks::{self, RECORDING};
use crate::ext::recording::record::{Kind, Record, Rule, WORDS};

/// 64 KiB.
const CHUNK: usize = 8192;
/// The first words of a chunk: its writer's number, and how many records are in it.
const OWNER: usize = 0;
const LEN: usize = 1;
const HEADER: usize = 3;
const RECORDS: u32 = ((CHUNK - HEADER) / WORDS) as u32;

/// 64 MiB: 2.8 million events.
pub(crate) const CHUNKS: usize = 1024;

/// The writer that all threads share which are no Ms: plain threads, sysmon, the spawner.
pub(crate) const OUTSIDE: u32 = u32::MAX;

#[derive(Debug)]
struct Region {
    words: &'static [AtomicU64],
}

#[derive(Debug)]
struct Recorder {
    on: AtomicBool,
    region: AtomicRef<Region>,
    /// Goes up with each recording: a writer's chunk is of this one, or is no more.
    session: AtomicU32,
    /// Chunks given out.
    taken: AtomicU32,
    lost: AtomicU64,
    /// The ticks at its beginning.
    begin: AtomicU64,
}

static RECORDER: Recorder = Recorder {
    on: AtomicBool::new(false),
    region: AtomicRef::none(),
    session: AtomicU32::new(0),
    taken: AtomicU32::new(0),
    lost: AtomicU64::new(0),
    begin: AtomicU64::new(0),
};

/// Is anything recorded? All that it costs when not.
#[inline(always)]
pub(crate) fn on() -> bool {
    RECORDER.on.load(Relaxed)
}

/// Somebody's place to write to. Used by one thread at a time.
#[derive(Debug)]
pub(crate) struct Writer {
    session: OwnerCell<u32>,
    chunk: OwnerCell<u32>,
    len: OwnerCell<u32>,
    /// Of an M: the rule that chose the next goroutine, + 1, if it was not found in the P's queue.
    rule: OwnerCell<u8>,
}

impl Writer {
    pub(crate) const fn new() -> Writer {
        Writer {
            session: OwnerCell::zero(),
            chunk: OwnerCell::zero(),
            len: OwnerCell::zero(),
            rule: OwnerCell::zero(),
        }
    }

    /// Notes which rule has chosen the next goroutine.
    pub(crate) fn set_rule(&self, rule: Option<Rule>) {
        self.rule.set(rule.map_or(0, |rule| rule as u8 + 1));
    }

    /// Takes the note back.
    pub(crate) fn take_rule(&self) -> Option<Rule> {
        self.rule.take().checked_sub(1).and_then(Rule::from_u8)
    }

    /// Writes an event of now.
    pub(crate) fn write(&self, owner: u32, kind: Kind, small: u8, a: u64, b: u64) {
        // Acquire pairs(trace-region): prepare's Release.
        let Some(region) = RECORDER.region.load(Acquire) else {
            return;
        };
        let session = RECORDER.session.load(Relaxed);
        let mut len = self.len.get();
        if self.session.get() != session || len == RECORDS {
            if !self.take_chunk(region, owner, session) {
                RECORDER.lost.fetch_add(1, Relaxed);
                return;
            }
            len = 0;
        }
        let time = ticks::now().saturating_sub(RECORDER.begin.load(Relaxed));
        let record = Record {
            time,
            kind,
            small,
            a,
            b,
        };
        let chunk = chunk(region, self.chunk.get());
        let at = HEADER + len as usize * WORDS;
        for (word, value) in chunk[at..at + WORDS].iter().zip(record.to_words()) {
            word.store(value, Relaxed);
        }
        self.len.set(len + 1);
        chunk[LEN].store(u64::from(len) + 1, Release); // pairs(trace-len): records_of
    }

    #[cold]
    fn take_chunk(&self, region: &'static Region, owner: u32, session: u32) -> bool {
        // The look first: the count goes on by one for each thread at most when all are taken.
        if RECORDER.taken.load(Relaxed) as usize >= CHUNKS {
            return false;
        }
        let number = RECORDER.taken.fetch_add(1, Relaxed);
        if number as usize >= CHUNKS {
            return false;
        }
        chunk(region, number)[OWNER].store(u64::from(owner) + 1, Relaxed);
        self.session.set(session);
        self.chunk.set(number);
        self.len.set(0);
        true
    }
}

/// The numbers of the chunks that were given out.
fn taken() -> std::ops::Range<u32> {
    0..RECORDER.taken.load(Relaxed).min(CHUNKS as u32)
}

fn chunk(region: &'static Region, number: u32) -> &'static [AtomicU64] {
    let at = number as usize * CHUNK;
    &region.words[at..at + CHUNK]
}

static OUTSIDE_LOCK: RawLock = RawLock::new();
static OUTSIDE_WRITER: Writer = Writer::new();

/// Writes an event of a thread that is no M.
pub(crate) fn write_outside(kind: Kind, small: u8, a: u64, b: u64) {
    OUTSIDE_LOCK.lock();
    OUTSIDE_WRITER.write(OUTSIDE, kind, small, a, b);
    OUTSIDE_LOCK.unlock();
}

/// Gets the memory for a recording. Allocates. It is kept for the next one.
pub(crate) fn prepare() {
    ticks::choose();
    // Acquire pairs(trace-region): the store below, by another thread.
    if RECORDER.region.load(Acquire).is_some() {
        return;
    }
    let region = Box::leak(Box::new(Region {
        words: zeroed(CHUNKS * CHUNK),
    }));
    RECORDER.region.store(Some(region), Release); // pairs(trace-region): write, prepare
}

fn zeroed(len: usize) -> &'static [AtomicU64] {
    let words: &'static mut [u64] = Box::leak(vec![0; len].into_boxed_slice());
    let (first, len) = (words.as_mut_ptr(), words.len());
    // SAFETY: the same memory, which nobody else has; an `AtomicU64` is laid out as a `u64`.
    unsafe { std::slice::from_raw_parts(first.cast::<AtomicU64>(), len) }
}

/// A new recording begins. Nobody writes now: the world is stopped, or not there yet.
pub(crate) fn begin() -> Moment {
    OUTSIDE_LOCK.lock(); // the world does not include foreign threads: none is in the middle of an event
    if let Some(region) = RECORDER.region.load(Relaxed) {
        for number in taken() {
            chunk(region, number)[LEN].store(0, Relaxed);
        }
    }
    RECORDER.taken.store(0, Relaxed);
    RECORDER.lost.store(0, Relaxed);
    let session = RECORDER.session.load(Relaxed).wrapping_add(1);
    RECORDER.session.store(session.max(1), Relaxed);
    let now = Moment::now();
    RECORDER.begin.store(now.ticks, Relaxed);
    RECORDER.on.store(true, Relaxed);
    looks::begin(RECORDING);
    OUTSIDE_LOCK.unlock();
    now
}

/// No more events from now on, but those that are being written.
pub(crate) fn end() -> Moment {
    RECORDER.on.store(false, Relaxed);
    looks::end(RECORDING);
    Moment::now()
}

/// Events that found no room.
pub(crate) fn lost() -> u64 {
    RECORDER.lost.load(Relaxed)
}

/// Everything that was written, in order, for each writer. Allocates.
pub(crate) fn streams() -> Vec<(u32, Vec<Record>)> {
    let mut streams: Vec<(u32, Vec<Record>)> = Vec::new();
    // Acquire pairs(trace-region): prepare's Release.
    let Some(region) = RECORDER.region.load(Acquire) else {
        return streams;
    };
    for number in taken() {
        let chunk = chunk(region, number);
        let records = records_of(chunk);
        let owner = chunk[OWNER].load(Relaxed).wrapping_sub(1) as u32;
        match streams.iter_mut().find(|(known, _)| *known == owner) {
            Some((_, all)) => all.extend(records),
            None => streams.push((owner, records.collect())),
        }
    }
    streams
}

fn records_of(chunk: &'static [AtomicU64]) -> impl Iterator<Item = Record> {
    let len = chunk[LEN].load(Acquire) as usize; // pairs(trace-len): write's Release
    let words = chunk[HEADER..HEADER + len * WORDS].chunks_exact(WORDS);
    words.filter_map(|words| {
        let mut values = [0; WORDS];
        for (value, word) in values.iter_mut().zip(words) {
            *value = word.load(Relaxed);
        }
        Record::from_words(values)
    })
}

/// A place in the source, as a word of a record.
pub(crate) fn place_word(place: &'static Location<'static>) -> u64 {
    std::ptr::from_ref(place).expose_provenance() as u64
}

/// The place that [`place_word`] has made a word of; 0: none.
pub(crate) fn place_of(word: u64) -> Option<&'static Location<'static>> {
    let place = std::ptr::with_exposed_provenance::<Location<'static>>(word as usize);
    // SAFETY: null, or from a `&'static` (place_word): only records of the kind Create have one.
    unsafe { place.as_ref() }
}

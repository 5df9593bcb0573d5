//! Where events are written: chunks of one region of memory. Each has one writer (`writer.rs`), so writing takes
//! no lock, no allocation and no atomic read-modify-write but two a chunk.
//!
//! A writer publishes a record by the chunk's length. A recording keeps the beginning: when the region is
//! full, events are counted and dropped. A flight recording keeps the end: the chunk that was given out
//! first, of those that are full, is given out again. What there is of each writer has no gap.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

use crate::core::base::atomic_ref::AtomicRef;
use crate::core::sys::lock::RawLock;
use crate::ext::linux::ticks::{self, Moment};
use crate::ext::looks::{self, RECORDING};
use crate::ext::recording::chunk::{BYTES, Chunk, region};

/// 64 MiB: 2.8 million records, of one event or two.
pub(crate) const CHUNKS: u32 = 1024;

/// Each thread has one chunk to itself, so with fewer than that a few idle threads have them all.
pub(super) const LEAST: usize = 64;

/// The writer that all threads share which are no Ms: plain threads, sysmon, the spawner.
pub(crate) const OUTSIDE: u32 = u32::MAX;

/// What is kept when there is more than there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    Beginning,
    /// So many bytes, or what is nearest to that.
    End(usize),
}

#[derive(Debug)]
pub(super) struct Region(pub(super) &'static [Chunk]);

#[derive(Debug)]
pub(super) struct Recorder {
    on: AtomicBool,
    pub(super) region: AtomicRef<Region>,
    /// Goes up with each recording: a writer's chunk is of this one, or is no more.
    pub(super) session: AtomicU32,
    /// Of this recording: how many chunks there are, and whether they are given out again.
    pub(super) chunks: AtomicU32,
    pub(super) again: AtomicBool,
    /// Chunks given out, and those of them that somebody writes to.
    pub(super) taken: AtomicU64,
    pub(super) held: AtomicU64,
    pub(super) lost: AtomicU64,
    /// How many read it just now: until they have, no chunk is given out again.
    pub(super) readers: AtomicU32,
    /// The ticks at its beginning.
    begin: AtomicU64,
}

pub(super) static RECORDER: Recorder = Recorder {
    on: AtomicBool::new(false),
    region: AtomicRef::none(),
    session: AtomicU32::new(0),
    chunks: AtomicU32::new(0),
    again: AtomicBool::new(false),
    taken: AtomicU64::new(0),
    held: AtomicU64::new(0),
    lost: AtomicU64::new(0),
    readers: AtomicU32::new(0),
    begin: AtomicU64::new(0),
};

/// Is anything recorded? All that it costs when not.
#[inline(always)]
pub(crate) fn on() -> bool {
    RECORDER.on.load(Relaxed)
}

/// Held by those who write and whom a stopped world does not wait for, and while a recording begins, opens or
/// ends.
pub(super) static OUTSIDE_LOCK: RawLock = RawLock::new();

/// Gets the memory for a recording; false: the system has not so much. Allocates. It is kept for the
/// next one.
pub(crate) fn prepare() -> bool {
    ticks::choose();
    // Acquire pairs(trace-region): the store below, by another thread.
    if RECORDER.region.load(Acquire).is_some() {
        return true;
    }
    let Some(chunks) = region(CHUNKS as usize) else {
        return false;
    };
    let region = Box::leak(Box::new(Region(chunks)));
    RECORDER.region.store(Some(region), Release); // pairs(trace-region): take_chunk, prepare
    true
}

/// The memory for a new recording is empty, and who describes the world may write. Nobody else does: the
/// world is stopped, or not there yet.
pub(crate) fn begin(keep: Keep) -> Moment {
    OUTSIDE_LOCK.lock(); // the world does not include foreign threads: none is in the middle of an event
    taken().iter().for_each(Chunk::clear);
    let chunks = match keep {
        Keep::Beginning => CHUNKS,
        Keep::End(bytes) => (bytes / BYTES).clamp(LEAST, CHUNKS as usize) as u32,
    };
    RECORDER.chunks.store(chunks, Relaxed);
    RECORDER.again.store(keep != Keep::Beginning, Relaxed);
    RECORDER.taken.store(0, Relaxed);
    RECORDER.held.store(0, Relaxed);
    RECORDER.lost.store(0, Relaxed);
    let session = RECORDER.session.load(Relaxed).wrapping_add(1);
    RECORDER.session.store(session.max(1), Relaxed);
    let now = Moment::now();
    RECORDER.begin.store(now.ticks, Relaxed);
    OUTSIDE_LOCK.unlock();
    now
}

/// The world is described: events are written from now on. Plain threads, which do not stop, see it between
/// two of their events.
pub(crate) fn open() {
    OUTSIDE_LOCK.lock();
    RECORDER.on.store(true, Relaxed);
    looks::begin(RECORDING);
    OUTSIDE_LOCK.unlock();
}

/// No more events from now on, but those that are being written.
pub(crate) fn end() -> Moment {
    OUTSIDE_LOCK.lock();
    RECORDER.on.store(false, Relaxed);
    looks::end(RECORDING);
    OUTSIDE_LOCK.unlock();
    Moment::now()
}

/// Events that found no room.
pub(crate) fn lost() -> u64 {
    RECORDER.lost.load(Relaxed)
}

/// A recording of the beginning that has no room any more. One of the end always has.
pub(crate) fn is_full() -> bool {
    !RECORDER.again.load(Relaxed) && lost() > 0
}

/// How many events there are just now.
pub(crate) fn events() -> usize {
    taken().iter().map(Chunk::events).sum()
}

/// The ticks at its beginning.
pub(super) fn began() -> u64 {
    RECORDER.begin.load(Relaxed)
}

/// The chunks that were given out.
pub(super) fn taken() -> &'static [Chunk] {
    // Acquire pairs(trace-region): prepare's Release.
    let Some(Region(chunks)) = RECORDER.region.load(Acquire) else {
        return &[];
    };
    let chunks = &chunks[..RECORDER.chunks.load(Relaxed) as usize];
    let taken = RECORDER.taken.load(Relaxed).min(chunks.len() as u64);
    &chunks[..taken as usize]
}

/// While there is one, nothing that was written is overwritten: a writer whose chunk is full loses events.
#[derive(Debug)]
pub(crate) struct Still(());

impl Still {
    /// In a stopped world: no M is about to take a chunk.
    pub(crate) fn hold() -> Still {
        RECORDER.readers.fetch_add(1, Relaxed);
        Still(())
    }
}

impl Drop for Still {
    fn drop(&mut self) {
        RECORDER.readers.fetch_sub(1, Relaxed);
    }
}

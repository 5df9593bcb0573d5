//! Where events are written: chunks of one region of memory. Each has one writer, so writing takes no
//! lock, no allocation and no atomic read-modify-write but two a chunk.
//!
//! A writer publishes a record by the chunk's length. A recording keeps the beginning: when the region is
//! full, events are counted and dropped. A flight recording keeps the end: the chunk that was given out
//! first, of those that are full, is given out again. What there is of each writer has no gap.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

use crate::core::base::atomic_ref::AtomicRef;
use crate::core::base::owner_cell::{OwnerCell, OwnerRef};
use crate::core::sys::lock::RawLock;
use crate::ext::linux::ticks::{self, Moment};
use crate::ext::looks::{self, RECORDING};
use crate::ext::recording::chunk::{BYTES, Chunk, RECORDS, region};
use crate::ext::recording::record::{Rule, words};

/// 64 MiB: 2.8 million events.
pub(crate) const CHUNKS: u32 = 1024;

/// Each thread has one chunk to itself, so with fewer than that a few idle threads have them all.
const LEAST: usize = 64;

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
struct Region(&'static [Chunk]);

#[derive(Debug)]
struct Recorder {
    on: AtomicBool,
    region: AtomicRef<Region>,
    /// Goes up with each recording: a writer's chunk is of this one, or is no more.
    session: AtomicU32,
    /// Of this recording: how many chunks there are, and whether they are given out again.
    chunks: AtomicU32,
    again: AtomicBool,
    /// Chunks given out, and those of them that somebody writes to.
    taken: AtomicU64,
    held: AtomicU64,
    lost: AtomicU64,
    /// How many read it just now: until they have, no chunk is given out again.
    readers: AtomicU32,
    /// The ticks at its beginning.
    begin: AtomicU64,
}

static RECORDER: Recorder = Recorder {
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

/// Somebody's place to write to. Used by one thread at a time.
#[derive(Debug)]
pub(crate) struct Writer {
    chunk: OwnerRef<Chunk>,
    session: OwnerCell<u32>,
    len: OwnerCell<u32>,
    /// The next chunk's number among its own; one is left out where events were lost.
    nth: OwnerCell<u64>,
    /// Of an M: the rule that chose the next goroutine, + 1, if it was not found in the P's queue.
    rule: OwnerCell<u8>,
}

impl Writer {
    pub(crate) const fn new() -> Writer {
        Writer {
            chunk: OwnerRef::none(),
            session: OwnerCell::zero(),
            len: OwnerCell::zero(),
            nth: OwnerCell::zero(),
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

    /// Writes an event of now. `tag`: of [`record::tag`](crate::ext::recording::record::tag).
    #[inline]
    pub(crate) fn write(&self, owner: impl FnOnce() -> u32, tag: u64, a: u64, b: u64) {
        let len = self.len.get();
        let has_room = self.session.get() == RECORDER.session.load(Relaxed) && len < RECORDS;
        match self.chunk.get() {
            Some(chunk) if has_room && ticks::is_counter() => {
                self.len.set(len + 1);
                chunk.write(len, words(ticks::of_the_cpu(), tag, a, b));
            }
            _ => self.write_with_care(owner(), tag, a, b),
        }
    }

    /// Into a new chunk, perhaps, and by a clock that is a call. `write` ends with it, and so saves no registers.
    #[cold]
    #[inline(never)]
    fn write_with_care(&self, owner: u32, tag: u64, a: u64, b: u64) {
        let mut len = self.len.get();
        if self.session.get() != RECORDER.session.load(Relaxed) || len >= RECORDS {
            if !self.take_chunk(owner) {
                return;
            }
            len = 0;
        }
        if let Some(chunk) = self.chunk.get() {
            self.len.set(len + 1);
            chunk.write(len, words(ticks::now(), tag, a, b));
        }
    }

    /// Gets a chunk; if there is none, an event is lost.
    fn take_chunk(&self, owner: u32) -> bool {
        let found = self.find_chunk(owner);
        if !found {
            self.nth.add(1);
            RECORDER.lost.fetch_add(1, Relaxed);
        }
        found
    }

    fn find_chunk(&self, owner: u32) -> bool {
        let session = RECORDER.session.load(Relaxed);
        if self.session.get() != session {
            self.session.set(session);
            self.nth.set(0);
            self.chunk.set(None);
        }
        self.len.set(RECORDS); // until there is one
        // Acquire pairs(trace-region): prepare's Release.
        let Some(Region(chunks)) = RECORDER.region.load(Acquire) else {
            return false;
        };
        let chunks = &chunks[..RECORDER.chunks.load(Relaxed) as usize];
        let again = RECORDER.again.load(Relaxed);
        if again && RECORDER.readers.load(Relaxed) != 0 {
            return false;
        }
        if again && let Some(full) = self.chunk.take() {
            full.give();
            RECORDER.held.fetch_sub(1, Relaxed);
        }
        for _ in chunks {
            // The look first: when all are taken, or in use, an event costs no more than that.
            let counted = if again {
                &RECORDER.held
            } else {
                &RECORDER.taken
            };
            if counted.load(Relaxed) >= chunks.len() as u64 {
                return false;
            }
            let ticket = RECORDER.taken.fetch_add(1, Relaxed);
            if !again && ticket >= chunks.len() as u64 {
                return false;
            }
            let chunk = &chunks[(ticket % chunks.len() as u64) as usize];
            if chunk.take(ticket, owner, self.nth.get()) {
                RECORDER.held.fetch_add(1, Relaxed);
                self.nth.add(1);
                self.chunk.set(Some(chunk));
                self.len.set(0);
                return true;
            }
        }
        false
    }
}

/// Held by those who write and whom a stopped world does not wait for, and while a recording begins, opens or
/// ends.
static OUTSIDE_LOCK: RawLock = RawLock::new();
static OUTSIDE_WRITER: Writer = Writer::new();

/// Writes an event under the lock: its tag and its two words, if it is one.
fn write_locked(
    writer: &Writer,
    owner: impl FnOnce() -> u32,
    event: impl FnOnce() -> Option<(u64, u64, u64)>,
) {
    OUTSIDE_LOCK.lock();
    if let Some((tag, a, b)) = event() {
        writer.write(owner, tag, a, b);
    }
    OUTSIDE_LOCK.unlock();
}

/// Writes an event of a thread that is no M.
pub(crate) fn write_outside(event: impl FnOnce() -> Option<(u64, u64, u64)>) {
    write_locked(&OUTSIDE_WRITER, || OUTSIDE, event);
}

/// Writes an event of an M without a P. A stopped world does not wait for it: so it looks again, under the
/// lock, whether the recording for which it has the event still runs.
#[cold]
pub(crate) fn write_unstopped(
    writer: &Writer,
    owner: impl FnOnce() -> u32,
    tag: u64,
    a: u64,
    b: u64,
) {
    write_locked(writer, owner, || on().then_some((tag, a, b)));
}

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

/// How many events there are, at most.
pub(crate) fn most_events() -> usize {
    taken().len() * RECORDS as usize
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext::recording::record::{Kind, tag};
    use crate::ext::recording::streams::streams;
    use std::sync::Mutex;

    /// There is one recorder.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    /// A writer whose next chunk would be another's past loses events, as long as that is read.
    #[test]
    fn what_is_read_is_not_overwritten() {
        let _one = ONE_AT_A_TIME.lock().unwrap();
        assert!(prepare());
        let now = begin(Keep::End(0));
        let (quiet, busy) = (Writer::new(), Writer::new());
        let write = |writer: &Writer, owner, n| {
            (0..n).for_each(|_| writer.write(|| owner, tag(Kind::Note, 1), 0, 0));
        };
        let of = |owner| {
            let streams = streams(&now, None);
            let mut found = streams.into_iter().filter(|s| s.owner == owner);
            found
                .next()
                .map_or((true, 0), |s| (s.whole, s.records.len()))
        };
        let chunk = u64::from(RECORDS);
        write(&quiet, 1, chunk + 1); // the first of its chunks may be given out again
        write(&busy, 2, chunk * (LEAST as u64 - 2));
        let still = Still::hold();
        write(&busy, 2, 2 * chunk);
        assert_eq!(of(1), (true, RECORDS as usize + 1));
        assert_eq!(lost(), 2 * chunk);
        drop(still);
        write(&busy, 2, 2 * chunk);
        assert_eq!(of(1), (false, 1), "its first chunk is another's");
        end();
    }

    /// Who finds all chunks in use does not go round them for each event.
    #[test]
    fn more_writers_than_chunks_cost_a_look() {
        let _one = ONE_AT_A_TIME.lock().unwrap();
        assert!(prepare());
        begin(Keep::End(0));
        let writers: Vec<Writer> = (0..LEAST + 6).map(|_| Writer::new()).collect();
        for _ in 0..10 {
            for (owner, writer) in (0..).zip(&writers) {
                writer.write(|| owner, tag(Kind::Note, 0), 0, 0);
            }
        }
        end();
        assert_eq!(RECORDER.taken.load(Relaxed), LEAST as u64);
        assert_eq!(lost(), 60);
    }
}

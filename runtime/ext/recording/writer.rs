//! Who writes events, and where: each M has a writer of its own, and threads that are no Ms share one, under a
//! lock.
//!
//! Go: traceruntime.go, traceWriter.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::{Acquire, Relaxed};

use crate::core::base::owner_cell::{OwnerCell, OwnerRef};
use crate::ext::linux::ticks;
use crate::ext::recording::chunk::{Chunk, RECORDS};
use crate::ext::recording::record::Rule;
use crate::ext::recording::recorder::{OUTSIDE, OUTSIDE_LOCK, RECORDER, Region, on};
use crate::ext::recording::words::{WORDS, words};

/// Somebody's place to write to. Used by one thread at a time.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(super) chunk: OwnerRef<Chunk>,
    pub(super) session: OwnerCell<u32>,
    pub(super) len: OwnerCell<u32>,
    /// The next chunk's number among its own; one is left out where events were lost.
    nth: OwnerCell<u64>,
    /// Of an M: the rule that chose the next goroutine, + 1, if it was not found in the P's queue.
    rule: OwnerCell<u8>,
    /// Of an M: `len` right after a goroutine gave way to the next, 0 if time may have passed since.
    pub(super) gave_way: OwnerCell<u32>,
    /// Of an M: the first word of a yield that is not written yet, as it may be one record with the start of
    /// the next goroutine; 0: there is none.
    pub(super) stop: OwnerCell<u64>,
    /// The goroutine that stopped.
    pub(super) stopped: OwnerCell<u64>,
}

impl Writer {
    pub(crate) const fn new() -> Writer {
        Writer {
            chunk: OwnerRef::none(),
            session: OwnerCell::zero(),
            len: OwnerCell::zero(),
            nth: OwnerCell::zero(),
            rule: OwnerCell::zero(),
            gave_way: OwnerCell::zero(),
            stop: OwnerCell::zero(),
            stopped: OwnerCell::zero(),
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

    /// Writes an event of now. `tag`: of [`words::tag`](crate::ext::recording::words::tag).
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
        self.put_with_care(owner, || words(ticks::now(), tag, a, b));
    }

    pub(super) fn put_with_care(&self, owner: u32, record: impl FnOnce() -> [u64; WORDS]) {
        let mut len = self.len.get();
        if self.session.get() != RECORDER.session.load(Relaxed) || len >= RECORDS {
            if !self.take_chunk(owner) {
                return;
            }
            len = 0;
        }
        if let Some(chunk) = self.chunk.get() {
            self.len.set(len + 1);
            chunk.write(len, record());
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ext::recording::record::Kind;
    use crate::ext::recording::recorder::{Keep, LEAST, Still, begin, end, lost, prepare};
    use crate::ext::recording::streams::streams;
    use crate::ext::recording::words::tag;
    use std::sync::Mutex;

    /// There is one recorder.
    pub(in crate::ext::recording) static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

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

//! A stop and the start of the next goroutine: one look at the clock is for both where the next one is there
//! at once, and one record, if the goroutine yields.
//!
//! A stop that is noted is the M's own, and the M writes it, at the latest, before the next event of its and
//! before it gives its P up (`emit.rs`). So in a stopped world all is written.
#![forbid(unsafe_code)]

use std::sync::atomic::Ordering::Relaxed;

use crate::ext::linux::ticks;
use crate::ext::recording::chunk::RECORDS;
use crate::ext::recording::record::Rule;
use crate::ext::recording::recorder::RECORDER;
use crate::ext::recording::words::{
    at_the_time_of, is_short, stop_words, switch_words, yield_word,
};
use crate::ext::recording::writer::Writer;

impl Writer {
    /// Writes that a goroutine gives way: if the next is there at once, one look at the clock is for both.
    #[inline]
    pub(crate) fn write_gives_way(
        &self,
        owner: impl FnOnce() -> u32,
        tag: u64,
        a: u64,
        b: u64,
    ) {
        self.gave_way.set(self.len.get() + 1); // no len, if this takes a chunk: the next one looks at the clock
        self.write(owner, tag, a, b);
    }

    /// Writes that one starts: at the time of the writer's last event, if with that another gave way.
    #[inline]
    pub(crate) fn write_starts(&self, owner: impl FnOnce() -> u32, tag: u64, a: u64, b: u64) {
        let gave_way = self.gave_way.take();
        let len = self.len.get();
        let at_once = gave_way == len
            && len < RECORDS
            && self.session.get() == RECORDER.session.load(Relaxed);
        match self.chunk.get() {
            Some(chunk) if at_once && len != 0 => {
                self.len.set(len + 1);
                chunk.write(len, at_the_time_of(chunk.first_word(len - 1), tag, a, b));
            }
            _ => self.write(owner, tag, a, b),
        }
    }

    /// From now on the next goroutine is not there at once.
    pub(crate) fn takes_time(&self) {
        self.gave_way.set(0);
    }

    /// Notes that the goroutine yields now. `false`: it cannot, the stop is to be written.
    #[inline]
    pub(crate) fn note_yield(&self, to_local: bool, stopped: u64) -> bool {
        let can = is_short(stopped) && self.session.get() == RECORDER.session.load(Relaxed);
        if can {
            self.stop.set(yield_word(ticks::now(), to_local));
            self.stopped.set(stopped);
        }
        can
    }

    /// Has it noted a stop?
    #[inline]
    pub(crate) fn has_stop(&self) -> bool {
        self.stop.get() != 0
    }

    /// Writes the stop that was noted, and this start. `false`: it cannot, each is to be written.
    #[inline]
    pub(crate) fn write_switch(&self, rule: Rule, started: u64, b: u64) -> bool {
        let stop = self.stop.get();
        if stop == 0 {
            return false;
        }
        let len = self.len.get();
        let can = is_short(started)
            && len < RECORDS
            && self.session.get() == RECORDER.session.load(Relaxed);
        match self.chunk.get() {
            Some(chunk) if can => {
                self.stop.set(0);
                self.len.set(len + 1);
                let stopped = self.stopped.get();
                chunk.write(len, switch_words(stop, rule, stopped, started, b));
                true
            }
            _ => false,
        }
    }

    /// Writes the stop that was noted, alone. What an ended recording has left is dropped.
    #[cold]
    #[inline(never)]
    pub(crate) fn write_stop(&self, owner: u32, b: u64) {
        let stop = self.stop.take();
        if stop != 0 && self.session.get() == RECORDER.session.load(Relaxed) {
            self.put_with_care(owner, || stop_words(stop, self.stopped.get(), b));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext::recording::record::Kind;
    use crate::ext::recording::recorder::{Keep, begin, end, prepare};
    use crate::ext::recording::streams::streams;
    use crate::ext::recording::words::tag;
    use crate::ext::recording::writer::tests::ONE_AT_A_TIME;

    /// One look at the clock is for a stop and for the start after it, but not where time may have passed.
    #[test]
    fn who_starts_at_once_starts_when_the_other_stopped() {
        let _one = ONE_AT_A_TIME.lock().unwrap();
        assert!(prepare());
        let now = begin(Keep::Beginning);
        let m = Writer::new();
        let later = || {
            let now = ticks::now();
            while ticks::now() == now {}
        };
        let stop = || m.write_gives_way(|| 1, tag(Kind::Stop, 0), 1, 2);
        let start = || m.write_starts(|| 1, tag(Kind::Start, 1), 3, 4);
        let other = || m.write(|| 1, tag(Kind::Ready, 0), 5, 6);
        let fill = |but: u32| (0..RECORDS - but - m.len.get()).for_each(|_| other());
        let records = || streams(&now, None).remove(0).records;
        // Did the last one start when the one before it stopped?
        let at_once = || {
            later();
            start();
            let all = records();
            let last = all[all.len() - 1];
            assert_eq!(
                (last.kind, last.small, last.a, last.b),
                (Kind::Start, 1, 3, 4)
            );
            all.len() > 1 && last.time == all[all.len() - 2].time
        };
        assert!(!at_once(), "there is no stop");
        stop();
        assert!(at_once());
        assert!(!at_once(), "it was another's stop");
        stop();
        other();
        assert!(!at_once());
        stop();
        m.takes_time();
        assert!(!at_once());
        fill(1);
        stop();
        assert!(!at_once(), "the stop filled its chunk");
        fill(0);
        stop();
        assert!(!at_once(), "the stop took a new chunk");
        fill(2);
        stop();
        assert!(at_once(), "there was room for both");
        let all = records();
        assert!(all.windows(2).all(|two| two[0].time <= two[1].time));
        assert_eq!(all.len(), 3 * RECORDS as usize);
        end();
    }

    /// A stop that was noted and the next start are one record, or two; each event once, and in order.
    #[test]
    fn a_stop_that_is_noted_is_written_once() {
        let _one = ONE_AT_A_TIME.lock().unwrap();
        assert!(prepare());
        let now = begin(Keep::Beginning);
        let m = Writer::new();
        let write = |kind| m.write(|| 1, tag(kind, 0), 9, 0);
        let records = || streams(&now, None).remove(0).records;
        let kinds = || records().iter().map(|r| (r.kind, r.a)).collect::<Vec<_>>();
        assert!(!m.note_yield(false, 3), "it has no chunk of this recording");
        write(Kind::Ready);
        assert!(!m.write_switch(Rule::Local, 4, 0), "nobody has stopped");
        assert!(m.note_yield(false, 3) && m.has_stop());
        assert!(m.write_switch(Rule::Local, 4, 0) && !m.has_stop());
        assert!(!m.write_switch(Rule::Local, 4, 0), "it was another's stop");
        assert!(m.note_yield(false, 4));
        m.write_stop(1, 0);
        m.write_stop(1, 0);
        write(Kind::End);
        let expect = [Kind::Ready, Kind::Stop, Kind::Start, Kind::Stop, Kind::End];
        assert_eq!(
            kinds(),
            expect.into_iter().zip([9, 3, 4, 4, 9]).collect::<Vec<_>>()
        );
        let all = records();
        assert_eq!(all[1].time, all[2].time);
        assert!(all.windows(2).all(|two| two[0].time <= two[1].time));
        assert!(!m.note_yield(false, u64::MAX), "its id is too long");
        assert!(m.note_yield(false, 5));
        assert!(!m.write_switch(Rule::Local, u64::MAX, 0), "the other's is");
        (m.len.get()..RECORDS).for_each(|_| write(Kind::Ready));
        assert!(!m.write_switch(Rule::Local, 6, 0), "there is no room");
        m.write_stop(1, 0);
        assert_eq!(kinds().last(), Some(&(Kind::Stop, 5)));
        assert!(m.note_yield(false, 7));
        end();
        let now = begin(Keep::Beginning);
        assert!(
            !m.write_switch(Rule::Local, 8, 0),
            "that was another recording"
        );
        m.write_stop(1, 0);
        write(Kind::Ready);
        let records = streams(&now, None).remove(0).records;
        assert_eq!(records.len(), 1);
        end();
    }
}

//! The one order of all events: what each M wrote is in order; what several wrote is put together so
//! that every step was possible.
//!
//! Times decide between steps that are possible, and nothing else: the clocks of two CPUs may
//! differ. A goroutine and a P count their moves, so it is known which of two wake-ups was first.
//! When no step is possible, the scheduler, or its record, has a fault: Go's reader of traces finds
//! the same (`internal/trace/order.go`).
#![forbid(unsafe_code)]

use std::fmt;

use crate::ext::recording::record::{Kind, Record};
use crate::ext::trace::possible::{What, World, WriterId};

/// One event, with what is known of who was where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Ticks from the beginning; never less than the step's before.
    pub(crate) time: u64,
    pub(crate) m: WriterId,
    /// The P that the M held, before a step that gives it up and after one that takes it.
    pub(crate) p: Option<u32>,
    /// The goroutine that ran there.
    pub(crate) g: Option<u64>,
    pub(crate) what: What,
}

/// What no scheduler does: the event that could not be, of all that were next.
#[derive(Debug)]
pub(crate) struct Impossible {
    pub(crate) m: WriterId,
    pub(crate) record: Record,
    pub(crate) why: String,
    /// Steps that were possible before.
    pub(crate) after: usize,
}

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Impossible {
            m,
            record,
            why,
            after,
        } = self;
        write!(
            f,
            "the trace is broken after {after} events: m{m} cannot {:?} {}: {why}",
            record.kind, record.a
        )
    }
}

/// What is known of the time before the first event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// There was no goroutine.
    Known,
    /// The recording began in a program that ran, with how each goroutine was. Plain threads did not
    /// stop for that: one of them may have started a goroutine, or made one ready, just then.
    Blurred,
}

/// What one writer wrote.
#[derive(Debug)]
pub(crate) struct Sequence<'a> {
    pub(crate) m: WriterId,
    /// How things were at the beginning, where the records do not say it.
    pub(crate) were: Vec<Record>,
    pub(crate) records: &'a [Record],
}

impl Sequence<'_> {
    pub(crate) fn of(m: WriterId, records: &[Record]) -> Sequence<'_> {
        Sequence {
            m,
            were: Vec::new(),
            records,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.were.len() + self.records.len()
    }

    fn created(&self) -> impl Iterator<Item = u64> {
        let created = self.records.iter().filter(|r| r.kind == Kind::Create);
        created.map(|record| record.a)
    }

    fn get(&self, i: usize) -> Option<&Record> {
        match i.checked_sub(self.were.len()) {
            Some(i) => self.records.get(i),
            None => self.were.get(i),
        }
    }
}

/// Puts the streams together. With `lossy`, a stream may end early: then the order ends where
/// nobody can go on.
pub(crate) fn order(
    streams: &[Sequence<'_>],
    lossy: bool,
    beginning: Beginning,
) -> Result<Vec<Step>, Impossible> {
    let mut next = vec![0; streams.len()];
    let mut world = World::default();
    world.blurred = (beginning == Beginning::Blurred)
        .then(|| streams.iter().flat_map(Sequence::created).collect());
    let mut steps: Vec<Step> = Vec::with_capacity(streams.iter().map(Sequence::len).sum());
    let mut waiting: Vec<(u64, usize)> = Vec::new();
    loop {
        waiting.clear();
        for (i, stream) in streams.iter().enumerate() {
            waiting.extend(stream.get(next[i]).map(|record| (record.time, i)));
        }
        if waiting.is_empty() {
            return Ok(steps);
        }
        waiting.sort_unstable();
        let mut first_refusal = None;
        let possible = waiting.iter().find_map(|&(_, i)| {
            let m = streams[i].m;
            let record = streams[i].get(next[i])?;
            match world.step(m, record) {
                Ok(step) => Some((i, record.time, step)),
                Err(why) => {
                    first_refusal.get_or_insert((m, *record, why));
                    None
                }
            }
        });
        match (possible, first_refusal) {
            (Some((i, time, (p, g, what))), _) => {
                next[i] += 1;
                let before = steps.last().map_or(0, |step| step.time);
                steps.push(Step {
                    time: time.max(before),
                    m: streams[i].m,
                    p,
                    g,
                    what,
                });
            }
            (None, Some((m, record, why))) if !lossy => {
                return Err(Impossible {
                    m,
                    record,
                    why,
                    after: steps.len(),
                });
            }
            (None, _) => return Ok(steps),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::g::wait_reason::WaitReason;
    use crate::ext::recording::record::{Rule, Was};
    use crate::ext::recording::words::start_word;
    use crate::ext::trace::possible::Queues;

    fn in_order(
        streams: &[(WriterId, Vec<Record>)],
        lossy: bool,
        beginning: Beginning,
    ) -> Result<Vec<Step>, Impossible> {
        let streams = streams.iter().map(|(m, records)| Sequence::of(*m, records));
        order(&streams.collect::<Vec<_>>(), lossy, beginning)
    }

    fn rec(time: u64, kind: Kind, small: u8, a: u64, b: u64) -> Record {
        Record {
            time,
            kind,
            small,
            a,
            b,
        }
    }

    /// M 1 runs goroutine 5, which blocks; M 2 makes it ready and takes the P, which M 1 gives up.
    fn two_ms() -> Vec<(WriterId, Vec<Record>)> {
        let one = vec![
            rec(1, Kind::PWas, 0, 0, 4),
            rec(1, Kind::PWas, 0, 1, 0),
            rec(2, Kind::GWas, Was::Runnable as u8, 5, 9),
            rec(3, Kind::PStart, 0, 0, 5),
            rec(4, Kind::Start, Rule::Local as u8, 5, start_word(10, 0, 0)),
            rec(9, Kind::Block, WaitReason::Park as u8, 5, 0),
            rec(10, Kind::PStop, 0, 0, 0),
        ];
        let two = vec![
            rec(3, Kind::PStart, 0, 1, 1),
            rec(5, Kind::Ready, 0, 5, 11), // its clock is behind
            rec(6, Kind::Steal, Rule::StealNext as u8, 0, 0),
            rec(
                7,
                Kind::Start,
                Rule::StealNext as u8,
                5,
                start_word(12, 1, 2),
            ),
            rec(8, Kind::End, 0, 5, 0),
        ];
        vec![(1, one), (2, two)]
    }

    #[test]
    fn moves_decide_where_clocks_do_not_agree() {
        let steps = in_order(&two_ms(), false, Beginning::Known).unwrap();
        assert_eq!(steps.len(), 12);
        assert!(steps.is_sorted_by_key(|step| step.time));
        let block = steps
            .iter()
            .position(|s| matches!(s.what, What::Block { .. }));
        let ready = steps
            .iter()
            .position(|s| s.what == What::Ready(5, Queues::default()));
        assert!(block < ready);
        let last = steps.iter().rev().find_map(|s| match s.what {
            What::Start { rule, queues, .. } => {
                Some((s.m, s.p, rule, queues.local, queues.global))
            }
            _ => None,
        });
        assert_eq!(last, Some((2, Some(1), Rule::StealNext, 1, 2)));
    }

    /// Each record on its own taken out, or written twice: nearly all of it is seen. Not a steal, which
    /// says only why; nor what was at the end of a stream; nor the last that a P was at the beginning.
    #[test]
    fn what_is_missing_or_too_much_is_found() {
        let mut accepted = Vec::new();
        for (stream, len) in [(0, 7), (1, 5)] {
            for i in 0..len {
                let mut fewer = two_ms();
                fewer[stream].1.remove(i);
                if in_order(&fewer, false, Beginning::Known).is_ok() {
                    accepted.push((stream, i, "missing"));
                }
                let mut more = two_ms();
                let twice = more[stream].1[i];
                more[stream].1.insert(i, twice);
                if in_order(&more, false, Beginning::Known).is_ok() {
                    accepted.push((stream, i, "twice"));
                }
            }
        }
        let expected = [
            (0, 0, "twice"),
            (0, 1, "missing"),
            (0, 1, "twice"),
            (0, 2, "twice"),
            (0, 6, "missing"),
            (1, 2, "missing"),
            (1, 2, "twice"),
            (1, 4, "missing"),
        ];
        assert_eq!(accepted, expected);
    }

    /// A plain thread starts goroutine 5; what it wrote before has to wait for another M, whose clock is ahead.
    #[test]
    fn a_birth_that_was_written_was_not_missed() {
        let one = vec![
            rec(1, Kind::PStart, 0, 0, 1),
            rec(4, Kind::Start, Rule::Local as u8, 5, start_word(1, 0, 0)),
            rec(5, Kind::End, 0, 5, 0),
        ];
        let two = vec![
            rec(1, Kind::PStart, 0, 1, 1),
            rec(1, Kind::GWas, Was::Running as u8, 6, 0),
            rec(8, Kind::Block, WaitReason::Park as u8, 6, 0),
        ];
        let mut outside = vec![rec(2, Kind::Ready, 0, 6, 1), rec(3, Kind::Create, 0, 5, 0)];
        let len = |outside: &[Record]| {
            let streams = vec![
                (1, one.clone()),
                (2, two.clone()),
                (u32::MAX, outside.to_vec()),
            ];
            in_order(&streams, false, Beginning::Blurred).unwrap().len()
        };
        assert_eq!(len(&outside), 8);
        outside.pop();
        assert_eq!(len(&outside), 7);
    }

    #[test]
    fn what_was_lost_ends_the_order_early() {
        let mut streams = two_ms();
        streams[0].1.truncate(5); // the block was lost
        let why = in_order(&streams, false, Beginning::Known).unwrap_err();
        assert_eq!((why.m, why.after), (2, 6));
        assert!(why.why.contains("Running(1)"), "{why:?}");
        assert_eq!(in_order(&streams, true, Beginning::Known).unwrap().len(), 6);
    }

    /// Sysmon takes the P of a goroutine that is in the kernel; it comes back without.
    #[test]
    fn a_p_is_taken_and_its_goroutine_leaves() {
        let taken = |kind, at| {
            vec![
                (
                    1,
                    vec![
                        rec(1, Kind::PStart, 0, 0, 1),
                        rec(2, Kind::Create, 0, 5, 0),
                        rec(3, Kind::Start, Rule::Runnext as u8, 5, start_word(1, 0, 0)),
                        rec(9, kind, 0, 5, 0),
                    ],
                ),
                (u32::MAX, vec![rec(at, Kind::PRetake, 0, 0, 2 | 1 << 32)]),
            ]
        };
        let steps = in_order(&taken(Kind::Leave, 20), false, Beginning::Known).unwrap();
        assert_eq!(steps[3].what, What::PRetake { p: 0, from: 1 });
        assert_eq!(steps[4].what, What::Leave(5));
        assert!(in_order(&taken(Kind::End, 5), false, Beginning::Known).is_err());
        assert!(in_order(&taken(Kind::Return, 5), false, Beginning::Known).is_err());
    }
}

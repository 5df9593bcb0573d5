//! The end of a recording whose beginning was overwritten: what is left of each writer begins at another
//! time, so everything before the latest of these beginnings goes. `README.md#flight` has the rules.
#![forbid(unsafe_code)]

use std::collections::{HashMap, HashSet};

use crate::ext::recording::record::{Kind, Record};
use crate::ext::recording::recorder::OUTSIDE;
use crate::ext::recording::streams::Stream;
use crate::ext::trace::at_cut::{AtCut, Standing, of};
use crate::ext::trace::order::Sequence;
use crate::ext::trace::possible::WriterId;

/// Goroutines and Ps count their moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Mover {
    G(u64),
    P(u32),
}

fn moved(record: &Record) -> Option<(Mover, u32)> {
    let mover = match record.kind {
        Kind::Start | Kind::Ready => Mover::G(record.a),
        Kind::PStart | Kind::PRetake => Mover::P(record.a as u32),
        _ => return None,
    };
    Some((mover, record.b as u32))
}

/// The goroutine that the event's own M runs, or did.
fn on_m(record: &Record) -> Option<u64> {
    let kinds = [
        Kind::Stop,
        Kind::Block,
        Kind::End,
        Kind::Leave,
        Kind::Return,
    ];
    kinds.contains(&record.kind).then_some(record.a)
}

/// The earliest time from which everything is there, but not before `wanted`.
pub(crate) fn earliest(streams: &[Stream], wanted: u64) -> u64 {
    let beginnings = streams.iter().filter(|stream| !stream.whole);
    let first = beginnings.filter_map(|stream| stream.records.first());
    first.map(|record| record.time).fold(wanted, u64::max)
}

/// A writer's records, and how many of them are before the cut.
struct Part<'a> {
    m: WriterId,
    records: &'a [Record],
    at: usize,
}

impl<'a> Part<'a> {
    fn gone(&self) -> &'a [Record] {
        &self.records[..self.at]
    }

    fn kept(&self) -> &'a [Record] {
        &self.records[self.at..]
    }
}

/// The streams from `time` on, with the states at the cut in front.
pub(crate) fn cut<'a>(
    streams: &'a [Stream],
    time: u64,
    standing: &Standing,
) -> Vec<Sequence<'a>> {
    let part = |stream: &Stream| {
        let at = stream.records.iter().position(|record| record.time >= time);
        at.unwrap_or(stream.records.len())
    };
    let mut parts: Vec<Part<'_>> = streams
        .iter()
        .map(|stream| Part {
            m: stream.owner,
            records: &stream.records,
            at: part(stream),
        })
        .collect();
    while drop_what_was_before(&mut parts) {}
    let mut at_cut = AtCut::default();
    parts
        .iter()
        .for_each(|part| at_cut.read(part.m, part.kept()));
    at_cut.fill_in(standing);
    let mut out = vec![(OUTSIDE, Vec::new())];
    at_cut.write(time.saturating_sub(1), &mut out);
    for part in &parts {
        of(&mut out, part.m); // one for each
    }
    let kept = |m| {
        parts
            .iter()
            .find(|part| part.m == m)
            .map_or(&[][..], Part::kept)
    };
    let sequence = |(m, were)| Sequence {
        m,
        were,
        records: kept(m),
    };
    out.into_iter().map(sequence).collect()
}

/// A move whose successor is gone goes too, and all that its writer wrote before it. The clocks of two
/// writers may differ, and a waker may be there before the sleeper has left its stack. True: there was
/// one.
///
/// Each round makes its maps anew. All rounds of a snapshot are a quarter of its instructions (callgrind, three
/// snapshots of 160,000 events of yields on two Ps), so maps that are carried on would not make it much shorter: of two
/// million events it takes about a second, and the world is not stopped for that.
fn drop_what_was_before(parts: &mut [Part<'_>]) -> bool {
    let mut gone: HashMap<Mover, (u32, Kind)> = HashMap::new();
    let mut next: HashMap<Mover, u32> = HashMap::new();
    for part in parts.iter() {
        for record in part.gone() {
            if let Some((mover, moves)) = moved(record) {
                let last = gone.entry(mover).or_insert((moves, record.kind));
                if last.0 <= moves {
                    *last = (moves, record.kind);
                }
            }
        }
        for (mover, moves) in part.kept().iter().filter_map(moved) {
            next.entry(mover)
                .and_modify(|n| *n = moves.min(*n))
                .or_insert(moves);
        }
    }
    let mut more = false;
    for part in parts.iter_mut() {
        let mut started = HashSet::new();
        let mut end = 0;
        for (i, record) in part.kept().iter().enumerate() {
            if record.kind == Kind::Start {
                started.insert(record.a);
            }
            let late = match (moved(record), on_m(record)) {
                (Some((mover, moves)), _) => {
                    gone.get(&mover).is_some_and(|last| moves <= last.0)
                }
                // It still runs here, so its last move was its start, maybe one that is overwritten.
                (_, Some(g)) if !started.contains(&g) => {
                    let next = next.get(&Mover::G(g)).copied().unwrap_or(0);
                    let last = gone.get(&Mover::G(g));
                    last.is_some_and(|&(moves, kind)| kind == Kind::Ready && next < moves + 2)
                }
                _ => false,
            };
            if late {
                end = i + 1;
            }
        }
        part.at += end;
        more |= end > 0;
    }
    more
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext::recording::record::{Rule, Was, Why};
    use crate::ext::recording::words::start_word;
    use crate::ext::trace::order::{Beginning, order};

    /// A machine that does what a scheduler may: so many steps of it, by two Ms and two Ps.
    fn streams(steps: u64) -> Vec<Stream> {
        let mut all = [Vec::new(), Vec::new()];
        let mut g_moves = [0_u32; 4];
        let mut put = |m: usize, time, kind, small, a, b| {
            all[m].push(Record {
                time,
                kind,
                small,
                a,
                b,
            });
        };
        for m in 0..2 {
            put(m, m as u64, Kind::PStart, 0, m as u64, 1);
        }
        for g in 0..4 {
            put(0, 5, Kind::Create, 0, 10 + g, 0);
        }
        for n in 0..steps {
            // Both Ms in turn run one goroutine each; the other wakes it.
            let (m, time) = ((n % 2) as usize, 10 + n * 100);
            let g = (n % 4) as usize;
            let id = 10 + g as u64;
            g_moves[g] += 1;
            let word = start_word(g_moves[g], 0, 0);
            put(m, time, Kind::Start, Rule::Local as u8, id, word);
            if n % 3 == 0 {
                put(m, time + 20, Kind::Stop, Why::Yield as u8, id, 0);
            } else {
                g_moves[g] += 1;
                // The waker is there before the sleeper has left its stack.
                put(1 - m, time + 19, Kind::Ready, 0, id, g_moves[g].into());
                put(m, time + 20, Kind::Block, 1, id, 0);
            }
        }
        all.into_iter()
            .enumerate()
            .map(|(m, mut records)| {
                records.sort_by_key(|record: &Record| record.time);
                let mut stream = Stream::new(m as u32 + 1);
                stream.records = records;
                stream
            })
            .collect()
    }

    #[test]
    fn cut_anywhere_it_can_be_put_in_order() {
        let whole = streams(40);
        let all: Vec<_> = whole
            .iter()
            .map(|s| Sequence::of(s.owner, &s.records))
            .collect();
        order(&all, false, Beginning::Known).unwrap();
        let standing = Standing {
            gs: Vec::new(),
            ps: vec![(0, Some(1)), (1, Some(2))],
        };
        for time in 0..4100 {
            let parts = cut(&whole, time, &standing);
            let steps = order(&parts, false, Beginning::Known);
            let steps = steps.unwrap_or_else(|why| panic!("cut at {time}: {why}"));
            let all: usize = parts.iter().map(Sequence::len).sum();
            assert_eq!(steps.len(), all);
        }
    }

    #[test]
    fn each_writer_has_lost_another_beginning() {
        for (one, two) in [(3, 30), (25, 9), (11, 11)] {
            let mut parts = streams(40);
            for (stream, n) in parts.iter_mut().zip([one, two]) {
                stream.whole = false;
                stream.records.drain(..n);
            }
            let time = earliest(&parts, 0);
            let standing = Standing {
                gs: vec![(99, Was::Waiting, OUTSIDE)],
                ps: vec![(0, Some(1)), (1, Some(2))],
            };
            let steps = order(&cut(&parts, time, &standing), false, Beginning::Known).unwrap();
            assert!(steps.len() > 20);
        }
    }
}

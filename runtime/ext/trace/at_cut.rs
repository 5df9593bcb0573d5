//! How things were at the beginning of a flight recording: a goroutine or a P that moves later says by its
//! first move how it was; one that does not is as it is now. `README.md#flight` has the rules.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, HashSet};

use crate::core::p::processor::MAX_PS;
use crate::ext::recording::record::{Kind, Record, Was};
use crate::ext::recording::recorder::OUTSIDE;
use crate::ext::trace::possible::WriterId;

/// How everything is now, for those of whom nothing was recorded since the cut.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// A goroutine's id, how it is, and on which M if it runs.
    pub(super) gs: Vec<(u64, Was, WriterId)>,
    /// A P, and the M that holds it.
    pub(super) ps: Vec<(u32, Option<WriterId>)>,
}

impl Standing {
    /// For so many goroutines, and all Ps that there can be. Allocates, as the others do not: who does not
    /// fit in is left out.
    pub(crate) fn with_room(gs: usize) -> Standing {
        Standing {
            gs: Vec::with_capacity(gs),
            ps: Vec::with_capacity(MAX_PS),
        }
    }

    pub(crate) fn g(&mut self, g: u64, was: Was, on: WriterId) {
        if self.gs.len() < self.gs.capacity() {
            self.gs.push((g, was, on));
        }
    }

    pub(crate) fn p(&mut self, p: u32, holder: Option<WriterId>) {
        if self.ps.len() < self.ps.capacity() {
            self.ps.push((p, holder));
        }
    }
}

/// What is known of a goroutine or P at the cut.
#[derive(Debug, Default)]
struct Known {
    /// Its first move after the cut, and what that was.
    next: Option<(u32, Kind)>,
    /// The M that ran or held it.
    on: Option<WriterId>,
    /// It was made after the cut.
    born: bool,
    /// Of a goroutine: it was off its P.
    lost: bool,
    /// Of one that did not move: how it is now.
    stays: Option<Was>,
}

impl Known {
    /// Its count of moves at the cut.
    fn moves(&self) -> u32 {
        self.next.map_or(1, |(moves, _)| moves.wrapping_sub(1))
    }

    fn meets(&mut self, moves: u32, kind: Kind) {
        if self.next.is_none_or(|(first, _)| moves < first) {
            self.next = Some((moves, kind));
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct AtCut {
    gs: BTreeMap<u64, Known>,
    ps: BTreeMap<u32, Known>,
    /// Ms whose P and goroutine at the cut are known, or known to be none.
    p_seen: HashSet<WriterId>,
    g_seen: HashSet<WriterId>,
    /// Ps that were taken from this M, by their moves: the first one it may have had at the cut.
    taken_from: Vec<(WriterId, u32, u32)>,
}

impl AtCut {
    /// What a writer's events after the cut say. In any order of the writers.
    pub(crate) fn read(&mut self, m: WriterId, kept: &[Record]) {
        for record in kept {
            let (g, p) = (record.a, record.a as u32);
            match record.kind {
                Kind::Create => {
                    self.gs.entry(g).or_default().born = true;
                }
                Kind::Start => {
                    self.gs
                        .entry(g)
                        .or_default()
                        .meets(record.b as u32, record.kind);
                    self.g_seen.insert(m);
                }
                Kind::Ready => self
                    .gs
                    .entry(g)
                    .or_default()
                    .meets(record.b as u32, record.kind),
                Kind::Stop | Kind::Block | Kind::End | Kind::Leave | Kind::Return => {
                    let known = self.gs.entry(g).or_default();
                    if self.g_seen.insert(m) {
                        known.on = Some(m);
                        known.lost = matches!(record.kind, Kind::Leave | Kind::Return);
                    }
                }
                Kind::Valve => {
                    self.gs.entry(g).or_default();
                    self.g_seen.insert(m);
                }
                Kind::PStart => {
                    self.ps
                        .entry(p)
                        .or_default()
                        .meets(record.b as u32, record.kind);
                    self.p_seen.insert(m);
                }
                Kind::PStop => {
                    let known = self.ps.entry(p).or_default();
                    if self.p_seen.insert(m) {
                        known.on = Some(m);
                    }
                }
                Kind::PRetake => {
                    let moves = record.b as u32;
                    self.ps.entry(p).or_default().meets(moves, record.kind);
                    self.taken_from.push(((record.b >> 32) as u32, p, moves));
                }
                Kind::GWas
                | Kind::PWas
                | Kind::Steal
                | Kind::Note
                | Kind::Spin
                | Kind::Sleep
                | Kind::Wake
                | Kind::Timer
                | Kind::Grow => (),
            }
        }
    }

    /// What did not move is as it is now; and who was on an M without a P had one, if that was taken.
    pub(crate) fn fill_in(&mut self, standing: &Standing) {
        for &(from, p, moves) in &self.taken_from {
            let known = self.ps.entry(p).or_default();
            if known.next == Some((moves, Kind::PRetake)) {
                known.on = Some(from);
                let lost = self.gs.values_mut().filter(|g| g.on == Some(from));
                lost.for_each(|g| g.lost = false);
            }
        }
        for &(p, holder) in &standing.ps {
            let known = self.ps.entry(p).or_default();
            if known.next.is_none() && known.on.is_none() {
                known.on = holder.filter(|&m| self.p_seen.insert(m));
            }
        }
        let held: HashSet<WriterId> = self.ps.values().filter_map(|p| p.on).collect();
        for &(g, was, m) in &standing.gs {
            let known = self.gs.entry(g).or_insert_with(|| Known {
                stays: Some(was),
                ..Known::default()
            });
            // It was looked at later than the last event: then it may be on an M that ran another.
            let runs = known.stays.is_some() && matches!(was, Was::Running | Was::Lost);
            if runs && self.g_seen.insert(m) {
                known.on = Some(m);
                known.lost = !held.contains(&m);
            }
        }
    }

    /// As a recording begins: what each was.
    pub(crate) fn write(&self, time: u64, out: &mut Vec<(WriterId, Vec<Record>)>) {
        let record = |kind, small, a, b| Record {
            time,
            kind,
            small,
            a,
            b,
        };
        for (&p, known) in &self.ps {
            let (moves, p) = (known.moves(), u64::from(p));
            let before = u64::from(moves.wrapping_sub(1));
            match known.on {
                None => of(out, OUTSIDE).push(record(Kind::PWas, 0, p, moves.into())),
                Some(m) => {
                    let held = [
                        record(Kind::PWas, 0, p, before),
                        record(Kind::PStart, 0, p, moves.into()),
                    ];
                    of(out, m).extend(held);
                }
            }
        }
        for (&g, known) in self.gs.iter().filter(|(_, known)| !known.born) {
            let was = match (known.on, known.lost, known.next, known.stays) {
                (Some(_), true, ..) => Was::Lost,
                (Some(_), false, ..) => Was::Running,
                (_, _, Some((_, Kind::Ready)), _) => Was::Waiting,
                (_, _, None, Some(Was::Waiting)) => Was::Waiting,
                _ => Was::Runnable,
            };
            let on = known.on.unwrap_or(OUTSIDE);
            let writer = if was == Was::Running { on } else { OUTSIDE };
            let word = u64::from(known.moves()) | u64::from(on) << 32;
            of(out, writer).push(record(Kind::GWas, was as u8, g, word));
        }
    }
}

/// The records of `m`.
pub(crate) fn of(out: &mut Vec<(WriterId, Vec<Record>)>, m: WriterId) -> &mut Vec<Record> {
    let i = out.iter().position(|(known, _)| *known == m);
    let i = i.unwrap_or_else(|| {
        out.push((m, Vec::new()));
        out.len() - 1
    });
    &mut out[i].1
}

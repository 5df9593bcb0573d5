//! Which event is possible: the states of goroutines, Ps and Ms, as events change them.
//!
//! Go's reader of traces has the same rules (`internal/trace/order.go`).
#![forbid(unsafe_code)]

use std::collections::{HashMap, HashSet};

use crate::core::g::wait_reason::WaitReason;
use crate::ext::recording::record::{Asleep, Fires, Kind, Note, Record, Rule, Was, Why};
use crate::ext::recording::words::{address_and_number, start_parts};

/// Who writes: an M's number, or `OUTSIDE`.
pub(crate) type WriterId = u32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    GWas(u64, Was),
    PWas(u32),
    PStart,
    PStop,
    PRetake {
        p: u32,
        from: WriterId,
    },
    Create {
        g: u64,
        /// Where it was asked for.
        place: u64,
        local: u16,
    },
    Start {
        g: u64,
        rule: Rule,
        queues: Queues,
    },
    /// The last: the number of its stack.
    Stop(Why, Queues, u16),
    Block {
        reason: WaitReason,
        on: u64,
        stack: u16,
    },
    End,
    Ready(u64, Queues),
    Leave(u64),
    Return(u64),
    Valve(u64),
    /// From that P, so many.
    Steal(Rule, u32, u32),
    Note(Note, u64),
    /// True: the M begins to look for work.
    Spin(bool),
    Sleep(Asleep),
    /// True: to look for work.
    Wake(bool),
    /// For that goroutine, from the heap of that P.
    Timer(Fires, u64, u32),
    /// So many bytes.
    Grow(u64, u64),
}

/// The lengths of the P's own queue and of the global queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queues {
    pub(crate) local: u16,
    pub(crate) global: u16,
}

fn queues(word: u64) -> Queues {
    let (_, local, global) = start_parts(word);
    Queues { local, global }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GState {
    Runnable,
    Running(WriterId),
    /// In user code on that M, whose P was taken.
    Lost(WriterId),
    Waiting,
    /// Since before the recording began.
    WaitingSince,
    Ended,
}

#[derive(Clone, Copy, Debug, Default)]
struct MState {
    p: Option<u32>,
    g: Option<u64>,
    /// Not known before the first event that says so.
    spins: Option<bool>,
    asleep: Option<bool>,
}

#[derive(Debug, Default)]
pub(crate) struct World {
    gs: HashMap<u64, (GState, u32)>,
    ps: HashMap<u32, (Option<WriterId>, u32)>,
    ms: HashMap<WriterId, MState>,
    /// Who started or readied a goroutine when the recording began may have been missed. Then these are those
    /// whose start was written.
    pub(crate) blurred: Option<HashSet<u64>>,
}

pub(crate) type Known = (Option<u32>, Option<u64>, What);

impl World {
    /// One step, if it is possible.
    pub(crate) fn step(&mut self, m: WriterId, record: &Record) -> Result<Known, String> {
        let Record {
            kind, small, a, b, ..
        } = *record;
        let at = self.ms.get(&m).copied().unwrap_or_default();
        let known = |what| Ok((at.p, at.g, what));
        if at.asleep == Some(true) && kind != Kind::Wake {
            return Err(format!("m{m} sleeps"));
        }
        match kind {
            Kind::GWas => {
                let was = Was::from_u8(small).ok_or("no such state")?;
                let state = match was {
                    Was::Runnable => GState::Runnable,
                    Was::Waiting => GState::WaitingSince,
                    Was::Running => GState::Running(m),
                    Was::Lost => GState::Lost((b >> 32) as u32),
                };
                self.gs.insert(a, (state, b as u32));
                if was != Was::Runnable && was != Was::Waiting {
                    let on = if was == Was::Lost {
                        (b >> 32) as u32
                    } else {
                        m
                    };
                    self.ms.entry(on).or_default().g = Some(a);
                }
                known(What::GWas(a, was))
            }
            Kind::PWas => {
                self.ps.insert(a as u32, (None, b as u32));
                known(What::PWas(a as u32))
            }
            Kind::PStart => {
                let p = a as u32;
                let (holder, moves) = self.ps.entry(p).or_insert((None, 0));
                if at.p.is_some() {
                    return Err(format!("m{m} has a P already"));
                }
                if holder.is_some() || b as u32 != moves.wrapping_add(1) {
                    return Err(format!("P {p} is held by {holder:?} after {moves} moves"));
                }
                (*holder, *moves) = (Some(m), b as u32);
                self.ms.entry(m).or_default().p = Some(p);
                Ok((Some(p), at.g, What::PStart))
            }
            Kind::PStop => {
                let p = a as u32;
                if at.p != Some(p) {
                    return Err(format!("m{m} does not hold P {p}"));
                }
                self.ps.entry(p).and_modify(|(holder, _)| *holder = None);
                self.ms.entry(m).or_default().p = None;
                known(What::PStop)
            }
            Kind::PRetake => {
                let (p, from) = (a as u32, (b >> 32) as u32);
                let (holder, moves) = self.ps.entry(p).or_insert((None, 0));
                if *holder != Some(from) || b as u32 != moves.wrapping_add(1) {
                    return Err(format!("P {p} is held by {holder:?} after {moves} moves"));
                }
                (*holder, *moves) = (None, b as u32);
                let victim = self.ms.entry(from).or_default();
                victim.p = None;
                if let Some(g) = victim.g
                    && let Some((state, _)) = self.gs.get_mut(&g)
                {
                    *state = GState::Lost(from);
                }
                known(What::PRetake { p, from })
            }
            Kind::Create => {
                if self.gs.contains_key(&a) {
                    return Err(format!("goroutine {a} is there already"));
                }
                self.gs.insert(a, (GState::Runnable, 0));
                let (place, local) = address_and_number(b);
                known(What::Create { g: a, place, local })
            }
            Kind::Start => {
                let (moves, queues) = (b as u32, queues(b));
                if self.blurred.as_ref().is_some_and(|born| !born.contains(&a)) {
                    let born = (GState::Runnable, moves.wrapping_sub(1));
                    self.gs.entry(a).or_insert(born);
                }
                let (state, before) = self.gs.get_mut(&a).ok_or("no such goroutine")?;
                let missed = self.blurred.is_some()
                    && *state == GState::WaitingSince
                    && moves == before.wrapping_add(1);
                if missed {
                    *state = GState::Runnable;
                }
                if at.p.is_none() || at.g.is_some() {
                    return Err(format!("m{m} has P {:?} and runs {:?}", at.p, at.g));
                }
                if *state != GState::Runnable || moves != before.wrapping_add(1) {
                    return Err(format!(
                        "goroutine {a} is {state:?}, this is its move {moves} after {before}"
                    ));
                }
                (*state, *before) = (GState::Running(m), moves);
                let rule = Rule::from_u8(small).ok_or("no such rule")?;
                self.ms.entry(m).or_default().g = Some(a);
                let what = What::Start { g: a, rule, queues };
                Ok((at.p, Some(a), what))
            }
            Kind::Stop | Kind::Block | Kind::End => {
                let (state, _) = self.gs.get_mut(&a).ok_or("no such goroutine")?;
                if *state != GState::Running(m) || at.p.is_none() {
                    return Err(format!("goroutine {a} is {state:?}"));
                }
                let (now, what) = match kind {
                    Kind::Stop => {
                        let why = Why::from_u8(small).ok_or("no such reason")?;
                        (GState::Runnable, What::Stop(why, queues(b), b as u16))
                    }
                    Kind::Block => {
                        let reason = WaitReason::from_u8(small);
                        let (on, stack) = address_and_number(b);
                        (GState::Waiting, What::Block { reason, on, stack })
                    }
                    _ => (GState::Ended, What::End),
                };
                *state = now;
                self.ms.entry(m).or_default().g = None;
                known(what)
            }
            Kind::Ready => {
                let (state, moves) = self.gs.get_mut(&a).ok_or("no such goroutine")?;
                let waits = matches!(state, GState::Waiting | GState::WaitingSince);
                if !waits || b as u32 != moves.wrapping_add(1) {
                    return Err(format!(
                        "goroutine {a} is {state:?}, this is its move {} after {moves}",
                        b as u32
                    ));
                }
                (*state, *moves) = (GState::Runnable, b as u32);
                known(What::Ready(a, queues(b)))
            }
            Kind::Leave | Kind::Return => {
                let (state, _) = self.gs.get_mut(&a).ok_or("no such goroutine")?;
                if *state != GState::Lost(m) || (kind == Kind::Return) != at.p.is_some() {
                    return Err(format!("goroutine {a} is {state:?}, the M has {:?}", at.p));
                }
                if kind == Kind::Return {
                    *state = GState::Running(m);
                    return known(What::Return(a));
                }
                *state = GState::Runnable;
                self.ms.entry(m).or_default().g = None;
                known(What::Leave(a))
            }
            Kind::Valve => {
                let (state, _) = self.gs.get_mut(&a).ok_or("no such goroutine")?;
                if *state != GState::Runnable || at.p.is_some() || at.g.is_some() {
                    return Err(format!("goroutine {a} is {state:?}, m{m} runs {:?}", at.g));
                }
                *state = GState::Lost(m);
                self.ms.entry(m).or_default().g = Some(a);
                known(What::Valve(a))
            }
            Kind::Steal => {
                let rule = Rule::from_u8(small).ok_or("no such rule")?;
                known(What::Steal(rule, a as u32, b as u32))
            }
            Kind::Note => {
                let note = Note::from_u8(small).ok_or("no such note")?;
                known(What::Note(note, a))
            }
            Kind::Spin => {
                let now = small != 0;
                if at.spins == Some(now) || at.g.is_some() {
                    return Err(format!("m{m} runs {:?}, spins: {:?}", at.g, at.spins));
                }
                self.ms.entry(m).or_default().spins = Some(now);
                known(What::Spin(now))
            }
            Kind::Sleep => {
                let why = Asleep::from_u8(small).ok_or("no such sleep")?;
                if at.p.is_some() || at.g.is_some() || at.spins == Some(true) {
                    return Err(format!("m{m} has P {:?} and runs {:?}", at.p, at.g));
                }
                self.ms.entry(m).or_default().asleep = Some(true);
                known(What::Sleep(why))
            }
            Kind::Wake => {
                if at.asleep == Some(false) {
                    return Err(format!("m{m} is awake"));
                }
                let spins = small != 0;
                let state = self.ms.entry(m).or_default();
                (state.asleep, state.spins) = (Some(false), Some(spins));
                known(What::Wake(spins))
            }
            Kind::Timer => {
                let fires = Fires::from_u8(small).ok_or("no such timer")?;
                known(What::Timer(fires, a, b as u32))
            }
            Kind::Grow => known(What::Grow(a, b)),
        }
    }
}

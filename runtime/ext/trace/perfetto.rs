//! The trace for ui.perfetto.dev: protocol buffers, with a track for each P, M and goroutine.
//!
//! Only what these messages need is written: `Trace`, `TracePacket`, `TrackDescriptor`, `TrackEvent`.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};

use crate::ext::trace::lives::{Lives, State};
use crate::ext::trace::names::Names;
use crate::ext::trace::possible::{Queues, WriterId};
use crate::ext::trace::protobuf::Message;

const ROOT: u64 = 1;
const PS: u64 = 2;
const GS: u64 = 3;
const MS: u64 = 4;
const GLOBAL: u64 = 5;
/// Tracks of Ps, of their queues, of Ms and of goroutines begin here.
const P_TRACK: u64 = 1 << 32;
const QUEUE_TRACK: u64 = 2 << 32;
const M_TRACK: u64 = 3 << 32;
const G_TRACK: u64 = 1 << 40;

const BEGIN: u64 = 1;
const END: u64 = 2;
const INSTANT: u64 = 3;
const COUNTER: u64 = 4;
/// Children stand in the order of their ranks.
const EXPLICIT: u64 = 3;

struct Trace(Message);

impl Trace {
    fn packet(&mut self, packet: &Message) {
        let all = std::mem::take(&mut self.0);
        self.0 = all.message(1, packet);
    }

    fn track(&mut self, id: u64, parent: u64, name: &str, rank: u64, counter: bool) {
        let mut track = Message::default()
            .number(1, id)
            .text(2, name)
            .number(11, EXPLICIT)
            .number(12, rank);
        if parent != 0 {
            track = track.number(5, parent);
        }
        if counter {
            track = track.message(8, &Message::default());
        }
        self.packet(&Message::default().number(10, 1).message(60, &track));
    }

    fn event(&mut self, time: u64, event: &Message) {
        let packet = Message::default().number(8, time).number(10, 1);
        self.packet(&packet.message(11, event));
    }
}

fn event(kind: u64, track: u64) -> Message {
    Message::default().number(9, kind).number(11, track)
}

fn note(name: &str, value: &str) -> Message {
    Message::default().text(10, name).text(6, value)
}

/// Writes the trace.
pub(crate) fn encode(lives: &Lives, names: &Names) -> Vec<u8> {
    let mut trace = Trace(Message::default());
    trace.track(ROOT, 0, "gosched", 0, false);
    let groups = [(PS, "Ps"), (MS, "Ms"), (GS, "Goroutines")];
    for (rank, (id, name)) in (0..).zip(groups) {
        trace.track(id, ROOT, name, rank, false);
    }
    ps(&mut trace, lives);
    ms(&mut trace, lives);
    goroutines(&mut trace, lives, names);
    runs(&mut trace, lives, names);
    trace.0.0
}

fn ps(trace: &mut Trace, lives: &Lives) {
    let all: BTreeSet<u32> = lives.held.iter().map(|&(p, ..)| p).collect();
    trace.track(GLOBAL, PS, "global queue", 0, true);
    for p in all {
        let at = u64::from(p);
        trace.track(P_TRACK + at, PS, &format!("P{p}"), 2 * at + 1, false);
        let queue = format!("queue of P{p}");
        trace.track(QUEUE_TRACK + at, PS, &queue, 2 * at + 2, true);
    }
    let mut last = None;
    for &(time, p, Queues { local, global }) in &lives.queues {
        let count = |track, n: u16| event(COUNTER, track).number(30, u64::from(n));
        trace.event(time, &count(QUEUE_TRACK + u64::from(p), local));
        if last.replace(global) != Some(global) {
            trace.event(time, &count(GLOBAL, global));
        }
    }
    for look in &lives.looks {
        if let Some(p) = look.p {
            let track = P_TRACK + u64::from(p);
            let begin = event(BEGIN, track).text(23, "looks for work");
            slice(trace, track, look.from, look.to, &begin);
        }
    }
    for steal in &lives.steals {
        let what = match steal.n {
            0 => format!("runs timers of P{}", steal.victim),
            n => format!("steals {n} from P{}", steal.victim),
        };
        instant(trace, P_TRACK + u64::from(steal.p), steal.time, &what);
    }
    for timer in &lives.timers {
        let what = format!("{}: G{}", timer.fires.name(), timer.g);
        let on = timer.on.unwrap_or(timer.p);
        instant(trace, P_TRACK + u64::from(on), timer.time, &what);
    }
}

fn ms(trace: &mut Trace, lives: &Lives) {
    let mut all: BTreeSet<WriterId> = lives.held.iter().map(|&(_, m, ..)| m).collect();
    all.extend(lives.sleeps.iter().map(|sleep| sleep.m));
    for &m in &all {
        let at = u64::from(m);
        trace.track(M_TRACK + at, MS, &format!("M{m}"), at, false);
    }
    for &(p, m, from, to) in &lives.held {
        let track = M_TRACK + u64::from(m);
        let begin = event(BEGIN, track).text(23, &format!("has P{p}"));
        slice(trace, track, from, to, &begin);
    }
    for sleep in &lives.sleeps {
        let track = M_TRACK + u64::from(sleep.m);
        let begin = event(BEGIN, track).text(23, sleep.why.name());
        slice(trace, track, sleep.from, sleep.to, &begin);
    }
}

fn goroutines(trace: &mut Trace, lives: &Lives, names: &Names) {
    for (&g, life) in &lives.gs {
        let track = G_TRACK + g;
        trace.track(track, GS, &format!("G{g} {}", names.title(g)), g, false);
        for span in &life.spans {
            let what = match span.state {
                State::Runnable => "runnable".to_string(),
                State::Running(p) => format!("running on P{p}"),
                State::Lost => "running without a P".to_string(),
                State::Waiting(reason) => format!("waiting: {}", reason.as_str()),
            };
            let begin = event(BEGIN, track).text(23, &what);
            slice(trace, track, span.from, span.to, &begin);
        }
    }
    for grown in &lives.grown {
        let what = format!("goes on on a stack of {} KiB", grown.bytes >> 10);
        instant(trace, G_TRACK + grown.g, grown.time, &what);
    }
}

fn runs(trace: &mut Trace, lives: &Lives, names: &Names) {
    let mut wakes = lives.wakes.iter().enumerate().peekable();
    let mut pending: BTreeMap<u64, u64> = BTreeMap::new();
    for run in &lives.runs {
        while let Some((i, wake)) = wakes.next_if(|(_, wake)| wake.time <= run.from) {
            let flow = i as u64 + 1;
            if let Some(p) = wake.p {
                let word = if wake.spawned { "spawn" } else { "wake" };
                let instant = event(INSTANT, P_TRACK + u64::from(p))
                    .text(23, word)
                    .fixed(47, flow);
                trace.event(wake.time, &instant);
                pending.insert(wake.g, flow);
            }
        }
        let track = P_TRACK + u64::from(run.p);
        let name = format!("G{} {}", run.g, names.title(run.g));
        let mut begin = event(BEGIN, track).text(23, &name);
        if let Some(flow) = pending.remove(&run.g) {
            begin = begin.fixed(48, flow);
        }
        if let Some(rule) = run.rule {
            begin = begin
                .message(4, &note("chosen by", rule.name()))
                .message(4, &note("why", rule.sentence()))
                .message(4, &note("where", rule.decided_by()));
        }
        slice(trace, track, run.from, run.to, &begin);
    }
}

fn slice(trace: &mut Trace, track: u64, from: u64, to: u64, begin: &Message) {
    trace.event(from, begin);
    trace.event(to, &event(END, track));
}

fn instant(trace: &mut Trace, track: u64, time: u64, what: &str) {
    trace.event(time, &event(INSTANT, track).text(23, what));
}

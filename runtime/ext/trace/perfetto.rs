//! The trace for ui.perfetto.dev: protocol buffers, with a track for each P and each goroutine.
//!
//! Only what these messages need is written: `Trace`, `TracePacket`, `TrackDescriptor`, `TrackEvent`.
#![forbid(unsafe_code)]

use crate::ext::trace::leb128;
use crate::ext::trace::lives::{Lives, State};
use crate::ext::trace::names::Names;

const ROOT: u64 = 1;
const PS: u64 = 2;
const GS: u64 = 3;
/// Tracks of Ps, of their queues and of goroutines begin here.
const P_TRACK: u64 = 1 << 32;
const QUEUE_TRACK: u64 = 2 << 32;
const G_TRACK: u64 = 1 << 40;

const BEGIN: u64 = 1;
const END: u64 = 2;
const INSTANT: u64 = 3;
const COUNTER: u64 = 4;
/// Children stand in the order of their ranks.
const EXPLICIT: u64 = 3;

/// A message under construction.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn number(mut self, field: u64, n: u64) -> Message {
        leb128::push(&mut self.0, field << 3);
        leb128::push(&mut self.0, n);
        self
    }

    fn fixed(mut self, field: u64, n: u64) -> Message {
        leb128::push(&mut self.0, field << 3 | 1);
        self.0.extend_from_slice(&n.to_le_bytes());
        self
    }

    fn bytes(mut self, field: u64, bytes: &[u8]) -> Message {
        leb128::push(&mut self.0, field << 3 | 2);
        leb128::push(&mut self.0, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    fn text(self, field: u64, text: &str) -> Message {
        self.bytes(field, text.as_bytes())
    }

    fn message(self, field: u64, message: &Message) -> Message {
        self.bytes(field, &message.0)
    }
}

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
    trace.track(PS, ROOT, "Ps", 0, false);
    trace.track(GS, ROOT, "Goroutines", 1, false);
    let mut ps: Vec<u32> = lives.runs.iter().map(|run| run.p).collect();
    ps.sort_unstable();
    ps.dedup();
    for &p in &ps {
        let at = u64::from(p);
        trace.track(P_TRACK + at, PS, &format!("P{p}"), 2 * at, false);
        trace.track(
            QUEUE_TRACK + at,
            PS,
            &format!("queue of P{p}"),
            2 * at + 1,
            true,
        );
    }
    for (&g, life) in &lives.gs {
        let name = format!("G{g} {}", names.place(g).function);
        trace.track(G_TRACK + g, GS, &name, g, false);
        for span in &life.spans {
            let what = match span.state {
                State::Runnable => "runnable".to_string(),
                State::Running(p) => format!("running on P{p}"),
                State::Lost => "running without a P".to_string(),
                State::Waiting(reason) => format!("waiting: {}", reason.as_str()),
            };
            slice(
                &mut trace,
                G_TRACK + g,
                span.from,
                span.to,
                event(BEGIN, G_TRACK + g).text(23, &what),
            );
        }
    }
    let mut wakes = lives.wakes.iter().enumerate().peekable();
    let mut pending: std::collections::BTreeMap<u64, u64> = std::collections::BTreeMap::new();
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
        let name = format!("G{} {}", run.g, names.place(run.g).function);
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
        slice(&mut trace, track, run.from, run.to, begin);
        let queue = QUEUE_TRACK + u64::from(run.p);
        trace.event(
            run.from,
            &event(COUNTER, queue).number(30, u64::from(run.local)),
        );
    }
    trace.0.0
}

fn slice(trace: &mut Trace, track: u64, from: u64, to: u64, begin: Message) {
    trace.event(from, &begin);
    trace.event(to, &event(END, track));
}

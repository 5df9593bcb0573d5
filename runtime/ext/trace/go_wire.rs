//! The trace as `go tool trace` reads it: Go's format of version 1.26, one generation.
//!
//! A P that is taken from a goroutine in user code looks there like a system call that blocks, as Go
//! has no other way to lose one: the call begins when the P is taken.
//!
//! Go: internal/trace/order.go.
#![forbid(unsafe_code)]

use std::collections::{HashMap, HashSet};

use crate::ext::recording::record::{Note, Was};
use crate::ext::trace::go_format::*;
use crate::ext::trace::leb128;
use crate::ext::trace::names::Names;
use crate::ext::trace::order::Step;
use crate::ext::trace::possible::{What, WriterId};

/// Writes a trace of `steps`, whose times are nanoseconds.
pub(crate) fn encode(steps: &[Step], names: &Names) -> Vec<u8> {
    let mut writer = Writer::new(names);
    for step in steps {
        writer.step(step);
    }
    writer.finish()
}

struct Writer<'a> {
    names: &'a Names,
    streams: HashMap<WriterId, Stream>,
    strings: Table<String>,
    /// Of one frame: function, file, line.
    stacks: Table<(String, String, u64)>,
    g_moves: HashMap<u64, u64>,
    p_moves: HashMap<u32, u64>,
    stack_of: HashMap<u64, u64>,
    /// Running without a P, and Go's reader takes it for runnable, or for waiting.
    as_runnable: HashSet<u64>,
    as_waiting: HashSet<u64>,
    /// Goroutines that Go's reader knows; and those of them that waited when the recording began.
    known: HashSet<u64>,
    waiting_since: HashSet<u64>,
    /// Goroutines whose names have been written.
    labelled: HashSet<u64>,
    /// The time of the last event.
    last: u64,
}

#[derive(Default)]
struct Table<T>(HashMap<T, u64>);

impl<T: Eq + std::hash::Hash> Table<T> {
    fn id(&mut self, item: T) -> u64 {
        let next = self.0.len() as u64 + 1;
        *self.0.entry(item).or_insert(next)
    }
}

impl<'a> Writer<'a> {
    fn new(names: &'a Names) -> Writer<'a> {
        Writer {
            names,
            streams: HashMap::new(),
            strings: Table(HashMap::new()),
            stacks: Table(HashMap::new()),
            g_moves: HashMap::new(),
            p_moves: HashMap::new(),
            stack_of: HashMap::new(),
            as_runnable: HashSet::new(),
            as_waiting: HashSet::new(),
            known: HashSet::new(),
            waiting_since: HashSet::new(),
            labelled: HashSet::new(),
            last: 0,
        }
    }

    /// No two events have the same time: of such that do, Go's reader may overlook the one that is
    /// possible (it sorts them, and does not try the first again).
    fn event(&mut self, m: WriterId, time: u64, kind: u8, args: &[u64]) {
        let time = time.max(self.last + 1);
        self.last = time;
        let stream = self.streams.entry(m).or_default();
        if stream.payload.len() >= FULL {
            close(stream, m);
        }
        if stream.payload.is_empty() {
            (stream.base, stream.last) = (time, time);
        }
        stream.payload.push(kind);
        leb128::push(&mut stream.payload, time - stream.last);
        stream.last = time;
        numbers(&mut stream.payload, args);
    }

    /// Where the goroutine was asked for, as its stack's one frame: Go's tools group by that.
    fn stack(&mut self, g: u64) -> u64 {
        if let Some(&id) = self.stack_of.get(&g) {
            return id;
        }
        let place = self.names.place(g);
        let id = self.stacks.id((place.function, place.file, place.line));
        self.stack_of.insert(g, id);
        id
    }

    fn g_move(&mut self, g: u64) -> u64 {
        let moves = self.g_moves.entry(g).or_default();
        *moves += 1;
        *moves
    }

    fn p_move(&mut self, p: u32) -> u64 {
        let moves = self.p_moves.entry(p).or_default();
        *moves += 1;
        *moves
    }

    fn step(&mut self, step: &Step) {
        let Step { time, m, .. } = *step;
        let running = step.g.unwrap_or(0);
        match step.what {
            What::PWas(p) => self.idle_p(time, m, p),
            What::GWas(g, was) => self.was(time, m, g, was),
            What::PStart => {
                let Some(p) = step.p else { return };
                if !self.p_moves.contains_key(&p) {
                    self.idle_p(time, m, p); // made since the beginning
                }
                let moves = self.p_move(p);
                self.event(m, time, PROC_START, &[u64::from(p), moves]);
            }
            What::PStop => self.event(m, time, PROC_STOP, &[]),
            What::PRetake { p, from } => {
                let moves = self.p_move(p);
                self.event(from, time, GO_SYSCALL_BEGIN, &[moves, 0]);
                let moves = self.p_move(p);
                self.event(m, time, PROC_STEAL, &[u64::from(p), moves, wire_m(from)]);
            }
            What::Create { g, .. } => {
                let stack = self.stack(g);
                self.known.insert(g);
                if step.p.is_some() {
                    let by = if running == 0 { 0 } else { self.stack(running) };
                    self.event(m, time, GO_CREATE, &[g, stack, by]);
                } else {
                    // Go has no creation by a thread without a P.
                    self.event(m, time, GO_STATUS_STACK, &[g, NO_M, RUNNABLE, stack]);
                }
            }
            What::Start { g, .. } => self.start(time, m, g),
            What::Stop(why, ..) => {
                let (why, stack) = (self.strings.id(why.name().into()), self.stack(running));
                self.event(m, time, GO_STOP, &[why, stack]);
            }
            What::Block { reason, .. } => {
                let reason = self.strings.id(reason.as_str().into());
                let stack = self.stack(running);
                self.event(m, time, GO_BLOCK, &[reason, stack]);
            }
            What::End => self.event(m, time, GO_DESTROY, &[]),
            What::Ready(g, _) => self.ready(time, m, g),
            What::Valve(g) => {
                self.as_runnable.insert(g);
            }
            What::Leave(g) => self.leave(time, m, g),
            What::Return(g) => {
                self.leave(time, m, g);
                self.start(time, m, g);
            }
            What::Note(note, words) => self.note(step, note, words),
            What::Steal(..)
            | What::Spin(_)
            | What::Sleep(_)
            | What::Wake(_)
            | What::Timer(..)
            | What::Grow(..) => (),
        }
    }

    fn idle_p(&mut self, time: u64, m: WriterId, p: u32) {
        self.p_moves.insert(p, 0);
        self.event(m, time, PROC_STATUS, &[u64::from(p), IDLE]);
    }

    fn was(&mut self, time: u64, m: WriterId, g: u64, was: Was) {
        self.known.insert(g);
        let stack = self.stack(g);
        let (on, status) = match was {
            Was::Runnable => (NO_M, RUNNABLE),
            Was::Running => (wire_m(m), RUNNING),
            Was::Waiting => {
                self.waiting_since.insert(g);
                (NO_M, WAITING)
            }
            Was::Lost => {
                self.as_waiting.insert(g);
                (NO_M, WAITING)
            }
        };
        match was {
            Was::Running => self.event(m, time, GO_STATUS, &[g, on, status]),
            _ => self.event(m, time, GO_STATUS_STACK, &[g, on, status, stack]),
        }
    }

    fn start(&mut self, time: u64, m: WriterId, g: u64) {
        if self.known.insert(g) {
            let stack = self.stack(g);
            self.event(m, time, GO_STATUS_STACK, &[g, NO_M, RUNNABLE, stack]);
        } else if self.waiting_since.contains(&g) {
            self.ready(time, m, g);
        }
        let moves = self.g_move(g);
        self.event(m, time, GO_START, &[g, moves]);
        if let Some(name) = self.names.given.get(&g)
            && self.labelled.insert(g)
        {
            let label = self.strings.id(name.clone());
            self.event(m, time, GO_LABEL, &[label]);
        }
    }

    fn ready(&mut self, time: u64, m: WriterId, g: u64) {
        self.waiting_since.remove(&g);
        let moves = self.g_move(g);
        self.event(m, time, GO_UNBLOCK, &[g, moves, 0]);
    }

    /// It has run without a P, and is runnable now.
    fn leave(&mut self, time: u64, m: WriterId, g: u64) {
        if self.as_waiting.remove(&g) {
            self.ready(time, m, g);
        } else if !self.as_runnable.remove(&g) {
            self.event(m, time, GO_SYSCALL_END_BLOCKED, &[]);
        }
    }

    fn note(&mut self, step: &Step, note: Note, words: u64) {
        let (Some(g), Some(_)) = (step.g, step.p) else {
            return;
        };
        let said = self.names.note(words);
        let name = self.strings.id(said.name.clone());
        let stack = self.stack(g);
        let (m, time) = (step.m, step.time);
        match note {
            Note::Log => {
                let text = self.strings.id(said.text.clone());
                self.event(m, time, USER_LOG, &[said.task, name, text, stack]);
            }
            Note::RegionBegin => {
                self.event(m, time, USER_REGION_BEGIN, &[said.task, name, stack]);
            }
            Note::RegionEnd => self.event(m, time, USER_REGION_END, &[said.task, name, stack]),
            Note::TaskBegin => {
                self.event(
                    m,
                    time,
                    USER_TASK_BEGIN,
                    &[said.task, said.parent, name, stack],
                );
            }
            Note::TaskEnd => self.event(m, time, USER_TASK_END, &[said.task, stack]),
            Note::Named => (), // it has its label already
        }
    }

    fn finish(mut self) -> Vec<u8> {
        let mut out = b"go 1.26 trace\0\0\0".to_vec();
        let mut sync = vec![SYNC, FREQUENCY];
        leb128::push(&mut sync, NANOS_PER_SECOND);
        sync.push(CLOCK_SNAPSHOT);
        numbers(&mut sync, &[1, 1, 1, 1]);
        batch(&mut out, NO_M, 1, &sync);
        let mut ms: Vec<WriterId> = self.streams.keys().copied().collect();
        ms.sort_unstable();
        for m in ms {
            if let Some(stream) = self.streams.get_mut(&m) {
                close(stream, m);
                out.append(&mut stream.done);
            }
        }
        let strings = &mut self.strings;
        let frames: Vec<_> = self
            .stacks
            .0
            .into_iter()
            .map(|((function, file, line), id)| {
                (id, strings.id(function), strings.id(file), line)
            })
            .collect();
        table(
            &mut out,
            STACKS,
            frames,
            |payload, (id, function, file, line)| {
                payload.push(STACK);
                numbers(payload, &[id, 1, id, function, file, line]); // one frame, whose pc is the id
            },
        );
        table(&mut out, STRINGS, self.strings.0, |payload, (text, id)| {
            let end = text.floor_char_boundary(1024);
            payload.push(STRING);
            numbers(payload, &[id, end as u64]);
            payload.extend_from_slice(&text.as_bytes()[..end]);
        });
        out.push(END_OF_GENERATION);
        out
    }
}

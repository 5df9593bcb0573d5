//! From steps to stretches of time.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use crate::core::g::wait_reason::WaitReason;
use crate::ext::recording::record::{Asleep, Rule, Was};
use crate::ext::trace::lives::{
    Ended, Grown, Lives, Look, Run, Sleep, Span, State, Steal, Timer, Wake,
};
use crate::ext::trace::order::Step;
use crate::ext::trace::possible::{Queues, What, WriterId};

/// Follows the steps, whose times are nanoseconds.
pub(crate) fn follow(steps: &[Step], end: u64) -> Lives {
    let mut book = Book {
        lives: Lives {
            end,
            ..Lives::default()
        },
        ..Book::default()
    };
    steps.iter().for_each(|step| book.step(step));
    book.close(end);
    book.lives
}

#[derive(Default)]
struct Book {
    lives: Lives,
    /// What each P runs, as a run that has not ended.
    open: BTreeMap<u32, Run>,
    held: BTreeMap<u32, (WriterId, u64)>,
    /// What each M does besides: it looks for work (with a P), it sleeps; since when.
    looking: BTreeMap<WriterId, (Option<u32>, u64)>,
    asleep: BTreeMap<WriterId, (Asleep, u64)>,
    /// The last lengths of the queues.
    locals: BTreeMap<u32, u16>,
    global: u16,
}

impl Book {
    fn enter(&mut self, g: u64, state: State, time: u64) {
        self.enter_from(g, state, time, 0);
    }

    /// `stack`: the number of the one that it has left.
    fn enter_from(&mut self, g: u64, state: State, time: u64, stack: u16) {
        let life = self.lives.gs.entry(g).or_default();
        if let Some(last) = life.spans.last_mut() {
            last.to = time;
        }
        life.spans.push(Span {
            state,
            from: time,
            to: time,
            stack,
        });
    }

    fn leave(&mut self, p: Option<u32>, time: u64, ended_by: Ended) {
        if let Some(mut run) = p.and_then(|p| self.open.remove(&p)) {
            run.to = time;
            run.ended_by = ended_by;
            self.lives.runs.push(run);
        }
    }

    fn begin(&mut self, step: &Step, g: u64, rule: Option<Rule>, queues: Queues) {
        let Some(p) = step.p else { return };
        self.enter(g, State::Running(p), step.time);
        let run = Run {
            g,
            p,
            m: step.m,
            from: step.time,
            to: step.time,
            rule,
            queues,
            ended_by: Ended::Not,
        };
        self.open.insert(p, run);
    }

    fn let_p_go(&mut self, p: Option<u32>, time: u64) {
        if let Some((p, (m, from))) = p.and_then(|p| Some((p, self.held.remove(&p)?))) {
            self.lives.held.push((p, m, from, time));
        }
    }

    fn queues(&mut self, step: &Step, queues: Queues) {
        self.global = queues.global;
        if let Some(p) = step.p {
            self.locals.insert(p, queues.local);
            self.lives.queues.push((step.time, p, queues));
        }
    }

    /// Nothing else says that the victim's queue is shorter.
    fn stolen(&mut self, time: u64, victim: u32, n: u32) {
        let local = self.locals.get(&victim).copied().unwrap_or(0);
        let local = local.saturating_sub(n as u16);
        let global = self.global;
        self.locals.insert(victim, local);
        self.lives
            .queues
            .push((time, victim, Queues { local, global }));
    }

    fn looks(&mut self, m: WriterId, p: Option<u32>, time: u64) {
        self.looks_no_more(m, time);
        self.looking.insert(m, (p, time));
    }

    fn looks_no_more(&mut self, m: WriterId, to: u64) -> bool {
        let open = self.looking.remove(&m);
        if let Some((p, from)) = open {
            self.lives.looks.push(Look { m, p, from, to });
        }
        open.is_some()
    }

    fn wakes(&mut self, m: WriterId, to: u64) {
        if let Some((why, from)) = self.asleep.remove(&m) {
            self.lives.sleeps.push(Sleep { m, why, from, to });
        }
    }

    /// It looks on, with another P, or without.
    fn looks_on(&mut self, m: WriterId, p: Option<u32>, time: u64) {
        if self.looks_no_more(m, time) {
            self.looks(m, p, time);
        }
    }

    fn step(&mut self, step: &Step) {
        let Step {
            time,
            m,
            p,
            g,
            what,
        } = *step;
        let running = g.unwrap_or(0);
        match what {
            What::PStart => {
                if let Some(p) = p {
                    self.held.insert(p, (m, time));
                }
                self.looks_on(m, p, time);
            }
            What::PStop => {
                self.let_p_go(p, time);
                self.looks_on(m, None, time);
            }
            What::PRetake { p: taken, .. } => {
                if let Some(run) = self.open.get(&taken) {
                    let g = run.g;
                    self.enter(g, State::Lost, time);
                }
                self.leave(Some(taken), time, Ended::Retaken);
                self.let_p_go(Some(taken), time);
            }
            What::Create { g: new, local, .. } => {
                let global = self.global;
                self.queues(step, Queues { local, global });
                self.enter(new, State::Runnable, time);
                self.wake(step, new, true);
                if let Some(life) = self.lives.gs.get_mut(&new) {
                    life.parent = g;
                }
            }
            What::Start { g, rule, queues } => {
                self.queues(step, queues);
                self.begin(step, g, Some(rule), queues);
            }
            What::Return(g) => self.begin(step, g, None, Queues::default()),
            What::Stop(why, queues, stack) => {
                self.queues(step, queues);
                self.enter_from(running, State::Runnable, time, stack);
                self.leave(p, time, Ended::Stop(why));
            }
            What::Block { reason, stack, .. } => {
                self.enter_from(running, State::Waiting(reason), time, stack);
                self.leave(p, time, Ended::Block(reason));
            }
            What::End => {
                if let Some(life) = self.lives.gs.get_mut(&running) {
                    life.ended = true;
                    if let Some(last) = life.spans.last_mut() {
                        last.to = time;
                    }
                }
                self.leave(p, time, Ended::End);
            }
            What::Ready(g, queues) => {
                self.queues(step, queues);
                self.enter(g, State::Runnable, time);
                self.wake(step, g, false);
            }
            What::Leave(g) => self.enter(g, State::Runnable, time),
            What::Valve(g) => self.enter(g, State::Lost, time),
            What::GWas(g, was) => self.was(step, g, was),
            What::Steal(rule, victim, n) => {
                let steal = |p| Steal {
                    time,
                    p,
                    rule,
                    victim,
                    n,
                };
                self.lives.steals.extend(p.map(steal));
                if n > 0 && rule == Rule::StealHalf {
                    self.stolen(time, victim, n);
                }
            }
            What::Spin(true) => self.looks(m, p, time),
            What::Spin(false) => {
                self.looks_no_more(m, time);
            }
            What::Sleep(why) => {
                self.asleep.insert(m, (why, time));
            }
            What::Wake(spins) => {
                self.wakes(m, time);
                if spins {
                    self.looks(m, None, time);
                }
            }
            What::Timer(fires, g, heap) => self.lives.timers.push(Timer {
                time,
                on: p,
                p: heap,
                g,
                fires,
            }),
            What::Grow(g, bytes) => self.lives.grown.push(Grown { time, g, bytes }),
            What::PWas(_) | What::Note(..) => (),
        }
    }

    fn was(&mut self, step: &Step, g: u64, was: Was) {
        let state = match was {
            Was::Runnable => State::Runnable,
            Was::Waiting => State::Waiting(WaitReason::None),
            Was::Lost => State::Lost,
            Was::Running => return self.begin(step, g, None, Queues::default()),
        };
        self.enter(g, state, step.time);
    }

    fn wake(&mut self, step: &Step, g: u64, spawned: bool) {
        self.lives.wakes.push(Wake {
            time: step.time,
            by: step.g,
            p: step.p,
            g,
            spawned,
        });
    }

    fn close(&mut self, end: u64) {
        let ps: Vec<u32> = self.open.keys().copied().collect();
        for p in ps {
            self.leave(Some(p), end, Ended::Not);
        }
        let ps: Vec<u32> = self.held.keys().copied().collect();
        for p in ps {
            self.let_p_go(Some(p), end);
        }
        let ms: Vec<WriterId> = self.looking.keys().copied().collect();
        ms.into_iter().for_each(|m| {
            self.looks_no_more(m, end);
        });
        let ms: Vec<WriterId> = self.asleep.keys().copied().collect();
        ms.into_iter().for_each(|m| self.wakes(m, end));
        for life in self.lives.gs.values_mut().filter(|life| !life.ended) {
            if let Some(last) = life.spans.last_mut() {
                last.to = end;
            }
        }
        self.lives.runs.sort_by_key(|run| (run.from, run.p));
        self.lives
            .held
            .sort_unstable_by_key(|&(p, _, from, _)| (from, p));
        self.lives.looks.sort_by_key(|look| (look.from, look.m));
        self.lives.sleeps.sort_by_key(|sleep| (sleep.from, sleep.m));
    }
}

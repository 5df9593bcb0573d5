//! Cores that run one operation after the other, each a list of steps; locks with a line of waiters. What
//! happens first is done first, and of two things at one time the lower core's: so every run is the same.
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::lines::{Lines, Machine, Ns};

/// A part of an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Computes, or touches lines that are nobody else's.
    Work(Ns),
    Read(usize),
    /// A store, or an atomic read-modify-write.
    Write(usize),
    /// Takes the lock whose word is on this line; stands in line while another core has it.
    Lock(usize),
    Unlock(usize),
    /// Under the lock: the goroutine that runs here goes to the tail of the global queue.
    PushGlobal,
    /// Under the lock: a share of the global queue comes to this core.
    TakeGlobal,
    /// The next of the core's own goroutines runs here; looks for one until there is one.
    Resume,
    /// A goroutine that ran elsewhere runs here.
    Migrate(usize),
    /// Go's wakep while every P is busy: one core at a time takes the lock to find that no P is idle.
    GoWakep,
    GoWakepEnds,
    /// Puts a new goroutine into the own queue; half of a full one goes to the global queue.
    Spawn,
    /// Goes on when there is a goroutine in the own queue: from the global one, or half of another core's.
    Find,
    StopSpinning,
}

/// The scheduler's lock and what it guards, the global queue's head, tail and length.
pub(crate) const LOCK: usize = 0;
/// How many Ms look for work, how many Ps are idle.
pub(crate) const IDLE: usize = 1;
/// Of a core: may it be robbed; the head and the tail of its ring, and the ring.
const STATUS: usize = 0;
const HEAD: usize = 1;
const TAIL: usize = 2;
const RING: usize = 3;
/// What it takes to do a little under a lock; to sleep and be woken.
pub(crate) const HOLD: Ns = 5;
const NAP: Ns = 5_000;

/// The numbers of lines: a few for all, some for each core, some for each goroutine.
pub(crate) const GLOBAL: usize = 16;
pub(crate) const PER_CORE: usize = 8;
pub(crate) const PER_G: usize = 4;
pub(crate) const CORES: usize = 128;

pub(crate) fn line_of_core(core: usize, which: usize) -> usize {
    GLOBAL + core * PER_CORE + which
}

pub(crate) fn line_of_g(g: usize, which: usize) -> usize {
    GLOBAL + CORES * PER_CORE + g * PER_G + which
}

#[derive(Debug, Default)]
struct Lock {
    holder: Option<usize>,
    waiting: VecDeque<usize>,
}

#[derive(Debug, Default)]
pub(crate) struct Core {
    steps: VecDeque<Step>,
    /// Goroutines in its queue, and the one that runs.
    pub(crate) queue: VecDeque<usize>,
    pub(crate) runs: usize,
    /// Operations that are planned, and that are done.
    pub(crate) planned: u64,
    pub(crate) done: u64,
    /// What it does is not counted.
    pub(crate) helps: bool,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) lines: Lines,
    locks: Vec<Lock>,
    pub(crate) cores: Vec<Core>,
    pub(crate) global: VecDeque<usize>,
    /// Go's nmspinning, where no P is idle.
    in_wakep: bool,
    spinning: usize,
    next_g: usize,
    events: BinaryHeap<Reverse<(Ns, usize)>>,
}

impl World {
    pub(crate) fn new(machine: Machine, cores: usize) -> World {
        World {
            lines: Lines::new(machine),
            locks: (0..GLOBAL + CORES * PER_CORE)
                .map(|_| Lock::default())
                .collect(),
            cores: (0..cores).map(|_| Core::default()).collect(),
            global: VecDeque::new(),
            in_wakep: false,
            spinning: 0,
            next_g: 0,
            events: (0..cores).map(|core| Reverse((core as Ns, core))).collect(),
        }
    }

    /// Lets the cores run for `warm` and then for `time`: operations in a microsecond, all cores together.
    /// `plan` gives a core's next operation.
    pub(crate) fn run(
        &mut self,
        warm: Ns,
        time: Ns,
        plan: &dyn Fn(&mut Core, usize, &mut Vec<Step>),
    ) -> f64 {
        let mut steps = Vec::new();
        let mut before = None;
        while let Some(Reverse((now, core))) = self.events.pop() {
            if now >= warm && before.is_none() {
                before = Some(self.done());
            }
            if now >= warm + time {
                break;
            }
            if self.cores[core].steps.is_empty() {
                steps.clear();
                self.cores[core].done = self.cores[core].planned;
                plan(&mut self.cores[core], core, &mut steps);
                self.cores[core].planned += 1;
                self.cores[core].steps.extend(&steps);
            }
            self.go_on(core, now);
        }
        (self.done() - before.unwrap_or(0)) as f64 * 1000.0 / time as f64
    }

    fn done(&self) -> u64 {
        let counted = self.cores.iter().filter(|core| !core.helps);
        counted.map(|core| core.done).sum()
    }

    /// Takes steps until time has passed, the operation is done, or the core waits for a lock.
    fn go_on(&mut self, core: usize, now: Ns) {
        while let Some(step) = self.cores[core].steps.pop_front() {
            let Some(at) = self.step(core, step, now) else {
                return; // whoever unlocks lets it go on
            };
            if at != now {
                self.events.push(Reverse((at, core)));
                return;
            }
        }
        self.events.push(Reverse((now, core)));
    }

    /// Does one step; when it is over. `None`: the core waits for a lock.
    fn step(&mut self, core: usize, step: Step, now: Ns) -> Option<Ns> {
        Some(match step {
            Step::Work(ns) => now + ns,
            Step::Read(line) => self.lines.read(core, line, now),
            Step::Write(line) => self.lines.write(core, line, now),
            Step::Lock(line) => {
                if self.locks[line].holder.is_some() {
                    self.locks[line].waiting.push_back(core);
                    return None;
                }
                self.locks[line].holder = Some(core);
                self.lines.write(core, line, now)
            }
            Step::Unlock(line) => {
                let at = self.lines.write(core, line, now);
                self.locks[line].holder = self.locks[line].waiting.pop_front();
                if let Some(next) = self.locks[line].holder {
                    let then = self.lines.write(next, line, at);
                    self.events.push(Reverse((then, next)));
                }
                at
            }
            Step::PushGlobal => {
                let tail = self.global.back().map(|&tail| line_of_g(tail, 0)); // its link
                self.global.push_back(self.cores[core].runs);
                tail.map_or(now, |tail| self.lines.write(core, tail, now))
            }
            Step::TakeGlobal => self.take_global(core, now),
            Step::Resume => match self.cores[core].queue.pop_front() {
                Some(g) => {
                    self.cores[core].runs = g;
                    self.bring(core, g, now)
                }
                None if self.global.is_empty() => {
                    self.first(core, &[Step::Work(20), Step::Read(LOCK), step]);
                    now
                }
                None => {
                    self.first(core, &TAKE);
                    self.cores[core].steps.insert(TAKE.len(), step);
                    now
                }
            },
            Step::Migrate(g) => self.bring(core, g, now),
            Step::GoWakep => {
                let at = self.lines.read(core, IDLE, now);
                if !self.in_wakep && self.spinning == 0 {
                    self.in_wakep = true;
                    let then = [Step::Lock(LOCK), Step::Work(HOLD), Step::GoWakepEnds];
                    self.first(core, &[Step::Write(IDLE), then[0], then[1], then[2]]);
                    self.cores[core].steps.insert(4, Step::Unlock(LOCK));
                }
                at
            }
            Step::GoWakepEnds => {
                self.in_wakep = false;
                self.lines.write(core, IDLE, now)
            }
            Step::Spawn => self.spawn(core, now),
            Step::Find => self.find(core, now),
            Step::StopSpinning => {
                self.spinning -= 1;
                self.lines.write(core, IDLE, now)
            }
        })
    }

    fn first(&mut self, core: usize, steps: &[Step]) {
        for step in steps.iter().rev() {
            self.cores[core].steps.push_front(*step);
        }
    }

    /// The lines of a goroutine: its G, and three of its stack.
    fn bring(&mut self, core: usize, g: usize, now: Ns) -> Ns {
        (0..PER_G).fold(now, |at, which| {
            self.lines.write(core, line_of_g(g, which), at)
        })
    }

    fn take_global(&mut self, core: usize, now: Ns) -> Ns {
        let mut at = now;
        let share = (self.global.len() / self.cores.len() + 1).min(128);
        for _ in 0..share {
            let Some(g) = self.global.pop_front() else {
                break;
            };
            at = self.lines.write(core, line_of_g(g, 0), at); // its link
            self.cores[core].queue.push_back(g);
        }
        at
    }

    fn spawn(&mut self, core: usize, now: Ns) -> Ns {
        let g = self.next_g;
        self.next_g = (self.next_g + 1) % 4096;
        if self.cores[core].queue.len() < 256 {
            self.cores[core].queue.push_back(g);
        } else if self.global.len() < 4096 {
            let half: Vec<usize> = self.cores[core].queue.drain(..128).collect();
            self.global.extend(half);
            self.cores[core].queue.push_back(g);
            self.first(
                core,
                &[Step::Lock(LOCK), Step::Work(HOLD), Step::Unlock(LOCK)],
            );
        }
        let at = self.lines.read(core, line_of_core(core, HEAD), now);
        let at = self.lines.write(core, line_of_core(core, RING), at);
        self.lines.write(core, line_of_core(core, TAIL), at)
    }

    fn find(&mut self, core: usize, now: Ns) -> Ns {
        if !self.cores[core].queue.is_empty() {
            return now;
        }
        let at = self.lines.read(core, LOCK, now);
        if !self.global.is_empty() {
            self.first(core, &TAKE);
            self.cores[core].steps.insert(TAKE.len(), Step::Find);
            return at;
        }
        if 2 * self.spinning >= self.cores.len() {
            self.first(core, &[Step::Work(NAP), Step::Find]);
            return at;
        }
        self.spinning += 1;
        let mut at = self.lines.write(core, IDLE, at);
        let all = self.cores.len();
        for i in 0..4 * all {
            let victim = (core + self.cores[core].planned as usize + i) % all;
            if victim == core {
                continue;
            }
            for which in [STATUS, HEAD, TAIL] {
                at = self.lines.read(core, line_of_core(victim, which), at);
            }
            let n = self.cores[victim].queue.len().div_ceil(2);
            if n > 0 {
                at = self.lines.read(core, line_of_core(victim, RING), at);
                at = self.lines.write(core, line_of_core(victim, HEAD), at);
                let taken: Vec<usize> = self.cores[victim].queue.drain(..n).collect();
                self.cores[core].queue.extend(taken);
                self.first(core, &[Step::StopSpinning]);
                return at;
            }
        }
        self.first(core, &[Step::StopSpinning, Step::Work(NAP), Step::Find]);
        at
    }
}

/// A share of the global queue.
const TAKE: [Step; 4] = [
    Step::Lock(LOCK),
    Step::Work(HOLD),
    Step::TakeGlobal,
    Step::Unlock(LOCK),
];

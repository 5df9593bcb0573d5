//! What an operation does to lines that others use, in each structure: see docs/scaling.md, which counts them
//! from the code. `Work` is the time that the operation takes at one P (docs/benchmarks.md), in which the
//! lines of its own are.
use super::lines::{Machine, Ns};
use super::world::{Core, HOLD, IDLE, LOCK, Step, World};

/// Written once in sixteen spawns; written at each wait for a socket; until when the timer waiter sleeps.
const IDS: usize = 2;
const IO: usize = 3;
const TIMER_WAITER: usize = 4;
/// How many Ps there are, and the like: never written.
const CONST: usize = 5;
/// Words of a core in place of one for all.
const OWN: usize = 4;

/// How a scheduler is built, as far as lines are concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Structure {
    pub(crate) name: &'static str,
    /// What each takes at one P.
    yields: Ns,
    spawns: Ns,
    turns: Ns,
    wakep: Wakep,
    /// Where a goroutine that yields goes.
    tail: Tail,
    /// Waits for sockets are counted by each P.
    own_io: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tail {
    /// To the core's own ring. Reads where the global queue ends, which is on the lock's line.
    Own,
    /// To the global queue's end, under the lock.
    Global,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wakep {
    /// Reads a word that is on the lock's line; on a line of its own.
    ReadsLock,
    Reads,
    /// Takes the lock.
    Locks,
}

pub(crate) const OURS: Structure = Structure {
    name: "gosched",
    yields: 43,
    spawns: 63,
    turns: 60,
    wakep: Wakep::Reads,
    tail: Tail::Own,
    own_io: false,
};

/// As it was before `Sched` was laid out by lines.
pub(crate) const BEFORE: Structure = Structure {
    name: "gosched, idle word beside the lock",
    wakep: Wakep::ReadsLock,
    ..GLOBAL_TAIL
};

/// As it was before a P had a ring for those that yield.
pub(crate) const GLOBAL_TAIL: Structure = Structure {
    name: "gosched, yields through the global queue",
    tail: Tail::Global,
    ..OURS
};

pub(crate) const OWN_IO: Structure = Structure {
    name: "gosched, a count of waits for each P",
    own_io: true,
    ..OURS
};

pub(crate) const GO: Structure = Structure {
    name: "Go 1.27",
    yields: 73,
    spawns: 156,
    turns: 118,
    wakep: Wakep::Locks,
    tail: Tail::Global,
    own_io: false,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Yield,
    Spawn,
    SpawnBesideYields,
    Wake,
    WakeElsewhere,
    Steal,
    Timer,
    Poll,
}

impl Operation {
    pub(crate) const ALL: [(Operation, &str, &[Structure]); 8] = {
        use Operation::*;
        [
            (Yield, "yield, 1000 goroutines", &[OURS, GO, GLOBAL_TAIL]),
            (Spawn, "spawn and end, each P its own", &[OURS, GO]),
            (
                SpawnBesideYields,
                "the same on three Ps of four; the fourth yields",
                &[OURS, GO, BEFORE],
            ),
            (Wake, "wake, and both ran on this P", &[OURS, GO]),
            (WakeElsewhere, "wake what ran on the next P", &[OURS, GO]),
            (
                Steal,
                "tasks of 10 us; one P starts them all, the others steal",
                &[OURS, GO],
            ),
            (Timer, "sleep and wake by the own heap", &[OURS, GO]),
            (
                Poll,
                "wait for a socket (2 us in the kernel)",
                &[OURS, GO, OWN_IO],
            ),
        ]
    };

    /// Operations in a microsecond, all cores together.
    pub(crate) fn rate(self, on: Structure, machine: Machine, cores: usize) -> f64 {
        let mut world = World::new(machine, cores);
        // Until the crowd of the first moment has passed.
        let mut time = (2_000 + 120 * cores as Ns, 20_000);
        match self {
            Operation::Yield => deal(&mut world, 1000, on.tail),
            Operation::SpawnBesideYields => {
                deal(&mut world, 1000, on.tail);
                yielders(&mut world);
            }
            Operation::Steal => {
                world.cores[0].helps = cores > 1;
                time = (100_000, 400_000);
            }
            Operation::Poll => time.1 = 40_000,
            _ => (),
        }
        world.run(time.0, time.1, &|core, number, steps| match self {
            Operation::Yield => yield_now(on, core, steps),
            Operation::SpawnBesideYields if core.helps => yield_now(on, core, steps),
            Operation::Spawn | Operation::SpawnBesideYields => spawn(on, core, steps),
            Operation::Wake => wake(on, on.turns, steps),
            Operation::WakeElsewhere => {
                let g = (number + core.planned as usize) % cores;
                steps.push(Step::Migrate(g));
                wake(on, on.turns, steps);
            }
            Operation::Steal if number == 0 && cores > 1 => {
                steps.extend([Step::Work(on.spawns), Step::Spawn]);
                wake(on, 0, steps);
            }
            Operation::Steal if cores == 1 => {
                steps.push(Step::Work(10_000 + on.spawns));
            }
            Operation::Steal => {
                steps.extend([Step::Find, Step::Resume, Step::Work(10_000)]);
            }
            Operation::Timer => {
                steps.push(Step::Read(TIMER_WAITER));
                wake(on, 300, steps);
            }
            Operation::Poll => {
                let line = if on.own_io {
                    super::world::line_of_core(number, OWN)
                } else {
                    IO
                };
                steps.extend([Step::Write(line), Step::Work(2_000), Step::Write(line)]);
                wake(on, on.turns, steps);
            }
        })
    }
}

/// Goroutines that all yield: each core has one; where the others stay, there they are.
fn deal(world: &mut World, count: usize, tail: Tail) {
    let all = world.cores.len();
    for g in 0..count {
        match world.cores.get_mut(g) {
            Some(core) => core.runs = g,
            None if tail == Tail::Own => world.cores[g % all].queue.push_back(g),
            None => world.global.push_back(g),
        }
    }
}

fn yielders(world: &mut World) {
    let all = world.cores.len();
    for (i, core) in world.cores.iter_mut().enumerate() {
        core.helps = i % 4 == 3 && all > 1;
    }
}

fn yield_now(on: Structure, core: &mut Core, steps: &mut Vec<Step>) {
    steps.push(Step::Work(on.yields));
    match on.tail {
        Tail::Own => {
            core.queue.push_back(core.runs);
            steps.push(Step::Read(LOCK));
        }
        Tail::Global => {
            let push = [Step::Lock(LOCK), Step::Work(HOLD), Step::PushGlobal];
            steps.extend(push);
            steps.push(Step::Unlock(LOCK));
        }
    }
    wakep(on, steps);
    steps.push(Step::Resume);
}

fn spawn(on: Structure, core: &Core, steps: &mut Vec<Step>) {
    steps.extend([Step::Work(on.spawns), Step::Read(CONST)]);
    if core.planned % 16 == 15 {
        steps.push(Step::Write(IDS));
    }
    wakep(on, steps);
}

fn wake(on: Structure, work: Ns, steps: &mut Vec<Step>) {
    steps.push(Step::Work(work));
    wakep(on, steps);
}

fn wakep(on: Structure, steps: &mut Vec<Step>) {
    steps.push(match on.wakep {
        Wakep::Reads => Step::Read(IDLE),
        Wakep::ReadsLock => Step::Read(LOCK),
        Wakep::Locks => Step::GoWakep,
    });
}

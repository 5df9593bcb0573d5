//! What a program must do, said by a model: one P, its queues, channels, locks, as plain data. It
//! runs no goroutine and shares no code with gosched, so the two can be compared without Go.
//!
//! A goroutine is a script, a place in it, and what it does when it runs again. Time does not pass:
//! no slice ends and no mutex starves.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::fmt::Write as _;

use crate::program::{Op, Program};

/// The P looks into the global queue first at every 61st tick. Go: schedule.
const GLOBAL_EVERY: u64 = 61;
/// Go: len(p.runq).
const RING: usize = 256;

type Id = usize;

/// How a process ends: the first line of stderr, with a status of 2, or nothing and 0.
type End = Option<String>;

/// What a goroutine does when it runs again.
#[derive(Clone, Copy)]
enum Resume {
    /// Its script begins.
    Start,
    /// The operation is complete: this is what is left to say.
    Next,
    Yielded,
    Sent,
    /// The channel was closed under a sender.
    SendClosed,
    Received(Option<usize>),
    /// A wake-up from a mutex: it tries again. `condition`: after a wait on its condition variable.
    LockAgain {
        condition: bool,
        again: bool,
    },
    /// A signal or broadcast came.
    Signalled,
    Waited,
}

struct Goroutine {
    script: usize,
    pc: usize,
    resume: Resume,
}

#[derive(Default)]
struct Chan {
    cap: usize,
    closed: bool,
    buffer: VecDeque<usize>,
    receivers: VecDeque<Id>,
    senders: VecDeque<(Id, usize)>,
}

/// The word of a mutex, its semaphore, and the condition variable that belongs to it.
#[derive(Default)]
struct Mutex {
    locked: bool,
    /// A waiter is awake already.
    woken: bool,
    waiters: usize,
    semaphore: Semaphore,
    condition: VecDeque<Id>,
}

#[derive(Default)]
struct WaitGroup {
    count: i64,
    waiters: usize,
    semaphore: Semaphore,
}

/// Wake-ups that came before their sleepers, and sleepers.
#[derive(Default)]
struct Semaphore {
    count: usize,
    queue: VecDeque<Id>,
}

impl Semaphore {
    fn try_take(&mut self) -> bool {
        let can = self.count > 0;
        self.count -= usize::from(can);
        can
    }

    /// Whom to ready.
    fn release(&mut self) -> Option<Id> {
        self.count += 1;
        self.queue.pop_front()
    }

    fn enqueue(&mut self, g: Id, in_front: bool) {
        match in_front {
            true => self.queue.push_front(g),
            false => self.queue.push_back(g),
        }
    }
}

struct Model<'a> {
    program: &'a Program,
    gs: Vec<Goroutine>,
    runnext: Option<Id>,
    ring: VecDeque<Id>,
    global: VecDeque<Id>,
    tick: u64,
    chans: Vec<Chan>,
    mutexes: Vec<Mutex>,
    wait_groups: Vec<WaitGroup>,
    log: String,
}

/// The text that a run leaves, as a `.log` file has it: from this start tick. `None`: it takes more
/// than so many steps.
pub(crate) fn outcome(program: &Program, tick: u64, most: usize) -> Option<String> {
    let chan = |&cap: &usize| Chan {
        cap,
        ..Chan::default()
    };
    let mut model = Model {
        program,
        gs: vec![],
        runnext: None,
        ring: VecDeque::new(),
        global: VecDeque::new(),
        tick: tick + 1, // main was the first pick
        chans: program.chans.iter().map(chan).collect(),
        mutexes: (0..program.mutexes).map(|_| Mutex::default()).collect(),
        wait_groups: (0..program.wait_groups)
            .map(|_| WaitGroup::default())
            .collect(),
        log: String::new(),
    };
    let mut g = model.create(0);
    let mut steps = 0;
    let end = loop {
        match model.run(g, &mut steps, most) {
            Ran::Parked => {}
            Ran::Ended(end) => break end,
            Ran::TooLong => return None,
        }
        match model.pick() {
            Some(next) => g = next,
            None => break Some("fatal error: all goroutines are asleep - deadlock!".into()),
        }
    };
    let (status, words) = end.map_or((0, String::new()), |words| (2, words));
    Some(format!("exit {status} {words}\n{}", model.log))
}

enum Ran {
    /// It gave up the P.
    Parked,
    Ended(End),
    TooLong,
}

/// What an operation did.
enum Did {
    /// Complete, with these words for the log.
    This(String),
    /// The goroutine waits.
    Park,
    /// The process ends.
    Die(String),
}

fn panics(words: &str) -> Did {
    Did::Die(format!("panic: {words}"))
}

impl Model<'_> {
    fn create(&mut self, script: usize) -> Id {
        self.gs.push(Goroutine {
            script,
            pc: 0,
            resume: Resume::Start,
        });
        self.gs.len() - 1
    }

    fn say(&mut self, g: Id, words: &str) {
        let _ = writeln!(self.log, "{g} {words}");
    }

    /// Go: runqput with next.
    fn ready(&mut self, g: Id) {
        let Some(kicked) = self.runnext.replace(g) else {
            return;
        };
        if self.ring.len() == RING {
            self.global.extend(self.ring.drain(..RING / 2));
            self.global.push_back(kicked);
        } else {
            self.ring.push_back(kicked);
        }
    }

    /// Go: findRunnable.
    fn pick(&mut self) -> Option<Id> {
        let looks = self.tick.is_multiple_of(GLOBAL_EVERY);
        if looks && let Some(g) = self.global.pop_front() {
            self.tick += 1;
            return Some(g);
        }
        if let Some(g) = self.runnext.take() {
            return Some(g); // it inherits the slice: no tick
        }
        if self.ring.is_empty() {
            let share = self.global.len().min(RING / 2);
            self.ring.extend(self.global.drain(..share));
        }
        let g = self.ring.pop_front()?;
        self.tick += 1;
        Some(g)
    }

    /// Runs `g` until it gives up the P.
    fn run(&mut self, g: Id, steps: &mut usize, most: usize) -> Ran {
        let mut did = self.resume(g);
        loop {
            match did {
                Did::This(words) => self.say(g, &words),
                Did::Park => return Ran::Parked,
                Did::Die(words) => return Ran::Ended(Some(words)),
            }
            *steps += 1;
            if *steps > most {
                return Ran::TooLong;
            }
            let me = &mut self.gs[g];
            let Some(&op) = self.program.scripts[me.script].get(me.pc) else {
                self.say(g, "end");
                return match g {
                    0 => Ran::Ended(None),
                    _ => Ran::Parked,
                };
            };
            me.pc += 1;
            let pc = me.pc - 1;
            did = self.step(g, op, pc);
        }
    }

    /// The operation that it gave up the P in.
    fn op(&self, g: Id) -> (Op, usize) {
        let me = &self.gs[g];
        let pc = me.pc - 1;
        (self.program.scripts[me.script][pc], pc)
    }

    fn resume(&mut self, g: Id) -> Did {
        let resume = std::mem::replace(&mut self.gs[g].resume, Resume::Next);
        if let Resume::Start = resume {
            return Did::This(format!("start {}", self.gs[g].script));
        }
        let (op, _) = self.op(g);
        match (resume, op) {
            (Resume::Yielded, _) => Did::This("y".into()),
            (Resume::Sent, Op::Send(k)) => Did::This(format!("sent {k}")),
            (Resume::SendClosed, _) => panics("send on closed channel"),
            (Resume::Received(value), Op::Recv(k)) => Did::This(received(k, value)),
            (Resume::LockAgain { condition, again }, Op::Lock(k) | Op::CondWait(k)) => {
                self.sleep_for(g, k, condition, again)
            }
            (Resume::Signalled, Op::CondWait(k)) => self.lock(g, k, true),
            (Resume::Waited, Op::Wait(k)) => self.waited(g, k),
            _ => unreachable!("nobody wakes it so"),
        }
    }

    fn wake(&mut self, g: Id, resume: Resume) {
        self.gs[g].resume = resume;
        self.ready(g);
    }

    fn step(&mut self, g: Id, op: Op, pc: usize) -> Did {
        let value = g * 1000 + pc;
        match op {
            Op::Print => Did::This(format!("p{pc}")),
            Op::Go(script) => {
                let child = self.create(script);
                self.ready(child);
                Did::This(format!("go {child}"))
            }
            Op::Yield => {
                self.gs[g].resume = Resume::Yielded;
                self.global.push_back(g);
                Did::Park
            }
            Op::Send(k) => match self.send(k, value) {
                Err(died) => died,
                Ok(true) => Did::This(format!("sent {k}")),
                Ok(false) => {
                    self.chans[k].senders.push_back((g, value));
                    Did::Park
                }
            },
            Op::TrySend(k) => match self.send(k, value) {
                Err(died) => died,
                Ok(true) => Did::This(format!("trysend {k} ok")),
                Ok(false) => Did::This(format!("trysend {k} full")),
            },
            Op::Recv(k) => match self.recv(k) {
                Some(value) => Did::This(received(k, value)),
                None => {
                    self.chans[k].receivers.push_back(g);
                    Did::Park
                }
            },
            Op::TryRecv(k) => match self.recv(k) {
                Some(value) => Did::This(format!("try{}", received(k, value))),
                None => Did::This(format!("tryrecv {k} empty")),
            },
            Op::Close(k) => self.close(k),
            Op::Lock(k) => self.lock(g, k, false),
            Op::Unlock(k) => match self.unlock(k) {
                Some(died) => died,
                None => Did::This(format!("unlock {k}")),
            },
            Op::Add(k) => self.add(k, 1).unwrap_or(Did::This(format!("add {k}"))),
            Op::Done(k) => self.add(k, -1).unwrap_or(Did::This(format!("done {k}"))),
            Op::Wait(k) => self.wait(g, k),
            Op::CondWait(k) => {
                self.mutexes[k].condition.push_back(g);
                self.unlock(k).unwrap_or(Did::Park)
            }
            Op::Signal(k) => {
                if let Some(waiter) = self.mutexes[k].condition.pop_front() {
                    self.wake(waiter, Resume::Signalled);
                }
                Did::This(format!("signal {k}"))
            }
            Op::Broadcast(k) => {
                while let Some(waiter) = self.mutexes[k].condition.pop_front() {
                    self.wake(waiter, Resume::Signalled);
                }
                Did::This(format!("broadcast {k}"))
            }
        }
    }

    /// Whether the value went; if not, the sender has to wait.
    fn send(&mut self, k: usize, value: usize) -> Result<bool, Did> {
        let chan = &mut self.chans[k];
        if chan.closed {
            return Err(panics("send on closed channel"));
        }
        if let Some(receiver) = chan.receivers.pop_front() {
            self.wake(receiver, Resume::Received(Some(value)));
            return Ok(true);
        }
        let room = chan.buffer.len() < chan.cap;
        if room {
            chan.buffer.push_back(value);
        }
        Ok(room)
    }

    /// What came; `Some(None)`: the channel is closed and empty.
    fn recv(&mut self, k: usize) -> Option<Option<usize>> {
        let chan = &mut self.chans[k];
        if let Some((sender, theirs)) = chan.senders.pop_front() {
            chan.buffer.push_back(theirs);
            let value = chan.buffer.pop_front();
            self.wake(sender, Resume::Sent);
            return Some(value);
        }
        match chan.buffer.pop_front() {
            Some(value) => Some(Some(value)),
            None if chan.closed => Some(None),
            None => None,
        }
    }

    /// The last one that came is the first one woken. Go: closechan, whose list is a stack.
    fn close(&mut self, k: usize) -> Did {
        let chan = &mut self.chans[k];
        if std::mem::replace(&mut chan.closed, true) {
            return panics("close of closed channel");
        }
        let senders = std::mem::take(&mut chan.senders);
        let receivers = std::mem::take(&mut chan.receivers);
        for (sender, _) in senders.into_iter().rev() {
            self.wake(sender, Resume::SendClosed);
        }
        for receiver in receivers.into_iter().rev() {
            self.wake(receiver, Resume::Received(None));
        }
        Did::This(format!("close {k}"))
    }

    fn locked(k: usize, condition: bool) -> Did {
        Did::This(match condition {
            true => format!("condwoke {k}"),
            false => format!("lock {k}"),
        })
    }

    fn lock(&mut self, g: Id, k: usize, condition: bool) -> Did {
        let mutex = &mut self.mutexes[k];
        if !mutex.locked {
            mutex.locked = true;
            return Self::locked(k, condition);
        }
        mutex.waiters += 1;
        self.sleep_for(g, k, condition, false)
    }

    /// Takes a wake-up, or waits for one: in front of the others, if it has waited before.
    fn sleep_for(&mut self, g: Id, k: usize, condition: bool, again: bool) -> Did {
        let mutex = &mut self.mutexes[k];
        if !mutex.semaphore.try_take() {
            mutex.semaphore.enqueue(g, again);
            self.gs[g].resume = Resume::LockAgain { condition, again };
            return Did::Park;
        }
        // Now it competes with those who came meanwhile.
        mutex.woken = false;
        if mutex.locked {
            mutex.waiters += 1;
            return self.sleep_for(g, k, condition, true);
        }
        mutex.locked = true;
        Self::locked(k, condition)
    }

    fn unlock(&mut self, k: usize) -> Option<Did> {
        let mutex = &mut self.mutexes[k];
        if !std::mem::replace(&mut mutex.locked, false) {
            let words = "fatal error: sync: unlock of unlocked mutex";
            return Some(Did::Die(words.into()));
        }
        if mutex.waiters > 0 && !mutex.woken {
            mutex.waiters -= 1;
            mutex.woken = true;
            if let Some(waiter) = mutex.semaphore.release() {
                self.ready(waiter); // its `resume` is set
            }
        }
        None
    }

    fn add(&mut self, k: usize, delta: i64) -> Option<Did> {
        let group = &mut self.wait_groups[k];
        group.count += delta;
        if group.count < 0 {
            return Some(panics("sync: negative WaitGroup counter"));
        }
        if group.waiters != 0 && delta > 0 && group.count == delta {
            let words = "sync: WaitGroup misuse: Add called concurrently with Wait";
            return Some(panics(words));
        }
        if group.count == 0 {
            for _ in 0..std::mem::take(&mut group.waiters) {
                if let Some(waiter) = self.wait_groups[k].semaphore.release() {
                    self.ready(waiter);
                }
            }
        }
        None
    }

    fn wait(&mut self, g: Id, k: usize) -> Did {
        let group = &mut self.wait_groups[k];
        if group.count == 0 {
            return Did::This(format!("waited {k}"));
        }
        group.waiters += 1;
        self.waited(g, k)
    }

    fn waited(&mut self, g: Id, k: usize) -> Did {
        let group = &mut self.wait_groups[k];
        if !group.semaphore.try_take() {
            group.semaphore.enqueue(g, false);
            self.gs[g].resume = Resume::Waited;
            return Did::Park;
        }
        if group.count != 0 || group.waiters != 0 {
            return panics("sync: WaitGroup is reused before previous Wait has returned");
        }
        Did::This(format!("waited {k}"))
    }
}

fn received(k: usize, value: Option<usize>) -> String {
    match value {
        Some(value) => format!("recv {k} {value} true"),
        None => format!("recv {k} 0 false"),
    }
}

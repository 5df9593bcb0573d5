//! Runs a program's scripts on goroutines.
#![allow(unsafe_code, reason = "the door into the runtime")]

use std::io::Write as _;
use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use gosched::channel::{Receiver, Sender, TryRecvError, TrySendError, bounded};
use gosched::sync::{Condvar, Mutex, MutexGuard, WaitGroup};

use crate::log::Log;
use crate::program::{Op, Program};

/// All that the goroutines of one program share.
pub(crate) struct World {
    program: Program,
    log: Log,
    chans: Vec<(Sender<usize>, Receiver<usize>)>,
    mutexes: Vec<(Mutex<()>, Condvar)>,
    wait_groups: Vec<WaitGroup>,
    next_id: AtomicUsize,
}

impl World {
    pub(crate) fn new(program: Program, log: Log) -> Arc<World> {
        Arc::new(World {
            log,
            chans: program.chans.iter().map(|&cap| bounded(cap)).collect(),
            mutexes: (0..program.mutexes).map(|_| Default::default()).collect(),
            wait_groups: (0..program.wait_groups).map(|_| WaitGroup::new()).collect(),
            next_id: AtomicUsize::new(1),
            program,
        })
    }

    /// Runs script 0 as the main goroutine; when it ends, the process does.
    pub(crate) fn run(self: Arc<Self>) -> ! {
        let main = || {
            // Said once, by `die`: the first line of stderr is compared.
            std::panic::set_hook(Box::new(|_| ()));
            Goroutine {
                world: &self,
                id: 0,
            }
            .script(&self, 0);
            exit(0)
        };
        // A recorded program ends within its first time slice; on a busy machine the clock may
        // say otherwise, so there are none.
        let builder = gosched::Builder::new().procs(1).async_preempt(false);
        // SAFETY: a script keeps nothing that is tied to an OS thread.
        unsafe { builder.run(main) }
    }
}

struct Goroutine<'w> {
    world: &'w World,
    id: usize,
}

impl<'w> Goroutine<'w> {
    fn log(&self, what: std::fmt::Arguments<'_>) {
        self.world.log.line(format_args!("{} {what}", self.id));
    }

    fn script(&self, world: &Arc<World>, script: usize) {
        let mut held: Vec<Option<MutexGuard<'w, ()>>> =
            (0..self.world.mutexes.len()).map(|_| None).collect();
        self.log(format_args!("start {script}"));
        for (pc, &op) in self.world.program.scripts[script].iter().enumerate() {
            match op {
                Op::Go(k) => self.go(world, k),
                Op::Lock(k) => {
                    held[k] = Some(self.world.mutexes[k].0.lock().unwrap());
                    self.log(format_args!("lock {k}"));
                }
                Op::Unlock(k) => {
                    drop(
                        held[k].take().unwrap_or_else(|| {
                            die("fatal error: sync: unlock of unlocked mutex")
                        }),
                    );
                    self.log(format_args!("unlock {k}"));
                }
                Op::CondWait(k) => {
                    let guard = held[k].take().expect("the mutex is held");
                    held[k] = Some(self.world.mutexes[k].1.wait(guard).unwrap());
                    self.log(format_args!("condwoke {k}"));
                }
                _ => self.simple(op, pc),
            }
        }
        self.log(format_args!("end"));
    }

    fn go(&self, world: &Arc<World>, script: usize) {
        let id = self.world.next_id.fetch_add(1, Relaxed);
        let world = Arc::clone(world);
        gosched::go(move || Goroutine { world: &world, id }.script(&world, script));
        self.log(format_args!("go {id}"));
    }

    fn simple(&self, op: Op, pc: usize) {
        let world = self.world;
        let value = self.id * 1000 + pc;
        match op {
            Op::Print => self.log(format_args!("p{pc}")),
            Op::Yield => {
                gosched::thread::yield_now();
                self.log(format_args!("y"));
            }
            Op::Send(k) => {
                if world.chans[k].0.send(value).is_err() {
                    die("panic: send on closed channel");
                }
                self.log(format_args!("sent {k}"));
            }
            Op::Recv(k) => match world.chans[k].1.recv() {
                Ok(v) => self.log(format_args!("recv {k} {v} true")),
                Err(_) => self.log(format_args!("recv {k} 0 false")),
            },
            Op::TrySend(k) => match world.chans[k].0.try_send(value) {
                Ok(()) => self.log(format_args!("trysend {k} ok")),
                Err(TrySendError::Full(_)) => self.log(format_args!("trysend {k} full")),
                Err(TrySendError::Disconnected(_)) => die("panic: send on closed channel"),
            },
            Op::TryRecv(k) => match world.chans[k].1.try_recv() {
                Ok(v) => self.log(format_args!("tryrecv {k} {v} true")),
                Err(TryRecvError::Empty) => self.log(format_args!("tryrecv {k} empty")),
                Err(TryRecvError::Disconnected) => {
                    self.log(format_args!("tryrecv {k} 0 false"))
                }
            },
            Op::Close(k) => {
                world.chans[k].0.close();
                self.log(format_args!("close {k}"));
            }
            Op::Add(k) => {
                world.wait_groups[k].add(1);
                self.log(format_args!("add {k}"));
            }
            Op::Done(k) => {
                world.wait_groups[k].done();
                self.log(format_args!("done {k}"));
            }
            Op::Wait(k) => {
                world.wait_groups[k].wait();
                self.log(format_args!("waited {k}"));
            }
            Op::Signal(k) => {
                world.mutexes[k].1.notify_one();
                self.log(format_args!("signal {k}"));
            }
            Op::Broadcast(k) => {
                world.mutexes[k].1.notify_all();
                self.log(format_args!("broadcast {k}"));
            }
            Op::Go(_) | Op::Lock(_) | Op::Unlock(_) | Op::CondWait(_) => unreachable!("above"),
        }
    }
}

/// Ends the process as Go does.
fn die(words: &str) -> ! {
    // Nobody is left to hear that stderr is closed.
    let _ = writeln!(std::io::stderr(), "{words}\n\ngoroutine [running]:");
    exit(2)
}

//! Runs a program's scripts on goroutines. Compiled twice, for gosched and for mini: what differs is
//! in `on_gosched.rs` and `on_mini.rs`.
#![allow(unsafe_code, reason = "guards that any goroutine may drop")]

use std::cell::UnsafeCell;
use std::io::Write as _;
use std::process::exit;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::{Condvar, Mutex, MutexGuard, Receiver, Sender, Try, WaitGroup, bounded};
use crate::log::Log;
use crate::program::{Op, Program};

/// All that the goroutines of one program share.
pub(crate) struct World {
    program: Program,
    log: Log,
    chans: Vec<(Sender<usize>, Receiver<usize>)>,
    mutexes: Vec<Lock>,
    wait_groups: Vec<WaitGroup>,
    next_id: AtomicUsize,
}

/// A mutex as Go's, which any goroutine may unlock, and its condition variable.
#[derive(Default)]
struct Lock {
    mutex: Mutex<()>,
    condvar: Condvar,
    /// While it is locked.
    guard: UnsafeCell<Option<MutexGuard<'static, ()>>>,
}

// SAFETY: there is one P and no preemption, so the goroutines that reach `guard` take turns; these
// guards may go to another thread.
unsafe impl Sync for Lock {}

impl Lock {
    fn lock(&'static self) {
        let guard = super::lock(&self.mutex);
        self.put(guard);
    }

    fn unlock(&self) {
        drop(self.take());
    }

    fn wait(&'static self) {
        let guard = super::wait(&self.condvar, self.take());
        self.put(guard);
    }

    fn put(&self, guard: MutexGuard<'static, ()>) {
        // SAFETY: nobody else runs, and nothing in here suspends: it was `None`.
        unsafe { *self.guard.get() = Some(guard) };
    }

    fn take(&self) -> MutexGuard<'static, ()> {
        // SAFETY: nobody else runs.
        let guard = unsafe { (*self.guard.get()).take() };
        guard.unwrap_or_else(|| die("fatal error: sync: unlock of unlocked mutex"))
    }
}

impl World {
    /// For as long as the process lives.
    pub(crate) fn new(program: Program, log: Log) -> &'static World {
        Box::leak(Box::new(World {
            log,
            chans: program.chans.iter().map(|&cap| bounded(cap)).collect(),
            mutexes: (0..program.mutexes).map(|_| Default::default()).collect(),
            wait_groups: (0..program.wait_groups).map(|_| WaitGroup::new()).collect(),
            next_id: AtomicUsize::new(1),
            program,
        }))
    }

    /// Runs script 0 as the main goroutine; when it ends, the process does.
    pub(crate) fn run(&'static self) -> ! {
        let main = move || {
            // As Go: the process ends where the panic is, and its words are the first line of
            // stderr, which is compared.
            std::panic::set_hook(Box::new(|panic| {
                let words = panic.payload_as_str().unwrap_or("(not text)");
                die(&format!("panic: {words}"))
            }));
            Goroutine { world: self, id: 0 }.script(0);
            exit(0)
        };
        super::run(main)
    }
}

struct Goroutine {
    world: &'static World,
    id: usize,
}

impl Goroutine {
    fn log(&self, what: std::fmt::Arguments<'_>) {
        self.world.log.line(format_args!("{} {what}", self.id));
    }

    fn script(&self, script: usize) {
        self.log(format_args!("start {script}"));
        for (pc, &op) in self.world.program.scripts[script].iter().enumerate() {
            self.step(op, pc);
        }
        self.log(format_args!("end"));
    }

    fn go(&self, script: usize) {
        let (world, id) = (self.world, self.world.next_id.fetch_add(1, Relaxed));
        super::go(move || Goroutine { world, id }.script(script));
        self.log(format_args!("go {id}"));
    }

    fn step(&self, op: Op, pc: usize) {
        let world = self.world;
        let value = self.id * 1000 + pc;
        match op {
            Op::Print => self.log(format_args!("p{pc}")),
            Op::Go(k) => self.go(k),
            Op::Yield => {
                super::yield_now();
                self.log(format_args!("y"));
            }
            Op::Send(k) => {
                if !super::send(&world.chans[k].0, value) {
                    die("panic: send on closed channel");
                }
                self.log(format_args!("sent {k}"));
            }
            Op::Recv(k) => match super::recv(&world.chans[k].1) {
                Some(v) => self.log(format_args!("recv {k} {v} true")),
                None => self.log(format_args!("recv {k} 0 false")),
            },
            Op::TrySend(k) => match super::try_send(&world.chans[k].0, value) {
                Try::Done(()) => self.log(format_args!("trysend {k} ok")),
                Try::Blocks => self.log(format_args!("trysend {k} full")),
                Try::Closed => die("panic: send on closed channel"),
            },
            Op::TryRecv(k) => match super::try_recv(&world.chans[k].1) {
                Try::Done(v) => self.log(format_args!("tryrecv {k} {v} true")),
                Try::Blocks => self.log(format_args!("tryrecv {k} empty")),
                Try::Closed => self.log(format_args!("tryrecv {k} 0 false")),
            },
            Op::Close(k) => {
                world.chans[k].0.close();
                self.log(format_args!("close {k}"));
            }
            Op::Lock(k) => {
                world.mutexes[k].lock();
                self.log(format_args!("lock {k}"));
            }
            Op::Unlock(k) => {
                world.mutexes[k].unlock();
                self.log(format_args!("unlock {k}"));
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
            Op::CondWait(k) => {
                world.mutexes[k].wait();
                self.log(format_args!("condwoke {k}"));
            }
            Op::Signal(k) => {
                world.mutexes[k].condvar.notify_one();
                self.log(format_args!("signal {k}"));
            }
            Op::Broadcast(k) => {
                world.mutexes[k].condvar.notify_all();
                self.log(format_args!("broadcast {k}"));
            }
        }
    }
}

/// Ends the process as Go does.
fn die(words: &str) -> ! {
    // Nobody is left to hear that stderr is closed.
    let _ = writeln!(std::io::stderr(), "{words}\n\ngoroutine [running]:");
    exit(2)
}

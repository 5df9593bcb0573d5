//! What the interpreter of recorded programs needs, from the core alone: there are no channels, and a
//! condition variable that nobody waits on does nothing.
#![allow(unsafe_code, reason = "the door into the runtime")]

use std::marker::PhantomData;

pub(crate) use gosched::go;
pub(crate) use gosched::sync::{Mutex, MutexGuard, WaitGroup};
pub(crate) use gosched::thread::yield_now;

pub(crate) use crate::Try;

#[path = "../../examples/schedule/interpreter.rs"]
pub(crate) mod interpreter;

/// Runs the main goroutine; `GOMAXPROCS` says at how many Ps. It ends the process.
pub(crate) fn run(main: impl FnOnce() -> std::convert::Infallible + Send + 'static) -> ! {
    // SAFETY: a script keeps nothing that is tied to an OS thread.
    match unsafe { gosched::run(main) } {}
}

#[derive(Default)]
pub(crate) struct Condvar;

impl Condvar {
    pub(crate) fn notify_one(&self) {}
    pub(crate) fn notify_all(&self) {}
}

pub(crate) fn wait(_: &Condvar, _: MutexGuard<'static, ()>) -> MutexGuard<'static, ()> {
    unreachable!("no program does it")
}

pub(crate) fn lock(mutex: &'static Mutex<()>) -> MutexGuard<'static, ()> {
    mutex.lock().unwrap()
}

pub(crate) struct Sender<T>(PhantomData<T>);
pub(crate) struct Receiver<T>(PhantomData<T>);

impl<T> Sender<T> {
    pub(crate) fn close(&self) {}
}

pub(crate) fn bounded<T>(_: usize) -> (Sender<T>, Receiver<T>) {
    (Sender(PhantomData), Receiver(PhantomData))
}

pub(crate) fn send(_: &Sender<usize>, _: usize) -> bool {
    unreachable!("no program uses channels")
}

pub(crate) fn recv(_: &Receiver<usize>) -> Option<usize> {
    unreachable!("no program uses channels")
}

pub(crate) fn try_send(_: &Sender<usize>, _: usize) -> Try<()> {
    unreachable!("no program uses channels")
}

pub(crate) fn try_recv(_: &Receiver<usize>) -> Try<usize> {
    unreachable!("no program uses channels")
}

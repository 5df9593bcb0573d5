//! What the interpreter needs, from mini: all but a condition variable to wait on, which mini leaves
//! to an exercise. (To notify one that nobody waits on does nothing.)

use gosched_mini::{TryRecvError, TrySendError};

pub(crate) use gosched_mini::{
    Mutex, MutexGuard, Receiver, Sender, WaitGroup, bounded, go, yield_now,
};

pub(crate) use crate::Try;

#[allow(
    clippy::duplicate_mod,
    reason = "the same code on two systems is the point"
)]
#[path = "interpreter.rs"]
pub(crate) mod interpreter;

/// Runs the main goroutine at one P. It ends the process.
pub(crate) fn run(main: impl FnOnce() -> std::convert::Infallible + Send + 'static) -> ! {
    // SAFETY: no script uses a thread-local.
    match unsafe { gosched_mini::run_on(1, main) } {}
}

#[derive(Default)]
pub(crate) struct Condvar;

impl Condvar {
    pub(crate) fn notify_one(&self) {}
    pub(crate) fn notify_all(&self) {}
}

pub(crate) fn wait(_: &Condvar, _: MutexGuard<'static, ()>) -> MutexGuard<'static, ()> {
    unreachable!("main.rs has looked for it")
}

pub(crate) fn lock(mutex: &'static Mutex<()>) -> MutexGuard<'static, ()> {
    mutex.lock()
}

/// False: closed.
pub(crate) fn send(to: &Sender<usize>, value: usize) -> bool {
    to.send(value).is_ok()
}

pub(crate) fn recv(from: &Receiver<usize>) -> Option<usize> {
    from.recv()
}

pub(crate) fn try_send(to: &Sender<usize>, value: usize) -> Try<()> {
    match to.try_send(value) {
        Ok(()) => Try::Done(()),
        Err(TrySendError::Full(_)) => Try::Blocks,
        Err(TrySendError::Closed(_)) => Try::Closed,
    }
}

pub(crate) fn try_recv(from: &Receiver<usize>) -> Try<usize> {
    match from.try_recv() {
        Ok(value) => Try::Done(value),
        Err(TryRecvError::Empty) => Try::Blocks,
        Err(TryRecvError::Closed) => Try::Closed,
    }
}

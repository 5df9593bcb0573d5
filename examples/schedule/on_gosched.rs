//! What the interpreter needs, from gosched.

use gosched::channel::{TryRecvError, TrySendError};

pub(crate) use gosched::channel::{Receiver, Sender, bounded};
pub(crate) use gosched::go;
pub(crate) use gosched::sync::{Condvar, Mutex, MutexGuard, WaitGroup};
pub(crate) use gosched::thread::yield_now;

pub(crate) use crate::Try;

#[path = "interpreter.rs"]
pub(crate) mod interpreter;

/// Runs the main goroutine at one P. It ends the process.
pub(crate) fn run(main: impl FnOnce() -> std::convert::Infallible + Send + 'static) -> ! {
    // A recorded program ends within its first time slice. On a busy machine the clock may
    // say otherwise: it does not count.
    let given = std::env::var("GOSCHED").unwrap_or_default();
    // SAFETY: there is no other thread yet.
    unsafe { std::env::set_var("GOSCHED", format!("steady=1,{given}")) };
    let builder = gosched::Builder::new().procs(1);
    // SAFETY: a script keeps nothing that is tied to an OS thread.
    match unsafe { builder.run(main) } {}
}

pub(crate) fn lock(mutex: &'static Mutex<()>) -> MutexGuard<'static, ()> {
    mutex.lock().unwrap()
}

pub(crate) fn wait(
    condvar: &Condvar,
    guard: MutexGuard<'static, ()>,
) -> MutexGuard<'static, ()> {
    condvar.wait(guard).unwrap()
}

/// False: closed.
pub(crate) fn send(to: &Sender<usize>, value: usize) -> bool {
    to.send(value).is_ok()
}

pub(crate) fn recv(from: &Receiver<usize>) -> Option<usize> {
    from.recv().ok()
}

pub(crate) fn try_send(to: &Sender<usize>, value: usize) -> Try<()> {
    match to.try_send(value) {
        Ok(()) => Try::Done(()),
        Err(TrySendError::Full(_)) => Try::Blocks,
        Err(TrySendError::Disconnected(_)) => Try::Closed,
    }
}

pub(crate) fn try_recv(from: &Receiver<usize>) -> Try<usize> {
    match from.try_recv() {
        Ok(value) => Try::Done(value),
        Err(TryRecvError::Empty) => Try::Blocks,
        Err(TryRecvError::Disconnected) => Try::Closed,
    }
}

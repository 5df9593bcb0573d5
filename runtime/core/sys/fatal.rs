//! Ends the process with a message: Go's `throw` and `fatal`, status 2.
//!
//! The message is printed completely: the thread that prints it waits for the reader of a pipe
//! that does not block.
#![allow(
    unsafe_code,
    reason = "write(2), poll(2), pause(2) and _exit(2): nothing else may run on the way out"
)]

use std::fmt::{self, Write as _};
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI32, AtomicU64};

use crate::core::sys::clock::{Nanos, nanotime};

/// How long, in all, a final report waits for a pipe that is not read.
pub(crate) const PATIENCE: Nanos = 10_000_000_000;
/// Milliseconds between two looks at what others do.
pub(crate) const LOOK: libc::c_int = 20;

/// Writes directly to file descriptor 2: no lock, no buffer, no allocation. If the pipe or
/// terminal is full and does not block (all processes that share it share `O_NONBLOCK`), this
/// waits ten seconds at most, because this is the last message.
#[derive(Debug)]
pub(crate) struct RawStderr;

impl fmt::Write for RawStderr {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        write_all(s, true)
    }
}

pub(crate) fn write_all(s: &str, patient: bool) -> fmt::Result {
    let mut rest = s.as_bytes();
    while !rest.is_empty() {
        // SAFETY: pointer and length describe `rest`.
        let n = unsafe { libc::write(2, rest.as_ptr().cast(), rest.len()) };
        match usize::try_from(n) {
            Ok(n) if n > 0 => rest = rest.get(n..).unwrap_or_default(),
            Ok(_) => return Err(fmt::Error),
            Err(_) => match io::Error::last_os_error().kind() {
                io::ErrorKind::Interrupted => (),
                io::ErrorKind::WouldBlock if patient && wait_for_room() => (),
                _ => return Err(fmt::Error),
            },
        }
    }
    Ok(())
}

/// Returns `false` if the time for stderr's readers is over.
fn wait_for_room() -> bool {
    static WAITED: AtomicU64 = AtomicU64::new(0);
    if WAITED.load(Relaxed) >= PATIENCE {
        return false;
    }
    let before = nanotime();
    poll_room(LOOK);
    WAITED.fetch_add(nanotime().saturating_sub(before), Relaxed);
    true
}

/// Until stderr has room, or `millis` have passed, or a signal came. Is there room? Then a page can be written
/// without a wait.
pub(crate) fn poll_room(millis: libc::c_int) -> bool {
    let mut stderr = libc::pollfd {
        fd: 2,
        events: libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: one entry, ours.
    unsafe { libc::poll(&raw mut stderr, 1, millis) > 0 }
}

/// Leaves the process at once, without destructors or exit handlers. Go: os.Exit.
pub(crate) fn exit_now(status: i32) -> ! {
    // SAFETY: `_exit` has no preconditions.
    unsafe { libc::_exit(status) }
}

/// The thread that prints why the process ends. The goroutine that prints stays on this thread:
/// from [`begin_death`] on, it does not enter the runtime and is not preempted.
static DYING: AtomicI32 = AtomicI32::new(0);
/// The first caller returns, and will end the process; later callers wait for that, so that
/// reports do not mix. A caller that fails while it prints ends the process at once. Go: panic.go
/// startpanic_m.
pub(crate) fn begin_death() {
    // SAFETY: no preconditions.
    let me = unsafe { libc::gettid() };
    match DYING.compare_exchange(0, me, Relaxed, Relaxed) {
        Ok(_) => (),
        Err(first) if first == me => exit_now(2),
        Err(_) => loop {
            // SAFETY: no preconditions.
            unsafe { libc::pause() };
        },
    }
}

/// The kernel's id of the thread that tells why the process ends; 0: nobody does.
pub(crate) fn dying() -> i32 {
    DYING.load(Relaxed)
}

/// What else a report tells that is not about everybody.
static OTHERS: OnceLock<fn(usize)> = OnceLock::new();

/// `tell` may be called on any thread at any moment, in a signal handler too. The first counts.
pub(crate) fn set_others(tell: fn(usize)) {
    OTHERS.get_or_init(|| tell);
}

/// Tells about all goroutines but that with this address. By [`begin_death`]'s caller, after its words.
pub(crate) fn tell_others(told: usize) {
    if let Some(tell) = OTHERS.get() {
        tell(told);
    }
}

/// What is still to be done when the words are out.
static LAST_ACT: OnceLock<fn()> = OnceLock::new();

/// `act` may be called on any thread at any moment, in a signal handler too. The first counts.
pub(crate) fn set_last_act(act: fn()) {
    LAST_ACT.get_or_init(|| act);
}

/// After the words of [`begin_death`]'s caller.
pub(crate) fn last_act() {
    if let Some(act) = LAST_ACT.get() {
        act();
    }
}

/// The end, after the words.
pub(crate) fn die() -> ! {
    last_act();
    exit_now(2)
}

/// Writes `fatal error: WORDS` to stderr and leaves with status 2. Go: panic.go fatal, throw.
#[cold]
pub(crate) fn throw(args: fmt::Arguments<'_>) -> ! {
    begin_death();
    throw_begun(args)
}

/// As [`throw`], after [`begin_death`] and perhaps some words.
#[cold]
pub(crate) fn throw_begun(args: fmt::Arguments<'_>) -> ! {
    // Nobody is left to hear that stderr is closed.
    let _ = writeln!(RawStderr, "fatal error: {args}");
    tell_others(0);
    die()
}

/// A bug of the runtime, or a misuse after which the process cannot continue: a message, then
/// status 2.
macro_rules! fatal {
    ($($arg:tt)*) => { $crate::core::sys::fatal::throw(format_args!($($arg)*)) };
}
pub(crate) use fatal;

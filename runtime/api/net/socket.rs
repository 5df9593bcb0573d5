//! What all sockets share: one of std's, which never blocks, and the poller's record of it.
//!
//! A call is tried first. If it would have to wait, the goroutine waits for the poller and tries
//! again. On a plain thread, and for a descriptor that the poller cannot watch, the thread waits in
//! the kernel.
#![forbid(unsafe_code)]

use std::io::{self, IoSliceMut, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use crate::api::os_thread::blocking;
use crate::api::thread::sleep::sleep;
use crate::core::g::wait_reason::WaitReason;
use crate::core::m::current::this_m;
use crate::core::sys::clock::{Nanos, nanotime};
use crate::ext::linux::socket::{
    is_nonblocking, set_nonblocking, tell_timeout, timeout, wait_on_thread,
};
use crate::ext::linux::tcp_inq::end_count;
use crate::ext::net::io_wait::{Waited, wait};
use crate::ext::net::poll_desc::{Direction, PollDesc, Watched};
use crate::ext::timers::instant::saturated;

/// How often it is tried whether there is room, if the poller is not told.
const UNTOLD: Nanos = 1_000_000;

/// See the file's header.
pub(crate) struct Socket<S> {
    /// First, so that the poller forgets the descriptor before it is closed. None: it cannot be watched.
    watched: Option<Watched>,
    std: S,
    mode: Arc<Mode>,
}

/// What the clones of a socket have in common, as in the kernel.
#[derive(Debug)]
struct Mode {
    /// The user wants calls that return instead of waiting.
    nonblocking: AtomicBool,
    /// In nanoseconds; 0: none.
    read_timeout: AtomicU64,
    write_timeout: AtomicU64,
    /// The kernel does not know these.
    untold: AtomicBool,
    /// The kernel counts for us what is left in it (`runtime/ext/net/drained.rs`).
    counted: AtomicBool,
}

impl Mode {
    fn new() -> Mode {
        Mode {
            nonblocking: AtomicBool::new(false),
            read_timeout: AtomicU64::new(0),
            write_timeout: AtomicU64::new(0),
            untold: AtomicBool::new(false),
            counted: AtomicBool::new(false),
        }
    }

    fn place(&self, direction: Direction) -> &AtomicU64 {
        match direction {
            Direction::Read => &self.read_timeout,
            Direction::Write => &self.write_timeout,
        }
    }

    fn set_timeout(&self, direction: Direction, span: Option<Duration>) {
        let nanos = span.map_or(0, saturated);
        self.place(direction).store(nanos, Relaxed);
    }

    fn timeout(&self, direction: Direction) -> Option<Duration> {
        let nanos = self.place(direction).load(Relaxed);
        (nanos != 0).then(|| Duration::from_nanos(nanos))
    }

    /// The end of a call that begins now.
    fn deadline(&self, direction: Direction) -> Option<Nanos> {
        match self.place(direction).load(Relaxed) {
            0 => None,
            span => Some(nanotime().saturating_add(span)),
        }
    }
}

/// One attempt. A function of its own, which is not suspended: no address of `errno`, which is the
/// thread's, stays on the stack of a goroutine that waits.
#[inline(never)]
fn attempt<S, R>(socket: &S, call: &mut impl FnMut(&S) -> io::Result<R>) -> io::Result<R> {
    call(socket)
}

impl<S: AsFd> Socket<S> {
    /// A socket that never blocks, and that nobody else knows.
    pub(crate) fn new(std: S) -> Socket<S> {
        Socket {
            watched: Watched::new(std.as_fd()).ok(),
            std,
            mode: Arc::new(Mode::new()),
        }
    }

    /// Any socket: it keeps its mode and time limits. From now on it never blocks.
    pub(crate) fn adopt(std: S) -> Socket<S> {
        let mode = Mode::new();
        let fd = std.as_fd();
        mode.nonblocking.store(is_nonblocking(fd), Relaxed);
        mode.set_timeout(Direction::Read, timeout(fd, false));
        mode.set_timeout(Direction::Write, timeout(fd, true));
        // It fails on no open descriptor.
        let _ = set_nonblocking(fd, true);
        Socket {
            watched: Watched::new(fd).ok(),
            std,
            mode: Arc::new(mode),
        }
    }

    /// Anything whose mode others depend on: it is left as it is. The calls that are tried must not wait.
    pub(crate) fn shared(std: S) -> Socket<S> {
        Socket {
            watched: Watched::new(std.as_fd()).ok(),
            std,
            mode: Arc::new(Mode::new()),
        }
    }

    /// Anything that the kernel can watch. Its calls wait, whatever the mode of the descriptor was.
    pub(crate) fn watch(std: S) -> io::Result<Socket<S>> {
        let watched = Some(Watched::new(std.as_fd())?);
        set_nonblocking(std.as_fd(), true)?;
        let mode = Arc::new(Mode::new());
        Ok(Socket { watched, std, mode })
    }

    /// Another descriptor of the same socket.
    pub(crate) fn clone_of(&self, std: S) -> Socket<S> {
        Socket {
            watched: Watched::new(std.as_fd()).ok(),
            std,
            mode: Arc::clone(&self.mode),
        }
    }

    /// std's, which blocks again, if the user has not said that it should not.
    pub(crate) fn into_std(self) -> S {
        drop(self.watched);
        if self.mode.counted.load(Relaxed) {
            end_count(self.std.as_fd());
        }
        if self.mode.untold.swap(false, Relaxed) {
            let fd = self.std.as_fd();
            tell_timeout(fd, false, self.mode.timeout(Direction::Read));
            tell_timeout(fd, true, self.mode.timeout(Direction::Write));
        }
        if !self.mode.nonblocking.load(Relaxed) {
            let _ = set_nonblocking(self.std.as_fd(), false);
        }
        self.std
    }

    #[inline]
    pub(crate) fn std(&self) -> &S {
        &self.std
    }

    pub(crate) fn set_nonblocking(&self, nonblocking: bool) {
        self.mode.nonblocking.store(nonblocking, Relaxed);
    }

    /// An error if it is zero, as in std.
    pub(crate) fn set_timeout(
        &self,
        direction: Direction,
        span: Option<Duration>,
    ) -> io::Result<()> {
        if span.is_some_and(|span| span.is_zero()) {
            let words = "cannot set a 0 duration timeout";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
        }
        self.mode.set_timeout(direction, span);
        self.mode.untold.store(true, Relaxed);
        Ok(())
    }

    pub(crate) fn timeout(&self, direction: Direction) -> Option<Duration> {
        self.mode.timeout(direction)
    }

    #[inline]
    pub(crate) fn read<R>(&self, call: impl FnMut(&S) -> io::Result<R>) -> io::Result<R> {
        self.run(Direction::Read, call)
    }

    /// A read into `bufs`, where there is room; it may wait before it tries: `runtime/ext/net/README.md#drained`.
    #[inline]
    pub(crate) fn receive(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize>
    where
        for<'a> &'a S: Read,
    {
        let plain = |mut std: &S, bufs: &mut [IoSliceMut<'_>]| match bufs {
            [one] => std.read(one),
            _ => std.read_vectored(bufs),
        };
        let waits = !self.mode.nonblocking.load(Relaxed);
        let Some(desc) = self.desc_of_goroutine().filter(|_| waits) else {
            return self.run(Direction::Read, |std| plain(std, bufs));
        };
        let (drained, counted) = (&desc.drained, &self.mode.counted);
        let waits_first = || drained.waits_first();
        self.run_on_goroutine(desc, Direction::Read, waits_first, |std| {
            drained.read(std.as_fd(), bufs, counted, |bufs| plain(std, bufs))
        })
    }

    #[inline]
    pub(crate) fn write<R>(&self, call: impl FnMut(&S) -> io::Result<R>) -> io::Result<R> {
        self.run(Direction::Write, call)
    }

    /// A write that waits for room of which the poller hears nothing.
    pub(crate) fn write_untold<R>(
        &self,
        mut call: impl FnMut(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        let mut deadline = Deadline::new(&self.mode, Direction::Write);
        loop {
            let answer = attempt(&self.std, &mut call);
            if !would_block(&answer) || self.mode.nonblocking.load(Relaxed) {
                return answer;
            }
            let now = nanotime();
            if deadline.get().is_some_and(|when| when <= now) {
                return answer;
            }
            let look = now.saturating_add(UNTOLD);
            sleep(Duration::from_nanos(
                deadline.get().map_or(look, |when| when.min(look)) - now,
            ));
        }
    }

    fn run<R>(
        &self,
        direction: Direction,
        mut call: impl FnMut(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        if self.mode.nonblocking.load(Relaxed) {
            return attempt(&self.std, &mut call);
        }
        match self.desc_of_goroutine() {
            Some(desc) => self.run_on_goroutine(desc, direction, || false, call),
            None => self.run_on_thread(direction, call),
        }
    }

    /// What the poller knows of it, for a call that may wait, by a goroutine.
    #[inline]
    fn desc_of_goroutine(&self) -> Option<&'static PollDesc> {
        let watched = self.watched.as_ref().filter(|_| this_m().is_some())?;
        Some(watched.desc())
    }

    /// It has the turn while it tries and waits: `runtime/ext/net/README.md#edge`. `waits_first`: asked
    /// when it has the turn.
    fn run_on_goroutine<R>(
        &self,
        desc: &PollDesc,
        direction: Direction,
        waits_first: impl FnOnce() -> bool,
        mut call: impl FnMut(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        let mut deadline = Deadline::new(&self.mode, direction);
        let turn = &desc.side(direction).turn;
        let Some(_turn) = turn.take_until(WaitReason::IoWait, || deadline.get()) else {
            return Err(io::Error::from_raw_os_error(libc::EAGAIN));
        };
        // If the time is over then, there is one attempt: nobody may have asked the kernel.
        let over = waits_first() && wait(desc, direction, deadline.get()) == Waited::TimedOut;
        loop {
            let answer = attempt(&self.std, &mut call);
            if !would_block(&answer)
                || over
                || wait(desc, direction, deadline.get()) == Waited::TimedOut
            {
                return answer;
            }
        }
    }

    #[cold]
    fn run_on_thread<R>(
        &self,
        direction: Direction,
        mut call: impl FnMut(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        let mut deadline = Deadline::new(&self.mode, direction);
        loop {
            let answer = attempt(&self.std, &mut call);
            if !would_block(&answer) || !self.wait_on_thread(direction, deadline.get()) {
                return answer;
            }
        }
    }

    /// Returns `false` if the time is over.
    fn wait_on_thread(&self, direction: Direction, deadline: Option<Nanos>) -> bool {
        let left = deadline.map(|when| when.saturating_sub(nanotime()));
        if left == Some(0) {
            return false;
        }
        let (fd, to_write) = (self.std.as_fd(), direction == Direction::Write);
        blocking(|| wait_on_thread(fd, to_write, left.map(Duration::from_nanos)));
        true
    }

    /// Waits until it may be ready. Returns `false` if `deadline` has passed. By one goroutine at a
    /// time.
    pub(crate) fn wait(&self, direction: Direction, deadline: Option<Nanos>) -> bool {
        match self.desc_of_goroutine() {
            Some(desc) => wait(desc, direction, deadline) == Waited::Ready,
            None => self.wait_on_thread(direction, deadline),
        }
    }
}

impl<S: AsFd + From<OwnedFd>> Socket<S> {
    /// What the kernel has just made for us; it never blocks.
    pub(crate) fn of(fd: OwnedFd) -> Socket<S> {
        Socket::new(S::from(fd))
    }
}

fn would_block<R>(answer: &io::Result<R>) -> bool {
    matches!(answer, Err(e) if e.kind() == io::ErrorKind::WouldBlock)
}

/// Computed when a call has to wait for the first time: most do not.
struct Deadline<'a> {
    mode: &'a Mode,
    direction: Direction,
    known: Option<Option<Nanos>>,
}

impl<'a> Deadline<'a> {
    fn new(mode: &'a Mode, direction: Direction) -> Deadline<'a> {
        Deadline {
            mode,
            direction,
            known: None,
        }
    }

    fn get(&mut self) -> Option<Nanos> {
        let (mode, direction) = (self.mode, self.direction);
        *self.known.get_or_insert_with(|| mode.deadline(direction))
    }
}

//! What the poller knows of one descriptor. In a table that never moves and never shrinks, so an
//! event that comes late finds a record, and the number in its token says that it is stale.
//!
//! Go: netpoll.go pollDesc, pollCache; netpoll_epoll.go netpollopen, netpollclose.
#![forbid(unsafe_code)]

use std::io;
use std::mem::offset_of;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::base::owner_cell::{OwnerCell, OwnerRef};
use crate::core::g::goroutine::{G, GRef};
use crate::core::g::status::Enqueue;
use crate::core::m::enter::enter;
use crate::core::sched::schedt::SCHED;
use crate::core::sys::lock::RawLock;
use crate::ext::linux::epoll::{self, Event};
use crate::ext::linux::stable_vec::Table;
use crate::ext::locks::turn::{Runs, Turn};
use crate::ext::net::drained::Drained;
use crate::ext::net::readiness::Readiness;
use crate::ext::plain_threads::park_thread::wake;

/// No two share a cache line.
#[repr(align(128))]
#[derive(Debug)]
pub(crate) struct PollDesc {
    pub(crate) read: Side,
    pub(crate) write: Side,
    /// Of the reading side.
    pub(crate) drained: Drained,
    index: u32,
    /// Goes up when the record passes to another descriptor. Go: fdseq.
    seq: AtomicU32,
    fd: OwnerCell<i32>,
    /// The next free record, and one more; under the lock of [`FREE`].
    next_free: OwnerCell<u32>,
}

/// One direction.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) ready: Readiness,
    /// Who waits. Written by the waiter before the word says so, and not changed until it was woken.
    pub(crate) waiter: OwnerRef<G>,
    pub(crate) turn: Turn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

static ALL: Table<PollDesc> = Table::new();
/// Records without a descriptor, as numbers from 1 on: the first.
static FREE: OwnerCell<u32> = OwnerCell::zero();
/// Guards [`FREE`], and the growth of [`ALL`].
static LOCK: RawLock = RawLock::new();

/// As many as there are sockets: no field without need.
const _: () = assert!(size_of::<PollDesc>() == 128);

impl Side {
    fn new() -> Side {
        Side {
            ready: Readiness::new(),
            waiter: OwnerRef::none(),
            turn: Turn::new(Runs::Next),
        }
    }

    /// An event. The waiter, if the caller has to put it into a queue.
    pub(crate) fn event(&self) -> Option<GRef> {
        if !self.ready.set() {
            return None;
        }
        self.waiter.get().filter(|g| wake(g) == Enqueue::Mine)
    }
}

impl PollDesc {
    fn new(index: u32) -> PollDesc {
        PollDesc {
            read: Side::new(),
            write: Side::new(),
            drained: Drained::new(),
            index,
            seq: AtomicU32::new(0),
            fd: OwnerCell::zero(),
            next_free: OwnerCell::zero(),
        }
    }

    pub(crate) fn index(&self) -> u32 {
        self.index
    }

    pub(crate) fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }

    fn token(&self) -> u64 {
        u64::from(self.seq.load(Relaxed)) << 32 | u64::from(self.index)
    }
}

/// The record with this number.
pub(crate) fn by_index(index: u32) -> Option<&'static PollDesc> {
    ALL.slots().get(index as usize)
}

/// The record that `event` is meant for. One whose descriptor was closed meanwhile is passed over; if
/// it is closed and used again right now, the next one is told that it may be ready, and looks.
pub(crate) fn meant_by(event: &Event) -> Option<&'static PollDesc> {
    by_index(event.token as u32).filter(|desc| desc.token() == event.token)
}

/// Where the descriptor's number is, for a goroutine that waits for a record or for a turn of it.
pub(crate) const fn place_of_fd(what: usize) -> usize {
    what - what % align_of::<PollDesc>() + offset_of!(PollDesc, fd)
}

fn take_record() -> &'static PollDesc {
    let rt = enter();
    let _guard = rt.lock(&LOCK);
    let all = ALL.slots();
    if let Some(first) = FREE.get().checked_sub(1)
        && let Some(desc) = all.get(first as usize)
    {
        FREE.set(desc.next_free.get());
        return desc;
    }
    let index = all.len();
    ALL.push(PollDesc::new(index as u32));
    &ALL.slots()[index]
}

fn give_record(desc: &'static PollDesc) {
    let rt = enter();
    let _guard = rt.lock(&LOCK);
    desc.next_free.set(FREE.get());
    FREE.set(desc.index + 1);
}

/// All records, those without a descriptor, and how many sides are in use: somebody waits or has the turn.
/// For tests.
pub(crate) fn counts() -> (usize, usize, usize) {
    let sides = ALL
        .slots()
        .iter()
        .flat_map(|desc| [&desc.read, &desc.write]);
    let used = sides.filter(|side| side.ready.is_waited_for() || !side.turn.is_free());
    let used = used.count();
    let rt = enter();
    let _guard = rt.lock(&LOCK);
    let (all, mut free, mut next) = (ALL.slots(), 0, FREE.get());
    while let Some(desc) = next
        .checked_sub(1)
        .and_then(|index| all.get(index as usize))
    {
        free += 1;
        next = desc.next_free.get();
    }
    (all.len(), free, used)
}

/// A descriptor that the poller watches, until this is dropped: before the descriptor is closed.
pub(crate) struct Watched(&'static PollDesc);

impl Watched {
    /// An error: the kernel cannot watch it (it is a file), or has no room.
    pub(crate) fn new(fd: BorrowedFd<'_>) -> io::Result<Watched> {
        let is_first = epoll::opened().is_none();
        let epoll = epoll::open()?;
        if is_first {
            // An M that sleeps for timers sleeps on its note: `README.md#the-first-socket`.
            SCHED.timer_waiter.look_again();
        }
        let desc = take_record();
        desc.fd.set(fd.as_raw_fd());
        desc.read.ready.reset();
        desc.write.ready.reset();
        desc.drained.reset();
        match epoll.add(fd, desc.token()) {
            Ok(()) => Ok(Watched(desc)),
            Err(e) => {
                give_record(desc);
                Err(e)
            }
        }
    }

    #[inline]
    pub(crate) fn desc(&self) -> &'static PollDesc {
        self.0
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let desc = self.0;
        if let Some(epoll) = epoll::opened() {
            epoll.remove(desc.fd.get());
        }
        desc.seq.fetch_add(1, Relaxed);
        give_record(desc);
    }
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watched({})", self.0.fd.get())
    }
}

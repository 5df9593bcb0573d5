//! The G: one block for a goroutine's state, identity and closure.
//!
//! Gs are never freed, only recycled, so a [`GRef`] can always be read: a stale one sees another
//! goroutine, never freed memory. For that reason all fields are atomics; Relaxed accesses cost
//! the same as plain ones. The owner of the G writes its fields; a field that another thread may
//! write says so.
//!
//! Go: runtime2.go g.
#![forbid(unsafe_code)]

use std::panic::Location;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize};

use crate::core::base::atomic_ref::AtomicRef;
use crate::core::g::closure::ClosureCell;
use crate::core::g::incarnation::AtomicIncarnation;
use crate::core::g::panics::PanicWord;
use crate::core::g::status::Status;
use crate::core::g::wait_reason::WaitReason;
use crate::core::g::wait_round::{WaitId, WaitRound};
use crate::core::hooks::RuntimeTimer;
use crate::core::stackalloc::Slot;
use crate::core::stackalloc::StackSpec;
use crate::core::sys::clock::coarse_seconds;
use crate::core::sys::lock::RawLock;
use crate::core::sys::note::Note;

/// A handle to a G: what queues and wait lists hold.
pub(crate) type GRef = &'static G;

/// What this G is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Goroutine = 0,
    /// A foreign thread that blocks on one of our primitives: it has a G to wait in.
    Thread = 1,
}

#[repr(C, align(64))]
#[derive(Debug)]
pub(crate) struct G {
    // Changed only through `core/g/status.rs`.
    pub(crate) status: Status,
    // Written by the owner (the M it runs on, or the spawner).
    kind: AtomicU8,
    reason: AtomicU8,
    /// `lock_os_thread` count.
    pub(crate) locked_count: AtomicU16,
    /// When it last parked, by the coarse clock.
    pub(crate) since: AtomicU32,
    /// The reasons why it must run on `last_m`, if there are any: see
    /// `ext/thread_locals/tls_guard.rs`.
    pub(crate) stay: AtomicU8,
    /// A `StackSpec`: what stack it was promised at its spawn.
    stack_spec: AtomicU8,
    /// Whether it is in a panic: see `core/g/panics.rs`.
    pub(crate) panics: PanicWord,
    /// Next in the one list this G is in; written by the list's owner.
    pub(crate) link: AtomicRef<G>,
    /// The stack it runs on, as the arena knows it; none before the first run. Grown: the last
    /// segment, and the others through its link (`ext/growth/segment.rs`).
    pub(crate) stack: AtomicRef<Slot>,
    /// The coroutine's control block on that stack; 0 without one. See `core/g/context.rs`.
    pub(crate) block: AtomicUsize,
    pub(crate) wait_round: WaitRound,
    /// The address of what it waits for, for dumps; 0 = unknown.
    pub(crate) waits_for: AtomicUsize,
    pub(crate) id: AtomicU64,
    /// The thread it last ran on, which may have ended since.
    pub(crate) last_m: AtomicIncarnation,
    /// The M it is locked to by `lock_os_thread`, + 1; 0 = none. A thread does not end while a
    /// goroutine is locked to it, so the number cannot be another's.
    pub(crate) locked_m: AtomicU32,
    /// The M in whose signal handler it was stopped, + 1. Stays after that: the status says
    /// whether it means anything. When it does, the thread sleeps in the handler: not another's.
    pub(crate) bound_m: AtomicU32,
    /// Wakes a foreign thread (`Kind::Thread`).
    pub(crate) note: Note,
    // Identity: written by the spawner, and by the goroutine itself.
    pub(crate) parent: AtomicU64,
    pub(crate) spawned_at: AtomicRef<Location<'static>>,
    /// `Arc<Identity>` as a raw pointer; see `ext/diagnostics/identity_table.rs`.
    pub(crate) identity: AtomicUsize,
    /// Guards `identity` between a dump that reads the name and the goroutine's end.
    pub(crate) identity_lock: RawLock,
    /// `goroutine_local!` storage of this goroutine; see `api/thread/local.rs`.
    pub(crate) locals: AtomicUsize,
    /// The deadline it waits for: armed and stopped by the goroutine itself.
    pub(crate) timer: RuntimeTimer<G>,
    pub(crate) closure: ClosureCell,
}

/// A million Gs take a quarter of a GiB, so every field must be necessary.
const _: () = assert!(cfg!(loom) || size_of::<G>() == 256);

impl G {
    pub(crate) fn new() -> G {
        G {
            status: Status::dead(),
            kind: AtomicU8::new(Kind::Goroutine as u8),
            reason: AtomicU8::new(0),
            locked_count: AtomicU16::new(0),
            since: AtomicU32::new(0),
            stay: AtomicU8::new(0),
            stack_spec: AtomicU8::new(0),
            panics: PanicWord::new(),
            link: AtomicRef::none(),
            stack: AtomicRef::none(),
            block: AtomicUsize::new(0),
            wait_round: WaitRound::new(),
            waits_for: AtomicUsize::new(0),
            id: AtomicU64::new(0),
            last_m: AtomicIncarnation::none(),
            locked_m: AtomicU32::new(0),
            bound_m: AtomicU32::new(0),
            identity_lock: RawLock::new(),
            parent: AtomicU64::new(0),
            spawned_at: AtomicRef::none(),
            identity: AtomicUsize::new(0),
            locals: AtomicUsize::new(0),
            timer: RuntimeTimer::new(),
            note: Note::new(),
            closure: ClosureCell::empty(),
        }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id.load(Relaxed)
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.kind.load(Relaxed) {
            1 => Kind::Thread,
            _ => Kind::Goroutine,
        }
    }

    #[inline]
    pub(crate) fn is_thread(&self) -> bool {
        self.kind.load(Relaxed) == Kind::Thread as u8
    }

    pub(crate) fn set_kind(&self, kind: Kind) {
        self.kind.store(kind as u8, Relaxed);
    }

    pub(crate) fn reason(&self) -> WaitReason {
        WaitReason::from_u8(self.reason.load(Relaxed))
    }

    /// Called by the goroutine itself, before it publishes the waiter. See `core/g/status.rs`.
    #[inline]
    pub(crate) fn announce_park(&self, reason: WaitReason) {
        self.announce_park_for(reason, 0);
    }

    /// As [`G::announce_park`], and says in dumps what for: by its address.
    #[inline]
    pub(crate) fn announce_park_for(&self, reason: WaitReason, what: usize) {
        self.reason.store(reason as u8, Relaxed);
        self.waits_for.store(what, Relaxed);
        self.since.store(coarse_seconds(), Relaxed);
        self.status.announce_park();
    }

    /// The class of the stack that it gets at its first run.
    pub(crate) fn stack_spec(&self) -> StackSpec {
        StackSpec::from_u8(self.stack_spec.load(Relaxed))
    }

    /// Called by the spawner.
    pub(crate) fn set_stack_spec(&self, word: StackSpec) {
        self.stack_spec.store(word.as_u8(), Relaxed);
    }

    /// Opens a round of claims: for waits with several possible wakers.
    pub(crate) fn open_round(&self) -> WaitId {
        self.wait_round.open()
    }

    pub(crate) fn same(&self, other: &G) -> bool {
        std::ptr::eq(self, other)
    }
}

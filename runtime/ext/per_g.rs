//! The fields of a G for the extras, which use them as if they were the G's own fields.
#![forbid(unsafe_code)]

use std::panic::Location;
use std::sync::atomic::AtomicUsize;

use crate::core::base::m_id::AtomicMId;
use crate::core::base::owner_cell::{OwnerCell, OwnerRef};
use crate::core::g::goroutine::G;
use crate::core::sys::lock::RawLock;
use crate::core::sys::note::Note;
use crate::ext::diagnostics::panics::PanicWord;
use crate::ext::kind::Kind;
use crate::ext::linux::coarse::coarse_seconds;
use crate::ext::stackalloc::StackSpec;
use crate::ext::threads::incarnation::AtomicIncarnation;
use crate::ext::timers::runtime_timer::RuntimeTimer;

/// The first 16 bytes share a cache line with the G's status.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct GExt {
    // Written by the owner (the M it runs on, or the spawner).
    /// The reasons why it must run on `last_m`, if there are any (`ext/thread_locals/tls_guard.rs`),
    /// and whether what it does is recorded.
    pub(crate) stay: OwnerCell<u16>,
    kind: OwnerCell<u8>,
    /// A `StackSpec`: what stack it was promised at its spawn.
    stack_spec: OwnerCell<u8>,
    /// When it last parked, by the coarse clock.
    pub(crate) since: OwnerCell<u32>,
    /// The address of what it waits for, for dumps; 0 = unknown.
    pub(crate) waits_for: OwnerCell<usize>,
    /// The thread it last ran on, which may have ended since.
    pub(crate) last_m: AtomicIncarnation,
    /// The M it is locked to by `lock_os_thread`. A thread does not end while a goroutine is locked
    /// to it, so the number cannot be another's.
    pub(crate) locked_m: AtomicMId,
    /// The M in whose signal handler it was stopped. Stays after that: the status says whether it
    /// means anything. When it does, the thread sleeps in the handler: not another's.
    pub(crate) bound_m: AtomicMId,
    /// `lock_os_thread` count.
    pub(crate) locked_count: OwnerCell<u16>,
    /// Whether it is in a panic: see `ext/diagnostics/panics.rs`.
    pub(crate) panics: PanicWord,
    /// Wakes a plain OS thread (`Kind::Thread`).
    pub(crate) note: Note,
    // Identity: written by the spawner, and by the goroutine itself.
    pub(crate) parent: OwnerCell<u64>,
    pub(crate) spawned_at: OwnerRef<Location<'static>>,
    /// `Arc<Identity>` as a raw pointer; see `ext/diagnostics/identity_table.rs`.
    pub(crate) identity: AtomicUsize,
    /// Guards `identity` between a dump that reads the name and the goroutine's end.
    pub(crate) identity_lock: RawLock,
    /// How often it was started or made ready, while that was recorded (`ext/trace/`).
    pub(crate) moves: OwnerCell<u32>,
    /// `goroutine_local!` storage of this goroutine; see `api/thread/local.rs`.
    pub(crate) locals: OwnerCell<usize>,
    /// The deadline it waits for: armed and stopped by the goroutine itself.
    pub(crate) timer: RuntimeTimer<G>,
}

/// A million Gs are a quarter of a GiB: no field without need.
const _: () = assert!(size_of::<G>() == 256);

impl GExt {
    pub(crate) fn new() -> GExt {
        GExt {
            stay: OwnerCell::zero(),
            kind: OwnerCell::<u8>::new(Kind::Goroutine as u8),
            stack_spec: OwnerCell::zero(),
            since: OwnerCell::zero(),
            waits_for: OwnerCell::zero(),
            last_m: AtomicIncarnation::none(),
            locked_m: AtomicMId::none(),
            bound_m: AtomicMId::none(),
            locked_count: OwnerCell::zero(),
            panics: PanicWord::new(),
            note: Note::new(),
            parent: OwnerCell::zero(),
            spawned_at: OwnerRef::none(),
            identity: AtomicUsize::new(0),
            identity_lock: RawLock::new(),
            moves: OwnerCell::zero(),
            locals: OwnerCell::zero(),
            timer: RuntimeTimer::new(),
        }
    }

    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        match self.kind.get() {
            1 => Kind::Thread,
            _ => Kind::Goroutine,
        }
    }

    #[inline]
    pub(crate) fn is_thread(&self) -> bool {
        self.kind.get() == Kind::Thread as u8
    }

    #[inline]
    pub(crate) fn set_kind(&self, kind: Kind) {
        self.kind.set(kind as u8);
    }

    /// It is about to park, on something at this address.
    #[inline]
    pub(crate) fn note_wait(&self, what: usize) {
        self.waits_for.set(what);
        self.since.set(coarse_seconds());
    }

    #[inline]
    pub(crate) fn stack_spec(&self) -> StackSpec {
        StackSpec::from_u8(self.stack_spec.get())
    }

    #[inline]
    pub(crate) fn set_stack_spec(&self, word: StackSpec) {
        self.stack_spec.set(word.as_u8());
    }
}

//! Handles to goroutines: id, name, unpark; and the functions about the current goroutine.
//!
//! On a plain OS thread `current`, `park` and `unpark` work as well, with an identity of this
//! crate. It is not std's identity, and its park token is not std's token.
#![forbid(unsafe_code)]

use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use crate::api::thread::foreign_thread::plain_identity;
use crate::api::thread::panic::this_goroutine;
use crate::api::thread::parker;
use crate::core::g::wait_reason::WaitReason;
use crate::core::sys::clock::Nanos;
use crate::ext::diagnostics::identity::Identity;
use crate::ext::diagnostics::identity_table::{borrow_identity, my_identity};
use crate::ext::timers::instant::nanos_after;

/// A handle to a goroutine (or to a plain thread that asked for its own).
///
/// # Examples
/// ```
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let me = gosched::thread::current();
///     gosched::thread::spawn(move || me.unpark());
///     gosched::thread::park();
/// }) };
/// ```
#[derive(Clone)]
#[repr(transparent)] // `join.rs` relies on it
pub struct Thread(Arc<Identity>);

/// Names a goroutine for the life of the process. Go prints it as `goroutine N`.
///
/// # Examples
/// ```
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let me = gosched::thread::current().id();
///     let other = gosched::thread::spawn(|| gosched::thread::current().id()).join().unwrap();
///     assert_ne!(me, other);
/// }) };
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ThreadId(NonZeroU64);

impl fmt::Debug for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ThreadId").field(&self.0).finish()
    }
}

impl ThreadId {
    /// The number that dumps and reports show.
    ///
    /// # Examples
    /// See [`ThreadId`].
    #[must_use]
    pub fn as_u64(&self) -> u64 {
        self.0.get()
    }
}

impl Thread {
    /// Its id. Ids are never used twice; they are handed out in blocks, so they are not dense.
    ///
    /// # Examples
    /// See [`ThreadId`].
    #[must_use]
    pub fn id(&self) -> ThreadId {
        let id = self.number();
        ThreadId(NonZeroU64::new(id).unwrap_or(NonZeroU64::MAX))
    }

    pub(crate) fn number(&self) -> u64 {
        self.0.id.get()
    }

    /// The name given to it by `Builder::name`.
    ///
    /// # Examples
    /// See [`Builder`](crate::thread::Builder).
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Makes the goroutine's token available, and wakes it if it is in [`park`].
    ///
    /// # Examples
    /// See [`Thread`].
    #[doc(alias = "goready")]
    pub fn unpark(&self) {
        parker::unpark(&self.0);
    }
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Thread")
            .field("id", &self.id())
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

fn identity() -> Arc<Identity> {
    match this_goroutine() {
        Some(g) => my_identity(g),
        None => plain_identity(),
    }
}

/// The calling goroutine's handle.
///
/// # Examples
/// See [`Thread`].
#[must_use]
pub fn current() -> Thread {
    Thread(identity())
}

/// Waits until the calling goroutine's token is available, and takes it.
///
/// As std's, it may come back early for no reason; ours does not, but do not rely on it.
///
/// # Examples
/// See [`Thread`].
#[doc(alias = "gopark")]
pub fn park() {
    wait(None);
}

/// As [`park`], but for no longer than `dur`.
///
/// # Examples
/// ```
/// use std::time::{Duration, Instant};
///
/// let start = Instant::now();
/// gosched::thread::park_timeout(Duration::from_millis(1));
/// assert!(start.elapsed() >= Duration::from_millis(1));
/// ```
pub fn park_timeout(dur: Duration) {
    wait(Some(nanos_after(dur)));
}

fn wait(deadline: Option<Nanos>) {
    match this_goroutine() {
        Some(g) => parker::wait(&borrow_identity(g), WaitReason::Park, deadline),
        None => parker::wait(&plain_identity(), WaitReason::Park, deadline),
    }
}

/// Lets other goroutines run: the caller goes to the tail of the global queue.
///
/// On a plain thread, yields the CPU.
///
/// # Examples
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
/// static RAN: AtomicBool = AtomicBool::new(false);
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     gosched::go(|| RAN.store(true, Relaxed));
///     while !RAN.load(Relaxed) {
///         gosched::thread::yield_now();
///     }
/// }) };
/// ```
///
/// Go: runtime.Gosched
#[doc(alias = "Gosched")]
pub fn yield_now() {
    crate::core::sched::park::yield_now();
}

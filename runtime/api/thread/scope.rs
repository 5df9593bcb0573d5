//! Goroutines that borrow from their parent's stack, as with `std::thread::scope`.
//!
//! Invariant: `scope` does not return, not even by a panic, before the last goroutine spawned in
//! it has ended and the results that were not joined are dropped. `scope_count.rs` counts the
//! goroutines. Handles live inside the scope, so a result that a handle drops is also dropped
//! before the scope returns.
#![allow(
    unsafe_code,
    reason = "shortens lifetimes that the scope's end enforces"
)]

use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use crate::api::thread::handle::Thread;
use crate::api::thread::join::{Packet, Result};
use crate::api::thread::local::end_locals;
use crate::api::thread::scope_count::ScopeCount;
use crate::api::thread::spawn::Builder;
use crate::core::g::wait_reason::WaitReason;

/// Alive as long as any goroutine of the scope.
struct Shared {
    count: ScopeCount,
    panicked: AtomicBool,
}

/// A scope to spawn borrowing goroutines in; see [`scope`].
///
/// # Examples
/// See [`scope`].
pub struct Scope<'scope, 'env: 'scope> {
    shared: Arc<Shared>,
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

/// The right to wait for a goroutine of a scope.
///
/// # Examples
/// See [`ScopedJoinHandle::join`].
pub struct ScopedJoinHandle<'scope, T> {
    packet: Arc<ScopedPacket<T>>,
    /// The goroutine's own: its result is the unit, and nobody waits for it.
    own: Arc<Packet<()>>,
    scope: PhantomData<&'scope ()>,
}

/// A goroutine's packet; its last holder drops a result that was not joined.
struct ScopedPacket<T> {
    packet: Packet<T>,
    shared: Arc<Shared>,
}

impl<T> Drop for ScopedPacket<T> {
    fn drop(&mut self) {
        if self.packet.panicked_unjoined() {
            // Published by the count of the goroutine that drops this, if it is not the parent.
            self.shared.panicked.store(true, Relaxed);
        }
    }
}

/// Runs `f` with a scope in which goroutines may borrow what lives around the call; waits for
/// all of them before it returns. [Which one when?](crate::thread#which-way-to-start-a-goroutine)
///
/// # Panics
/// If a goroutine of the scope that was not joined panicked.
///
/// # Examples
/// ```
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let mut numbers = vec![1, 2, 3];
///     gosched::thread::scope(|s| {
///         s.spawn(|| numbers.push(4));
///     });
///     assert_eq!(numbers.len(), 4);
/// }) };
/// ```
#[track_caller]
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let scope = Scope {
        shared: Arc::new(Shared {
            count: ScopeCount::new(),
            panicked: AtomicBool::new(false),
        }),
        scope: PhantomData,
        env: PhantomData,
    };
    let result = catch_unwind(AssertUnwindSafe(|| f(&scope)));
    scope.shared.count.wait();
    match result {
        Err(payload) => resume_unwind(payload),
        Ok(_) if scope.shared.panicked.load(Relaxed) => panic!("a scoped thread panicked"),
        Ok(value) => value,
    }
}

impl<'scope> Scope<'scope, '_> {
    /// Spawns a goroutine in the scope.
    ///
    /// # Panics
    /// If the runtime has not been started.
    ///
    /// # Examples
    /// See [`scope`].
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        Builder::new()
            .spawn_scoped(self, f)
            .expect("failed to spawn a goroutine")
    }
}

impl Builder {
    /// Spawns a goroutine in a scope.
    ///
    /// # Errors
    /// If the stack size is above 1 GiB.
    ///
    /// # Panics
    /// If the runtime has not been started.
    ///
    /// # Examples
    /// ```
    /// # // SAFETY: nothing here is tied to an OS thread.
    /// unsafe { gosched::run(|| {
    ///     let word = String::from("gopher");
    ///     let length = gosched::thread::scope(|s| {
    ///         let deep = gosched::thread::Builder::new().stack_size(1 << 20);
    ///         deep.spawn_scoped(s, || word.len()).unwrap().join().unwrap()
    ///     });
    ///     assert_eq!(length, 6);
    /// }) };
    /// ```
    #[track_caller]
    pub fn spawn_scoped<'scope, F, T>(
        self,
        scope: &'scope Scope<'scope, '_>,
        f: F,
    ) -> std::io::Result<ScopedJoinHandle<'scope, T>>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let packet = Arc::new(ScopedPacket {
            packet: Packet::new(),
            shared: Arc::clone(&scope.shared),
        });
        let theirs = Arc::clone(&packet);
        let counted = Counted(Arc::clone(&scope.shared));
        scope.shared.count.one_more();
        let body = move || {
            let counted = counted; // dropped last
            let theirs = theirs;
            let result = catch_unwind(AssertUnwindSafe(f));
            end_locals();
            theirs.packet.finish(result);
            drop(theirs);
            drop(counted);
        };
        let own = Arc::new(Packet::new());
        // SAFETY: `scope` waits for `counted`'s end, which is the last thing in the goroutine
        // that knows F or T.
        unsafe { self.start(Arc::clone(&own), body) }?;
        Ok(ScopedJoinHandle {
            packet,
            own,
            scope: PhantomData,
        })
    }
}

/// Held by a goroutine of the scope until all that borrows is gone. If the goroutine is never
/// started it is dropped with the closure, which is as good.
struct Counted(Arc<Shared>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.count.one_ended();
    }
}

impl<T> ScopedJoinHandle<'_, T> {
    pub(crate) fn packet(&self) -> &Packet<T> {
        &self.packet.packet
    }

    /// Waits for the goroutine to end.
    ///
    /// # Errors
    /// The payload of its panic, if it panicked.
    ///
    /// # Panics
    /// If the handle was awaited to its end before.
    ///
    /// # Examples
    /// ```
    /// # // SAFETY: nothing here is tied to an OS thread.
    /// unsafe { gosched::run(|| {
    ///     let words = ["to", "be"];
    ///     let n = gosched::thread::scope(|s| {
    ///         let counts = words.map(|word| s.spawn(|| word.len()));
    ///         counts.map(|count| count.join().unwrap()).iter().sum::<usize>()
    ///     });
    ///     assert_eq!(n, 4);
    /// }) };
    /// ```
    #[track_caller]
    pub fn join(self) -> Result<T> {
        self.packet().wait(WaitReason::Join, self.own.place.id());
        self.packet().take()
    }

    /// Whether its closure has ended.
    ///
    /// # Examples
    /// See [`JoinHandle::is_finished`](crate::thread::JoinHandle::is_finished).
    pub fn is_finished(&self) -> bool {
        self.packet().is_done()
    }

    /// Its handle.
    ///
    /// # Examples
    /// See [`JoinHandle::thread`](crate::thread::JoinHandle::thread).
    #[must_use]
    pub fn thread(&self) -> &Thread {
        self.own.thread()
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("alive", &self.shared.count.alive())
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle")
            .field("thread", self.thread())
            .finish_non_exhaustive()
    }
}

//! The state that a joinable goroutine and its handle share: the result, and the one that waits
//! for it.
//!
//! The protocol is in `join_word.rs`: it says whose the two cells are.
#![allow(
    unsafe_code,
    reason = "the cells of result and waker pass from hand to hand by the word"
)]

use std::any::Any;
use std::cell::UnsafeCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;
use std::task::Waker;

use crate::api::thread::goexit::is_goexit;
use crate::api::thread::handle::Thread;
use crate::api::thread::join_word::{Forgot, JoinWord};
use crate::core::g::wait_reason::WaitReason;
use crate::core::m::enter::enter;
use crate::core::sys::fatal::fatal;
use crate::ext::diagnostics::identity::{Identity, Place};

/// What a goroutine ended with: its value, or the payload of its panic.
///
/// # Examples
/// See [`JoinHandle::join`].
pub type Result<T> = std::result::Result<T, Box<dyn Any + Send + 'static>>;

/// Shared by the goroutine and its handle.
pub(crate) struct Packet<T> {
    word: JoinWord,
    waker: UnsafeCell<Option<Waker>>,
    result: UnsafeCell<Option<Result<T>>>,
    /// The last field: what is dropped before may ask who the goroutine is.
    pub(crate) place: Place,
}

// SAFETY: the cell is written by the goroutine before DONE (Release) and read by the one handle
// after DONE (Acquire); T: Send moves between them. The waker's cell is touched by the handle
// while the word is RUNNING, and by the one who takes the word from AWAITED.
unsafe impl<T: Send> Sync for Packet<T> {}

impl<T> Packet<T> {
    pub(crate) fn new() -> Packet<T> {
        Packet {
            word: JoinWord::new(),
            waker: UnsafeCell::new(None),
            result: UnsafeCell::new(None),
            place: Place::new(),
        }
    }

    /// The goroutine's handle. After the spawn.
    pub(crate) fn thread(&self) -> &Thread {
        let identity = ptr::from_ref::<Arc<Identity>>(self.place.identity());
        // SAFETY: alive as long as `self`; a `Thread` is an `Arc<Identity>` and nothing else.
        unsafe { &*identity.cast::<Thread>() }
    }

    /// By the goroutine, at its end, once.
    pub(crate) fn finish(&self, result: Result<T>) {
        let failed = result.is_err();
        // SAFETY: not DONE yet, so the cell is the goroutine's.
        unsafe { *self.result.get() = Some(result) };
        if failed {
            enter().current().panics.over(); // caught, if it was a panic
        }
        if self.word.finish() {
            self.wake();
        }
    }

    /// By the goroutine at its root: a panic has nowhere to go from there.
    #[cold]
    fn wake(&self) {
        // SAFETY: the word was taken from AWAITED, so the cell is the caller's.
        let waker = unsafe { (*self.waker.get()).take() };
        let woken = catch_unwind(AssertUnwindSafe(|| waker.map(Waker::wake)));
        if woken.is_err() {
            fatal!("the waker of a joining task panicked");
        }
    }

    /// Is it done? If not, the end of it calls `waker`, and no other that was given before. By
    /// the handle's owner.
    pub(crate) fn poll(&self, waker: &Waker) -> bool {
        if self.is_done() || !self.forget_waker() {
            return true;
        }
        let waker = waker.clone();
        // SAFETY: the word is RUNNING or DONE, and no waker is published: the cell is the
        // handle's.
        unsafe { *self.waker.get() = Some(waker) };
        let published = self.word.publish_waker();
        if !published {
            // SAFETY: DONE, and the waker was not published: the cell is the handle's.
            let unused = unsafe { (*self.waker.get()).take() };
            drop(unused);
        }
        !published
    }

    /// Takes back the waker of the last poll; `false` if the goroutine has ended. By the handle's
    /// owner.
    fn forget_waker(&self) -> bool {
        match self.word.forget_waker() {
            Forgot::Waker => {
                // SAFETY: the word was taken from AWAITED, so the cell is the caller's.
                let waker = unsafe { (*self.waker.get()).take() };
                drop(waker); // may run code of the executor's
                true
            }
            Forgot::Nothing => true,
            Forgot::Ended => false,
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.word.is_done()
    }

    /// Waits for the end of the goroutine with this number, if there is one. By the handle's owner.
    pub(crate) fn wait(&self, reason: WaitReason, whom: u64) {
        self.forget_waker();
        self.word.wait(reason, whom);
    }

    /// The result. By the handle's owner, after `is_done`, once.
    ///
    /// # Panics
    /// If it was taken before.
    #[track_caller]
    pub(crate) fn take(&self) -> Result<T> {
        assert!(self.is_done(), "the goroutine has not ended");
        // SAFETY: DONE: the cell is the handle's, which is not shared.
        unsafe { (*self.result.get()).take() }
            .expect("the goroutine's result was already taken by `.await`")
    }

    /// A panic (a `goexit` is none) that no handle has taken. By the packet's last owner.
    pub(crate) fn panicked_unjoined(&mut self) -> bool {
        matches!(self.result.get_mut(), Some(Err(payload)) if !is_goexit(&**payload))
    }
}

impl<T> Drop for Packet<T> {
    /// A result that was not taken is dropped by the last holder of the packet, maybe the
    /// goroutine at its root: a panic has nowhere to go from there.
    fn drop(&mut self) {
        let result = self.result.get_mut().take();
        if catch_unwind(AssertUnwindSafe(|| drop(result))).is_err() {
            fatal!("the result of a goroutine panicked when it was dropped");
        }
    }
}

/// The right to wait for a goroutine's end and to have its result. Dropping it detaches.
///
/// It is a future as well, so that a task of an executor can wait for a goroutine.
///
/// # Examples
/// See [`JoinHandle::join`].
///
/// std: `std::thread::JoinHandle`, which it follows.
pub struct JoinHandle<T> {
    pub(crate) packet: Arc<Packet<T>>,
}

impl<T> JoinHandle<T> {
    pub(crate) fn new(packet: Arc<Packet<T>>) -> JoinHandle<T> {
        JoinHandle { packet }
    }

    /// Waits for the goroutine to end.
    ///
    /// # Errors
    /// The payload of the goroutine's panic, if it panicked.
    ///
    /// # Panics
    /// If the handle was awaited to its end before.
    ///
    /// # Examples
    /// ```
    /// # // SAFETY: nothing here is tied to an OS thread.
    /// let sum = unsafe { gosched::run(|| {
    ///     let h = gosched::thread::spawn(|| 1 + 2);
    ///     h.join().unwrap()
    /// }) };
    /// assert_eq!(sum, 3);
    /// ```
    #[track_caller]
    pub fn join(self) -> Result<T> {
        self.packet.wait(WaitReason::Join, self.packet.place.id());
        self.packet.take()
    }

    /// Whether the goroutine's closure has ended; `join` would not block for long.
    ///
    /// # Examples
    /// ```
    /// # // SAFETY: nothing here is tied to an OS thread.
    /// unsafe { gosched::run(|| {
    ///     let h = gosched::thread::spawn(|| ());
    ///     while !h.is_finished() {
    ///         gosched::thread::yield_now();
    ///     }
    ///     h.join().unwrap(); // at once
    /// }) };
    /// ```
    pub fn is_finished(&self) -> bool {
        self.packet.is_done()
    }

    /// The goroutine's handle.
    ///
    /// # Examples
    /// ```
    /// # // SAFETY: nothing here is tied to an OS thread.
    /// unsafe { gosched::run(|| {
    ///     let h = gosched::thread::spawn(gosched::thread::park);
    ///     h.thread().unpark();
    ///     h.join().unwrap();
    /// }) };
    /// ```
    #[must_use]
    pub fn thread(&self) -> &Thread {
        self.packet.thread()
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle")
            .field("thread", self.thread())
            .finish_non_exhaustive()
    }
}

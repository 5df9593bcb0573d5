//! What a joinable goroutine and its handle share: the result, and who waits for it.
//!
//! The word: `RUNNING`, `JOINING` (the joiner's G stands beside it), `DONE` (the result is in
//! place and belongs to the handle). The goroutine writes the result before it swaps in `DONE`;
//! the joiner announces its park before it goes from `RUNNING` to `JOINING` by a CAS.
#![allow(
    unsafe_code,
    reason = "the result's cell passes from goroutine to joiner by the word"
)]

use std::any::Any;
use std::cell::UnsafeCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use crate::base::atomic_ref::AtomicRef;
use crate::g::goroutine::G;
use crate::g::reason::WaitReason;
use crate::m::enter::enter;
use crate::sched::park::park;
use crate::sched::ready::ready;
use crate::sys::fatal::fatal;
use crate::thread::exit::is_goexit;
use crate::thread::handle::Thread;

const RUNNING: u32 = 0;
const JOINING: u32 = 1;
const DONE: u32 = 2;

/// What a goroutine ended with: its value, or the payload of its panic.
pub type Result<T> = std::result::Result<T, Box<dyn Any + Send + 'static>>;

/// Shared by the goroutine and its handle.
pub(crate) struct Packet<T> {
    word: AtomicU32,
    joiner: AtomicRef<G>,
    result: UnsafeCell<Option<Result<T>>>,
}

// SAFETY: the cell is written by the goroutine before DONE (Release) and read by the one handle
// after DONE (Acquire); T: Send moves between them.
unsafe impl<T: Send> Sync for Packet<T> {}

impl<T> Packet<T> {
    pub(crate) fn new() -> Packet<T> {
        Packet {
            word: AtomicU32::new(RUNNING),
            joiner: AtomicRef::none(),
            result: UnsafeCell::new(None),
        }
    }

    /// By the goroutine, at its end, once.
    pub(crate) fn finish(&self, result: Result<T>) {
        // SAFETY: not DONE yet, so the cell is the goroutine's.
        unsafe { *self.result.get() = Some(result) };
        let rt = enter();
        // Release pairs(join): take's Acquire. Acquire pairs(join): the joiner's Release.
        if self.word.swap(DONE, AcqRel) == JOINING
            && let Some(g) = self.joiner.load(Relaxed)
        {
            ready(&rt, g);
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        // Acquire pairs(join): finish's Release.
        self.word.load(Acquire) == DONE
    }

    /// Waits for the end. By the handle's owner.
    pub(crate) fn wait(&self, reason: WaitReason) {
        while !self.is_done() {
            let rt = enter();
            let g = rt.current();
            self.joiner.store(Some(g), Relaxed);
            g.announce_park(reason);
            // Release pairs(join): finish's Acquire sees the joiner.
            if self
                .word
                .compare_exchange(RUNNING, JOINING, Release, Relaxed)
                .is_ok()
            {
                park(rt);
            } else {
                g.status.cancel_park();
            }
        }
    }

    /// The result. By the handle's owner, after `is_done`, once.
    ///
    /// # Panics
    /// If it was taken before.
    pub(crate) fn take(&self) -> Result<T> {
        assert!(self.is_done(), "the goroutine has not ended");
        // SAFETY: DONE: the cell is the handle's, which is not shared.
        unsafe { (*self.result.get()).take() }.expect("a result is taken once")
    }

    /// A panic (a `goexit` is none) that no handle has taken. By the packet's last owner.
    pub(crate) fn panicked_unjoined(&mut self) -> bool {
        matches!(self.result.get_mut(), Some(Err(payload)) if !is_goexit(&**payload))
    }
}

impl<T> Drop for Packet<T> {
    /// A result that nobody has taken is dropped by whoever lets go last, maybe the goroutine
    /// at its root: a panic has nowhere to go from there.
    fn drop(&mut self) {
        let result = self.result.get_mut().take();
        if catch_unwind(AssertUnwindSafe(|| drop(result))).is_err() {
            fatal!("the result of a goroutine panicked when it was dropped");
        }
    }
}

/// The right to wait for a goroutine's end and to have its result. Dropping it detaches.
///
/// std: `std::thread::JoinHandle`, which it follows.
pub struct JoinHandle<T> {
    packet: Arc<Packet<T>>,
    thread: Thread,
}

impl<T> JoinHandle<T> {
    pub(crate) fn new(packet: Arc<Packet<T>>, thread: Thread) -> JoinHandle<T> {
        JoinHandle { packet, thread }
    }

    /// Waits for the goroutine to end.
    ///
    /// # Errors
    /// The payload of the goroutine's panic, if it panicked.
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
    pub fn join(self) -> Result<T> {
        self.packet.wait(WaitReason::Join);
        self.packet.take()
    }

    /// Whether the goroutine's closure has ended; `join` would not block for long.
    pub fn is_finished(&self) -> bool {
        self.packet.is_done()
    }

    /// The goroutine's handle.
    pub fn thread(&self) -> &Thread {
        &self.thread
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle")
            .field("thread", &self.thread)
            .finish_non_exhaustive()
    }
}

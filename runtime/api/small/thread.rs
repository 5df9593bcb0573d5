//! `std::thread`'s names, for goroutines; of the core alone.
#![allow(
    unsafe_code,
    reason = "hands the closure to the scheduler, whose contract it keeps"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::{AcqRel, Acquire};
use std::sync::{Arc, OnceLock, PoisonError};

use crate::api::sync::mutex::Mutex;
use crate::api::sync::wait_group::WaitGroup;
use crate::core::g::goroutine::GRef;
use crate::core::g::wait_reason::WaitReason;
use crate::core::hooks::Birth;
use crate::core::m::enter::{enter, enter_to_wait};
use crate::core::sched::park;
use crate::core::sched::spawn::spawn as spawn_g;

pub use std::thread::Result;

/// What a goroutine leaves to who joins it.
#[derive(Debug)]
struct Packet<T> {
    result: Mutex<Option<Result<T>>>,
    end: WaitGroup,
}

/// The right to a goroutine's result.
#[derive(Debug)]
pub struct JoinHandle<T> {
    packet: Arc<Packet<T>>,
    thread: Thread,
}

/// Starts a goroutine.
///
/// # Panics
/// Before the first `run`.
#[track_caller]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let packet = Arc::new(Packet {
        result: Mutex::new(None),
        end: WaitGroup::new(),
    });
    packet.end.add(1);
    let (theirs, born) = (Arc::clone(&packet), Arc::new(OnceLock::new()));
    let body = move || {
        let result = catch_unwind(AssertUnwindSafe(f));
        *theirs.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        theirs.end.done();
    };
    // SAFETY: F and T are 'static; the body catches its own panics.
    let Ok(_) = unsafe { spawn_g(Birth(Some(Arc::clone(&born))), body) };
    let thread = born.get().map(|&(g, id)| Thread { g, id });
    JoinHandle {
        packet,
        thread: thread.expect("the spawn has said it"),
    }
}

impl<T> JoinHandle<T> {
    /// Waits for the goroutine's end.
    ///
    /// # Errors
    /// With its panic.
    pub fn join(self) -> Result<T> {
        self.packet.end.wait();
        let mut result = self
            .packet
            .result
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        result.take().expect("there is one handle")
    }

    /// The goroutine, to be unparked.
    #[must_use]
    pub fn thread(&self) -> &Thread {
        &self.thread
    }
}

/// A handle to a goroutine.
#[derive(Clone, Debug)]
pub struct Thread {
    g: GRef,
    id: u64,
}

/// The calling goroutine.
///
/// # Panics
/// On a plain thread.
#[must_use]
#[track_caller]
pub fn current() -> Thread {
    let g = enter().current();
    Thread { g, id: g.id() }
}

const EMPTY: u32 = 0;
/// Unparked, and has not noticed yet.
const TOKEN: u32 = 1;
const PARKED: u32 = 2;

/// Waits until the goroutine is unparked, or was before. May return without.
pub fn park() {
    let rt = enter_to_wait();
    let g = rt.current();
    g.announce_park(WaitReason::Park);
    // Release pairs(park-token): unpark's Acquire. Acquire pairs(park-token): its Release.
    match g.token.compare_exchange(EMPTY, PARKED, AcqRel, Acquire) {
        Ok(_) => park::park(rt),
        Err(_) => g.status.cancel_park(),
    }
    g.token.swap(EMPTY, Acquire); // pairs(park-token): unpark's Release
}

impl Thread {
    /// Ends the goroutine's [`park`], or its next one.
    pub fn unpark(&self) {
        if self.g.id() != self.id {
            return; // it has ended, and the G is another's
        }
        // Release pairs(park-token): park's Acquire. Acquire pairs(park-token): park's Release.
        if self.g.token.swap(TOKEN, AcqRel) == PARKED {
            park::ready(&enter(), self.g);
        }
    }
}

/// Lets others run.
pub fn yield_now() {
    park::yield_now();
}

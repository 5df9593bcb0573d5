//! One direction of a descriptor: is it ready, and does a goroutine wait for that?
//!
//! `NIL`: neither. `READY`: an event came that nobody has used. `WAITING`: a goroutine waits, and
//! its G stands beside the word. Three parties change the word: the *waiter* (there is one at a
//! time: `turn.rs`), whoever brings an *event*, and whoever runs the waiter's *timer*. The party that
//! takes `WAITING` out of the word owns the wake-up. So it happens once.
//!
//! ```text
//!            wait                    set (event): wakes
//!   NIL -------------> WAITING -----------------------------+
//!    ^ ^                  |  give_up (timer): wakes         |
//!    | +------------------+                                 v
//!    +------------------------------- take ------------- READY <-- set
//! ```
//!
//! No event is lost: `README.md#edge`. Go: netpoll.go pollDesc.rg, netpollblock, netpollunblock;
//! there the word itself holds the G, and has one more state for the way from the announcement to
//! the sleep.
#![forbid(unsafe_code)]

use crate::core::base::atomic::AtomicU32;
use crate::core::base::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

const NIL: u32 = 0;
const READY: u32 = 1;
const WAITING: u32 = 2;

/// See the file's header.
#[derive(Debug)]
pub(crate) struct Readiness(AtomicU32);

impl Readiness {
    pub(crate) fn new() -> Readiness {
        Readiness(AtomicU32::new(NIL))
    }

    /// For another descriptor; nobody waits.
    pub(crate) fn reset(&self) {
        self.0.store(NIL, Relaxed);
    }

    /// Does a goroutine wait?
    pub(crate) fn is_waited_for(&self) -> bool {
        self.0.load(Relaxed) == WAITING
    }

    /// Waiter: uses an event, if one came. Then the call that had to wait is tried again.
    #[must_use]
    pub(crate) fn take(&self) -> bool {
        // Acquire pairs(readiness): what the bringer of the event knew.
        self.0.load(Relaxed) == READY && self.0.swap(NIL, Acquire) == READY
    }

    /// Waiter, whose park is announced and whose G stands beside the word. Returns `false` if an
    /// event came.
    #[must_use]
    pub(crate) fn wait(&self) -> bool {
        // Release pairs(readiness): the waker sees the G.
        self.0
            .compare_exchange(NIL, WAITING, Release, Relaxed)
            .is_ok()
    }

    /// An event. Returns `true` if the caller must wake the waiter.
    #[must_use]
    pub(crate) fn set(&self) -> bool {
        // Acquire pairs(readiness): wait's Release. Release pairs(readiness): take's Acquire.
        self.0.swap(READY, AcqRel) == WAITING
    }

    /// The waiter's time is over. Returns `true` if the caller must wake it.
    #[must_use]
    pub(crate) fn give_up(&self) -> bool {
        // Acquire pairs(readiness): wait's Release.
        self.0
            .compare_exchange(WAITING, NIL, Acquire, Relaxed)
            .is_ok()
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::core::base::owner_cell::OwnerRef;
    use crate::core::wait::loom_sched::G;
    use crate::core::wait::sched_api::{enter, enter_to_wait, park, ready};
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;

    /// A descriptor: the bytes that the kernel has, and what we have.
    struct Fd {
        bytes: AtomicU32,
        word: Readiness,
        g: OwnerRef<G>,
        /// Touched wherever `g` is: loom reports those who meet there.
        watch: UnsafeCell<()>,
    }

    fn fd() -> Arc<Fd> {
        Arc::new(Fd {
            bytes: AtomicU32::new(0),
            word: Readiness::new(),
            g: OwnerRef::none(),
            watch: UnsafeCell::new(()),
        })
    }

    fn bounded(f: impl Fn() + Sync + Send + 'static) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(f);
    }

    impl Fd {
        fn read(&self) -> u32 {
            self.bytes.swap(0, Relaxed)
        }

        /// Takes one byte, if there is one: how many are left.
        fn read_one(&self) -> Option<u32> {
            let take = |bytes: u32| bytes.checked_sub(1);
            let before = self.bytes.fetch_update(Relaxed, Relaxed, take).ok()?;
            Some(before - 1)
        }

        /// What `io_wait.rs` does when a read had to wait. Returns `false` if the time is over and
        /// nothing came.
        fn wait(&self, over: impl Fn() -> bool) -> bool {
            loop {
                if self.word.take() {
                    return true;
                }
                if over() {
                    return false;
                }
                let rt = enter_to_wait();
                let g = rt.current();
                g.status.announce_park();
                self.watch.with_mut(|_| self.g.set(Some(g)));
                match self.word.wait() {
                    true => park(rt),
                    false => g.status.cancel_park(),
                }
            }
        }

        fn wake(&self) {
            let g = self.watch.with(|_| self.g.get());
            ready(&enter(), g.unwrap());
        }

        /// The kernel gets bytes, and the poller hears of the edge.
        fn event(&self) {
            self.bytes.fetch_add(1, Relaxed);
            if self.word.set() {
                self.wake();
            }
        }
    }

    /// A descriptor that gets two bytes.
    fn with_two_events() -> (Arc<Fd>, loom::thread::JoinHandle<()>) {
        let fd = fd();
        let kernel = Arc::clone(&fd);
        let kernel = loom::thread::spawn(move || {
            kernel.event();
            kernel.event();
        });
        (fd, kernel)
    }

    /// Two edges, whenever they come: the reader gets both bytes, and does not sleep for ever.
    #[test]
    fn no_edge_is_lost() {
        bounded(|| {
            let (fd, kernel) = with_two_events();
            let mut got = 0;
            while got < 2 {
                match fd.read() {
                    0 => assert!(fd.wait(|| false)),
                    n => got += n,
                }
            }
            kernel.join().unwrap();
        });
    }

    /// A reader that knows that it has left nothing waits before it reads again.
    #[test]
    fn who_has_drained_it_may_wait_first() {
        bounded(|| {
            let (fd, kernel) = with_two_events();
            let (mut got, mut drained) = (0, false);
            while got < 2 {
                if drained {
                    assert!(fd.wait(|| false));
                }
                let left = fd.read_one();
                match left {
                    None => assert!(fd.wait(|| false)),
                    Some(_) => got += 1,
                }
                drained = left == Some(0);
            }
            kernel.join().unwrap();
        });
    }

    /// An event and the timer meet: one of them wakes the reader, and an event that comes too late
    /// for this wait is there for the next one.
    #[test]
    fn an_event_or_the_timer_and_never_both() {
        bounded(|| {
            let fd = fd();
            let over = Arc::new(AtomicU32::new(0));
            let kernel = Arc::clone(&fd);
            let kernel = loom::thread::spawn(move || kernel.event());
            let (timer, rings) = (Arc::clone(&fd), Arc::clone(&over));
            let timer = loom::thread::spawn(move || {
                rings.store(1, Relaxed);
                if timer.word.give_up() {
                    timer.wake();
                }
            });
            let mut got = fd.read();
            if got == 0 && fd.wait(|| over.load(Relaxed) == 1) {
                got = fd.read();
            }
            timer.join().unwrap();
            kernel.join().unwrap();
            assert_eq!(got + fd.read(), 1);
        });
    }
}

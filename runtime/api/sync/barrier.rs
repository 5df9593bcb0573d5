//! `Barrier` with the interface of `std`: all goroutines wait until the last one has come.
#![forbid(unsafe_code)]

use std::fmt;

use crate::core::base::owner_cell::OwnerCell;
use crate::core::g::wait_reason::WaitReason;
use crate::core::wait::raw_mutex::RawMutex;
use crate::ext::locks::notify_list::NotifyList;

/// A point that a number of goroutines or threads reach before any of them goes on.
///
/// The interface is that of [`std::sync::Barrier`]. It can be used again and again.
///
/// # Examples
///
/// ```
/// use gosched::sync::Barrier;
/// use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
///
/// let (meet, leaders) = (Barrier::new(3), AtomicUsize::new(0));
/// std::thread::scope(|s| {
///     for _ in 0..3 {
///         s.spawn(|| {
///             if meet.wait().is_leader() {
///                 leaders.fetch_add(1, Relaxed);
///             }
///         });
///     }
/// });
/// assert_eq!(leaders.into_inner(), 1);
/// ```
pub struct Barrier {
    size: usize,
    lock: RawMutex,
    /// How many of this round have come; under the lock.
    here: OwnerCell<usize>,
    list: NotifyList,
}

/// The result of [`Barrier::wait`]: one of each round is the leader.
///
/// # Examples
/// See [`Barrier`].
#[derive(Debug)]
pub struct BarrierWaitResult {
    is_leader: bool,
}

impl BarrierWaitResult {
    /// True for one of each round: the one that came last.
    ///
    /// # Examples
    ///
    /// See [`Barrier`].
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.is_leader
    }
}

impl Barrier {
    /// A barrier for `n`. One for 0 behaves as one for 1.
    ///
    /// # Examples
    ///
    /// ```
    /// assert!(gosched::sync::Barrier::new(1).wait().is_leader());
    /// ```
    #[inline]
    #[must_use]
    pub const fn new(n: usize) -> Barrier {
        Barrier {
            size: n,
            lock: RawMutex::new(),
            here: OwnerCell::zero(),
            list: NotifyList::new(),
        }
    }

    /// Waits until all have come.
    ///
    /// # Examples
    ///
    /// See [`Barrier`].
    pub fn wait(&self) -> BarrierWaitResult {
        self.lock.lock();
        let here = self.here.get() + 1;
        let is_leader = here >= self.size;
        if is_leader {
            self.here.set(0);
            // Under the lock: nobody of the next round can have enrolled yet.
            self.list.notify_all();
            self.lock.unlock();
        } else {
            self.here.set(here);
            self.list
                .wait(WaitReason::BarrierWait, None, || self.lock.unlock());
        }
        BarrierWaitResult { is_leader }
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier").finish_non_exhaustive()
    }
}

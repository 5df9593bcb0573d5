//! The queue of a condition variable: a signal goes to the waiter that has waited longest *at
//! that moment*, and no later waiter can take it.
//!
//! A waiter enrols while it still holds the caller's lock, releases the lock, and parks. It can
//! be notified in every state in between, so spurious wake-ups are not needed, and there are
//! none. core/wait/README.md#notify-in-order. Go: sema.go notifyList.
#![forbid(unsafe_code)]

use crate::core::g::wait_reason::WaitReason;
use crate::core::sys::clock::Nanos;
#[cfg(loom)]
use crate::core::wait::loom_sched::park_until;
use crate::core::wait::sched_api::{GRef, RawLock, enter, enter_to_wait, park, ready};
use crate::core::wait::waiter::{Waiter, WaiterState};
use crate::ext::locks::wait_list::WaitList;
#[cfg(not(loom))]
use crate::ext::timers::park_until::park_until;

/// The two that may claim a wait with a deadline.
const NOTIFIED: u16 = 0;
const TIMED_OUT: u16 = 1;
/// How many goroutines a broadcast wakes before it leaves the runtime for a moment.
const BATCH: usize = if cfg!(loom) { 2 } else { 32 };

/// See the file's header.
#[derive(Debug)]
pub(crate) struct NotifyList {
    lock: RawLock,
    /// Under the lock.
    list: WaitList,
}

impl NotifyList {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> NotifyList {
        NotifyList {
            lock: RawLock::new(),
            list: WaitList::new(),
        }
    }

    #[cfg(loom)]
    pub(crate) fn new() -> NotifyList {
        NotifyList {
            lock: RawLock::new(),
            list: WaitList::new(),
        }
    }

    /// Enrols, calls `unlock`, and sleeps until notified (true) or until `deadline` (false).
    /// `unlock` may yield, but must not unwind.
    pub(crate) fn wait(
        &self,
        reason: WaitReason,
        deadline: Option<Nanos>,
        unlock: impl FnOnce(),
    ) -> bool {
        let rt = enter_to_wait();
        let me = rt.current();
        let round = deadline.map(|_| me.open_round());
        Waiter::on_stack(me, 0, round, |waiter| {
            let guard = rt.lock(&self.lock);
            self.list.push_back(waiter);
            drop(guard);
            drop(rt);
            unlock();
            self.sleep(waiter, reason, deadline)
        })
    }

    /// The second half of `wait`.
    fn sleep(
        &self,
        waiter: &'static Waiter,
        reason: WaitReason,
        deadline: Option<Nanos>,
    ) -> bool {
        let rt = enter_to_wait();
        let guard = rt.lock(&self.lock);
        if waiter.standing() == WaiterState::Served {
            return true;
        }
        waiter.set_standing(WaiterState::Parked);
        let what = std::ptr::from_ref(self).addr();
        waiter.g.announce_park_for(reason, what);
        drop(guard);
        let (Some(deadline), Some(round)) = (deadline, waiter.round) else {
            park(rt);
            return true;
        };
        park_until(rt, deadline, round, TIMED_OUT);
        if waiter.g.wait_round.winner() == Some(NOTIFIED) {
            return true;
        }
        let rt = enter_to_wait();
        let _guard = rt.lock(&self.lock);
        self.list.leave(waiter);
        false
    }

    /// Wakes the one that has waited longest.
    pub(crate) fn notify_one(&self) {
        // A waiter that the caller must not miss enrolled before the caller took the lock that
        // the waiter has let go since: so a Relaxed look sees it.
        if self.list.is_empty() {
            return;
        }
        let rt = enter();
        let guard = rt.lock(&self.lock);
        let mut sleeper = None;
        while let Some(waiter) = self.list.pop_front() {
            match serve(waiter) {
                Serve::TooLate => continue,
                Serve::Awake => (),
                Serve::Asleep(g) => sleeper = Some(g),
            }
            break;
        }
        drop(guard);
        if let Some(g) = sleeper {
            ready(&rt, g);
        }
    }

    /// Wakes all that wait now, in the order in which they came.
    pub(crate) fn notify_all(&self) {
        if self.list.is_empty() {
            return; // as in notify_one
        }
        let rt = enter();
        Waiter::on_stack(rt.current(), 0, None, |end| {
            let guard = rt.lock(&self.lock);
            self.list.move_to_ring(end);
            drop(guard);
            drop(rt);
            while self.wake_some(end) {}
        });
    }

    /// Wakes up to [`BATCH`] of a ring. Returns `false` if it is empty.
    fn wake_some(&self, end: &'static Waiter) -> bool {
        let mut sleepers: [Option<GRef>; BATCH] = [None; BATCH];
        let rt = enter();
        let guard = rt.lock(&self.lock);
        let mut more = true;
        for place in &mut sleepers {
            match self.list.pop_ring(end) {
                Some(waiter) => {
                    if let Serve::Asleep(g) = serve(waiter) {
                        *place = Some(g);
                    }
                }
                None => {
                    more = false;
                    break;
                }
            }
        }
        drop(guard);
        for g in sleepers.into_iter().flatten() {
            ready(&rt, g);
        }
        more
    }
}

enum Serve {
    /// Its deadline has passed first; the caller must not wake it.
    TooLate,
    /// Has not parked yet, and will not.
    Awake,
    /// The caller must ready it, after the lock is released.
    Asleep(GRef),
}

/// Gives a dequeued waiter its notification. Under the lock.
fn serve(waiter: &'static Waiter) -> Serve {
    match waiter.standing() {
        WaiterState::Parked => match waiter.round {
            Some(round) if !waiter.g.wait_round.claim(round, NOTIFIED) => Serve::TooLate,
            _ => Serve::Asleep(waiter.g),
        },
        _ => {
            waiter.set_standing(WaiterState::Served);
            Serve::Awake
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::core::sys::clock::nanotime;
    use crate::core::wait::raw_mutex::RawMutex;
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering::Relaxed;
    use std::thread;

    const SOON: Nanos = 2_000_000;

    struct Cond {
        list: NotifyList,
        lock: RawMutex,
        enrolled: AtomicU32,
    }

    impl Cond {
        fn new() -> Cond {
            Cond {
                list: NotifyList::new(),
                lock: RawMutex::new(),
                enrolled: AtomicU32::new(0),
            }
        }

        fn wait(&self, deadline: Option<Nanos>) -> bool {
            self.lock.lock();
            self.list.wait(WaitReason::CondWait, deadline, || {
                self.enrolled.fetch_add(1, Relaxed);
                self.lock.unlock();
            })
        }

        fn wait_for_enrolled(&self, n: u32) {
            while self.enrolled.load(Relaxed) < n {
                thread::yield_now();
            }
        }
    }

    /// Go: TestCondSignal: a surplus signal is forgotten.
    #[test]
    fn a_signal_nobody_waits_for_is_gone() {
        let c = Cond::new();
        c.list.notify_one();
        c.list.notify_all();
        assert!(!c.wait(Some(nanotime() + SOON)));
    }

    #[test]
    fn a_notification_before_the_park_is_not_lost() {
        let list = NotifyList::new();
        assert!(list.wait(WaitReason::CondWait, None, || list.notify_one()));
        assert!(list.wait(WaitReason::CondWait, None, || list.notify_all()));
        assert!(list.wait(WaitReason::CondWait, Some(0), || list.notify_one()));
    }

    #[test]
    fn one_who_left_does_not_eat_a_signal() {
        let c = Cond::new();
        thread::scope(|s| {
            let first = s.spawn(|| c.wait(Some(nanotime() + SOON)));
            c.wait_for_enrolled(1);
            let second = s.spawn(|| c.wait(None));
            c.wait_for_enrolled(2);
            assert!(!first.join().unwrap());
            c.list.notify_one();
            assert!(second.join().unwrap());
        });
        assert!(c.list.list.is_empty());
    }

    /// Waits that time out race with signals: each signal wakes somebody or nobody waits.
    #[test]
    fn time_outs_and_signals_race_without_loss() {
        let c = Cond::new();
        let (notified, stop) = (AtomicU32::new(0), AtomicU32::new(0));
        thread::scope(|s| {
            for t in 0..4u64 {
                let (c, notified, stop) = (&c, &notified, &stop);
                s.spawn(move || {
                    while stop.load(Relaxed) == 0 {
                        if c.wait(Some(nanotime() + 20_000 * t)) {
                            notified.fetch_add(1, Relaxed);
                        }
                    }
                });
            }
            let mut n = 0;
            while notified.load(Relaxed) < 2_000 {
                match n % 100 {
                    0 => c.list.notify_all(),
                    _ => c.list.notify_one(),
                }
                n += 1;
            }
            stop.store(1, Relaxed);
        });
        assert!(c.list.list.is_empty());
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::core::base::atomic::AtomicU32;
    use crate::core::base::atomic::Ordering::Relaxed;
    use loom::sync::{Arc, Mutex};

    struct Shared {
        list: NotifyList,
        lock: Mutex<()>,
        ready: AtomicU32,
    }

    fn model(check: impl Fn(&Arc<Shared>) + Send + Sync + 'static) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(move || {
            check(&Arc::new(Shared {
                list: NotifyList::new(),
                lock: Mutex::new(()),
                ready: AtomicU32::new(0),
            }));
        });
    }

    impl Shared {
        /// Waits for `ready`; with a deadline it may give up, and returns `false`.
        fn wait(&self, deadline: Option<Nanos>) -> bool {
            loop {
                let guard = self.lock.lock().unwrap();
                if self.ready.load(Relaxed) != 0 {
                    return true;
                }
                if !self
                    .list
                    .wait(WaitReason::CondWait, deadline, || drop(guard))
                {
                    return false;
                }
            }
        }

        fn set_ready(&self) {
            let _guard = self.lock.lock().unwrap();
            self.ready.store(1, Relaxed);
        }
    }

    fn spawn_wait(s: &Arc<Shared>, deadline: Option<Nanos>) -> loom::thread::JoinHandle<bool> {
        let s = Arc::clone(s);
        loom::thread::spawn(move || s.wait(deadline))
    }

    #[test]
    fn a_signal_reaches_whoever_saw_the_old_value() {
        model(|s| {
            let waiter = spawn_wait(s, None);
            s.set_ready();
            s.list.notify_one();
            assert!(waiter.join().unwrap());
        });
    }

    #[test]
    fn a_broadcast_reaches_everybody() {
        model(|s| {
            let waiters = [spawn_wait(s, None), spawn_wait(s, None)];
            s.set_ready();
            s.list.notify_all();
            waiters.into_iter().for_each(|w| assert!(w.join().unwrap()));
        });
    }

    /// One may give up at any moment; the signal must not go with it.
    #[test]
    fn one_who_gives_up_leaves_the_signal_to_the_other() {
        model(|s| {
            let impatient = spawn_wait(s, Some(1));
            let waiter = spawn_wait(s, None);
            s.set_ready();
            s.list.notify_one();
            if impatient.join().unwrap() {
                s.list.notify_one(); // it may have had the signal: one for the other
            }
            assert!(waiter.join().unwrap());
        });
    }
}

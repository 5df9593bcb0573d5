// Mutex, RwLock, Condvar, Barrier: written once, included for `std` and for ours.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use sync::{
    Arc, Barrier, BarrierWaitResult, Condvar, LazyLock, Mutex, MutexGuard, Once, OnceLock,
    RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError, WaitTimeoutResult,
};

/// Runs `f`, which must panic.
#[track_caller]
fn panics(f: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).expect_err("this should have panicked");
    match payload.downcast::<String>() {
        Ok(s) => *s,
        Err(payload) => payload.downcast_ref::<&str>().unwrap_or(&"").to_string(),
    }
}

#[track_caller]
fn until(condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < end, "not after 20 s");
        thread::yield_now();
    }
}

/// Counts its drops.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[test]
fn auto_traits() {
    use std::panic::{RefUnwindSafe, UnwindSafe};
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    fn unwind<T: UnwindSafe + RefUnwindSafe>() {}
    type NotSync = std::cell::Cell<u8>;
    send::<Mutex<NotSync>>();
    sync::<Mutex<NotSync>>();
    sync::<MutexGuard<'_, u8>>();
    send::<RwLock<u8>>();
    sync::<RwLock<u8>>();
    sync::<RwLockReadGuard<'_, u8>>();
    sync::<RwLockWriteGuard<'_, u8>>();
    sync::<Condvar>();
    send::<WaitTimeoutResult>();
    sync::<Barrier>();
    send::<BarrierWaitResult>();
    sync::<Once>();
    sync::<OnceLock<u8>>();
    send::<OnceLock<NotSync>>();
    sync::<LazyLock<u8>>();
    unwind::<Mutex<NotSync>>();
    unwind::<RwLock<NotSync>>();
    unwind::<Condvar>();
    unwind::<Once>();
    unwind::<OnceLock<u8>>();
    unwind::<LazyLock<u8>>();
}

/// A read guard of what lives long serves as one of what lives short.
fn _a_read_guard_is_covariant<'a, 'b>(
    guard: RwLockReadGuard<'a, &'static str>,
) -> RwLockReadGuard<'a, &'b str> {
    guard
}

#[test]
fn statics_need_no_start() {
    static M: Mutex<Vec<u32>> = Mutex::new(Vec::new());
    static L: RwLock<u32> = RwLock::new(1);
    static C: Condvar = Condvar::new();
    static B: Barrier = Barrier::new(1);
    M.lock().unwrap().push(1);
    *L.write().unwrap() += 1;
    C.notify_all();
    assert!(B.wait().is_leader());
}

#[test]
fn a_mutex_keeps_every_addition() {
    run(|| {
        let m = Arc::new(Mutex::new(0));
        let handles: Vec<_> = (0..6)
            .map(|_| {
                let m = m.clone();
                thread::spawn(move || {
                    for _ in 0..500 {
                        let mut n = m.lock().unwrap();
                        let before = *n;
                        if before % 50 == 0 {
                            thread::yield_now();
                        }
                        *n = before + 1;
                    }
                })
            })
            .collect();
        handles.into_iter().for_each(|h| h.join().unwrap());
        assert_eq!(*m.lock().unwrap(), 6 * 500);
    });
}

#[test]
fn try_lock_fails_while_held() {
    run(|| {
        let m = Mutex::new(1);
        let guard = m.lock().unwrap();
        assert!(matches!(m.try_lock(), Err(TryLockError::WouldBlock)));
        drop(guard);
        *m.try_lock().unwrap() = 2;
        assert_eq!(*m.lock().unwrap(), 2);
    });
}

#[test]
fn a_mutex_gives_its_value_back_and_drops_it_once() {
    run(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let m = Mutex::new(Counted(drops.clone()));
        let value = m.into_inner().unwrap();
        assert_eq!(drops.load(Relaxed), 0);
        drop(value);
        drop(Mutex::new(Counted(drops.clone())));
        drop(RwLock::new(Counted(drops.clone())));
        drop(RwLock::new(Counted(drops.clone())).into_inner());
        assert_eq!(drops.load(Relaxed), 4);
        let mut m = Mutex::from(vec![1]);
        m.get_mut().unwrap().push(2);
        assert_eq!(m.into_inner().unwrap(), [1, 2]);
        assert_eq!(Mutex::<u8>::default().into_inner().unwrap(), 0);
        let mut l = RwLock::from(vec![1]);
        l.get_mut().unwrap().push(2);
        assert_eq!(l.into_inner().unwrap(), [1, 2]);
        assert_eq!(RwLock::<u8>::default().into_inner().unwrap(), 0);
    });
}

fn poisoned_mutex(n: u32) -> Mutex<u32> {
    let m = Mutex::new(n);
    panics(|| {
        let _held = m.lock().unwrap();
        panic!("on purpose");
    });
    m
}

#[test]
fn a_poisoned_mutex_says_so_and_can_be_cleared() {
    run(|| {
        let mut m = poisoned_mutex(5);
        assert!(m.is_poisoned());
        assert_eq!(**m.lock().unwrap_err().get_ref(), 5);
        assert!(matches!(m.try_lock(), Err(TryLockError::Poisoned(_))));
        assert_eq!(**m.get_mut().unwrap_err().get_ref(), 5);
        assert_eq!(format!("{m:?}"), "Mutex { data: 5, poisoned: true, .. }");
        m.clear_poison();
        assert!(!m.is_poisoned() && *m.lock().unwrap() == 5);
        assert_eq!(poisoned_mutex(6).into_inner().unwrap_err().into_inner(), 6);
    });
}

#[test]
fn what_is_locked_during_a_panic_is_not_poisoned() {
    struct LocksWhenDropped<'a>(&'a Mutex<u32>, &'a RwLock<u32>);
    impl Drop for LocksWhenDropped<'_> {
        fn drop(&mut self) {
            *self.0.lock().unwrap() += 1;
            *self.1.write().unwrap() += 1;
        }
    }
    run(|| {
        let (m, l) = (Mutex::new(1), RwLock::new(1));
        panics(|| {
            let _locks = LocksWhenDropped(&m, &l);
            panic!("on purpose");
        });
        assert_eq!((*m.lock().unwrap(), *l.read().unwrap()), (2, 2));
    });
}

#[test]
fn locks_say_what_they_hold() {
    run(|| {
        let m = Mutex::new("it");
        assert_eq!(format!("{m:?}"), r#"Mutex { data: "it", poisoned: false, .. }"#);
        let guard = m.lock().unwrap();
        assert_eq!(format!("{m:?}"), r#"Mutex { data: "<locked>", poisoned: false, .. }"#);
        assert_eq!(format!("{guard:?} {guard}"), r#""it" it"#);
        let l = RwLock::new("it");
        assert_eq!(format!("{l:?}"), r#"RwLock { data: "it", poisoned: false, .. }"#);
        let guard = l.read().unwrap();
        assert_eq!(format!("{guard:?} {guard}"), r#""it" it"#);
        drop(guard);
        let mut guard = l.write().unwrap();
        *guard = "it";
        assert_eq!(format!("{l:?}"), "RwLock { data: <locked>, poisoned: false, .. }");
        assert_eq!(format!("{guard:?} {guard}"), r#""it" it"#);
        assert_eq!(format!("{:?}", Condvar::new()), "Condvar { .. }");
        assert_eq!(format!("{:?}", Barrier::new(2)), "Barrier { .. }");
        let answer = Barrier::new(0).wait();
        assert_eq!(format!("{answer:?}"), "BarrierWaitResult { is_leader: true }");
    });
}

#[test]
fn what_has_no_size_can_be_locked() {
    run(|| {
        let m: &Mutex<[u8]> = &Mutex::new([1, 2, 3]);
        m.lock().unwrap()[0] = 4;
        assert_eq!(&*m.lock().unwrap(), &[4, 2, 3]);
        let l: Box<RwLock<dyn Fn() -> u8 + Send + Sync>> = Box::new(RwLock::new(|| 7));
        assert_eq!(l.read().unwrap()(), 7);
    });
}

#[test]
fn a_lock_in_a_lock() {
    run(|| {
        let inner = Arc::new(Mutex::new(1));
        let outer = Arc::new(Mutex::new(inner.clone()));
        let h = thread::spawn(move || *outer.lock().unwrap().lock().unwrap() += 1);
        h.join().unwrap();
        assert_eq!(*inner.lock().unwrap(), 2);
    });
}

#[test]
fn readers_share_and_writers_do_not() {
    run(|| {
        let l = RwLock::new(1);
        {
            let (a, b) = (l.read().unwrap(), l.try_read().unwrap());
            assert_eq!(*a + *b, 2);
            assert!(matches!(l.try_write(), Err(TryLockError::WouldBlock)));
        }
        let mut w = l.try_write().unwrap();
        *w += 1;
        assert!(matches!(l.try_read(), Err(TryLockError::WouldBlock)));
        assert!(matches!(l.try_write(), Err(TryLockError::WouldBlock)));
        drop(w);
        assert_eq!(*l.read().unwrap(), 2);
    });
}

#[test]
fn only_a_writer_poisons() {
    run(|| {
        let l = RwLock::new(1);
        panics(|| {
            let _held = l.read().unwrap();
            panic!("on purpose");
        });
        assert!(!l.is_poisoned());
        panics(|| {
            let _held = l.write().unwrap();
            panic!("on purpose");
        });
        assert!(l.is_poisoned());
        assert!(l.read().is_err() && l.write().is_err());
        assert!(matches!(l.try_read(), Err(TryLockError::Poisoned(_))));
        assert!(matches!(l.try_write(), Err(TryLockError::Poisoned(_))));
        assert_eq!(format!("{l:?}"), "RwLock { data: 1, poisoned: true, .. }");
        l.clear_poison();
        assert_eq!(*l.read().unwrap(), 1);
    });
}

#[test]
fn a_downgrade_lets_readers_in_and_writers_not() {
    run(|| {
        let l = Arc::new(RwLock::new(0));
        let wrote = Arc::new(AtomicUsize::new(0));
        let mut w = l.write().unwrap();
        *w = 1;
        let writer = {
            let (l, wrote) = (l.clone(), wrote.clone());
            thread::spawn(move || {
                *l.write().unwrap() = 2;
                wrote.store(1, Relaxed);
            })
        };
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let l = l.clone();
                thread::spawn(move || *l.read().unwrap())
            })
            .collect();
        (0..20).for_each(|_| thread::yield_now());
        let r = RwLockWriteGuard::downgrade(w);
        (0..20).for_each(|_| thread::yield_now());
        assert_eq!((*r, wrote.load(Relaxed)), (1, 0));
        drop(r);
        writer.join().unwrap();
        for r in readers {
            assert!([1, 2].contains(&r.join().unwrap()));
        }
        assert_eq!(*l.read().unwrap(), 2);
    });
}

#[test]
fn readers_and_writers_keep_an_invariant() {
    run(|| {
        let l = Arc::new(RwLock::new((0, 0)));
        let handles: Vec<_> = (0..6)
            .map(|t| {
                let l = l.clone();
                thread::spawn(move || {
                    for i in 0..300 {
                        if (i + t) % 4 == 0 {
                            let mut pair = l.write().unwrap();
                            pair.0 += 1;
                            if i % 3 == 0 {
                                thread::yield_now();
                            }
                            pair.1 += 1;
                        } else {
                            let pair = l.read().unwrap();
                            assert_eq!(pair.0, pair.1);
                        }
                    }
                })
            })
            .collect();
        handles.into_iter().for_each(|h| h.join().unwrap());
        assert_eq!(*l.read().unwrap(), (6 * 75, 6 * 75));
    });
}

#[test]
fn a_condition_passes_the_turn() {
    run(|| {
        let pair = Arc::new((Mutex::new(0), Condvar::new()));
        let other = pair.clone();
        let h = thread::spawn(move || {
            for n in [1, 3, 5] {
                let mut turn = other.0.lock().unwrap();
                while *turn != n {
                    turn = other.1.wait(turn).unwrap();
                }
                *turn += 1;
                other.1.notify_one();
            }
        });
        for n in [0, 2, 4] {
            let turn = pair.0.lock().unwrap();
            let mut turn = pair.1.wait_while(turn, |turn| *turn != n).unwrap();
            *turn += 1;
            pair.1.notify_one();
        }
        h.join().unwrap();
        assert_eq!(*pair.0.lock().unwrap(), 6);
    });
}

#[test]
fn notify_all_wakes_all() {
    run(|| {
        let all = Arc::new((Mutex::new(0), Condvar::new(), Condvar::new()));
        let handles: Vec<_> = (0..8)
            .map(|_| {
                let all = all.clone();
                thread::spawn(move || {
                    let mut n = all.0.lock().unwrap();
                    *n += 1;
                    if *n == 8 {
                        all.1.notify_one();
                    }
                    while *n != 0 {
                        n = all.2.wait(n).unwrap();
                    }
                })
            })
            .collect();
        let mut n = all.1.wait_while(all.0.lock().unwrap(), |n| *n != 8).unwrap();
        *n = 0;
        all.2.notify_all();
        drop(n);
        handles.into_iter().for_each(|h| h.join().unwrap());
    });
}

#[test]
fn a_wait_hears_of_the_poison() {
    run(|| {
        let pair = Arc::new((Mutex::new(1), Condvar::new()));
        let other = pair.clone();
        let h = thread::spawn(move || {
            let mut n = other.0.lock().unwrap();
            *n = 2;
            other.1.notify_one();
            panic!("on purpose");
        });
        let heard = loop {
            let Ok(guard) = pair.0.lock() else {
                break true; // it was quicker than we
            };
            if *guard != 1 || pair.1.wait(guard).is_err() {
                break pair.0.is_poisoned();
            }
        };
        assert!(heard, "changed, and not poisoned");
        assert!(h.join().is_err());
        assert!(pair.0.lock().is_err());
        let poisoned = pair.0.lock().unwrap_err().into_inner();
        let soon = Duration::from_millis(1);
        assert!(pair.1.wait_timeout(poisoned, soon).is_err());
    });
}

#[test]
fn a_wait_with_a_time_out_ends() {
    run(|| {
        let (m, c) = (Mutex::new(false), Condvar::new());
        for wait in [0, 1, 3].map(Duration::from_millis) {
            let began = Instant::now();
            let guard = m.lock().unwrap();
            let (_guard, why) = c.wait_timeout_while(guard, wait, |done| !*done).unwrap();
            assert!(why.timed_out() && began.elapsed() >= wait);
        }
        let guard = m.lock().unwrap();
        let (guard, why) = c.wait_timeout_while(guard, Duration::MAX, |_| false).unwrap();
        assert!(!why.timed_out(), "the condition did not hold to begin with");
        drop(guard);
        let (answer, same) = (why, why);
        assert!(answer == same && format!("{why:?}").starts_with("WaitTimeoutResult"));
    });
}

#[test]
fn a_notification_ends_a_wait_with_a_time_out() {
    run(|| {
        let pair = Arc::new((Mutex::new(false), Condvar::new()));
        let other = pair.clone();
        let guard = pair.0.lock().unwrap();
        let h = thread::spawn(move || {
            *other.0.lock().unwrap() = true;
            other.1.notify_one();
        });
        let long = Duration::from_secs(1000);
        let (done, why) = pair.1.wait_timeout_while(guard, long, |done| !*done).unwrap();
        assert!(*done && !why.timed_out());
        drop(done);
        h.join().unwrap();
    });
}

#[test]
fn a_barrier_holds_all_until_the_last_comes() {
    run(|| {
        let (meet, came) = (Arc::new(Barrier::new(5)), Arc::new(AtomicUsize::new(0)));
        for _ in 0..20 {
            came.store(0, Relaxed);
            let handles: Vec<_> = (0..4)
                .map(|_| {
                    let (meet, came) = (meet.clone(), came.clone());
                    thread::spawn(move || {
                        let leads = meet.wait().is_leader();
                        came.fetch_add(1, Relaxed);
                        leads
                    })
                })
                .collect();
            (0..10).for_each(|_| thread::yield_now());
            assert_eq!(came.load(Relaxed), 0, "one went through");
            let leads = meet.wait().is_leader();
            until(|| came.load(Relaxed) == 4);
            let others = handles.into_iter().map(|h| h.join().unwrap());
            assert_eq!(others.filter(|&l| l).count() + usize::from(leads), 1);
        }
    });
}

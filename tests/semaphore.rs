//! `Semaphore`: permits that give themselves back, and waits that a context ends. Its queue is
//! tested beside its code; the pair `acquire` and `release` under load in `sync.rs`.

#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use gosched::context::{self, Error, background, with_cancel, with_timeout, with_value};
use gosched::sync::{Arc, Semaphore, WaitGroup};
use gosched::thread::{scope, yield_now};
use support::{check, wait_for};

const MS: Duration = Duration::from_millis(1);
const FAR: Duration = Duration::from_secs(3600);

fn used(sem: &Semaphore) -> String {
    format!("{sem:?}")
}

#[test]
fn a_permit_gives_itself_back() {
    check(|| {
        let sem = Semaphore::new(3);
        {
            let two = sem.permit(2);
            let one = sem.try_permit(1).unwrap();
            assert_eq!((two.amount(), one.amount()), (2, 1));
            assert!(sem.try_permit(1).is_none() && sem.try_permit(0).is_some());
        }
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _all = sem.permit(3);
            std::panic::resume_unwind(Box::new("on the way out"));
        }));
        assert!(panicked.is_err());
        sem.permit(1).forget();
        assert_eq!(used(&sem), "Semaphore { size: 3, used: 1, .. }");
        sem.release(1);
        assert_eq!(used(&sem), "Semaphore { size: 3, used: 0, .. }");
    });
}

/// A drop during a panic must not panic again, even when somebody has released too much.
#[test]
fn a_permit_that_was_released_by_hand() {
    check(|| {
        let sem = Semaphore::new(1);
        let permit = sem.permit(1);
        sem.release(1);
        let misuse = catch_unwind(AssertUnwindSafe(|| drop(permit))).unwrap_err();
        let words = misuse.downcast_ref::<&str>();
        assert_eq!(words, Some(&"semaphore: released more than held"));
        let twice = catch_unwind(AssertUnwindSafe(|| {
            let _permit = sem.permit(1);
            sem.release(1);
            std::panic::resume_unwind(Box::new(5));
        }));
        assert_eq!(twice.unwrap_err().downcast_ref(), Some(&5));
    });
}

#[test]
fn an_owned_permit_goes_with_its_goroutine() {
    check(|| {
        let (sem, running, most) = (
            Arc::new(Semaphore::new(3)),
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicUsize::new(0)),
        );
        for _ in 0..50 {
            let share = sem.permit_owned(1);
            let (running, most) = (running.clone(), most.clone());
            gosched::go(move || {
                most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
                yield_now();
                running.fetch_sub(1, SeqCst);
                drop(share);
            });
        }
        sem.acquire(3);
        assert!(sem.try_permit_owned(1).is_none());
        assert_eq!(running.load(SeqCst), 0);
        assert!((1..=3).contains(&most.load(SeqCst)));
    });
}

#[test]
fn a_context_ends_the_wait() {
    check(|| {
        let sem = Semaphore::new(2);
        let one = sem.permit(1);
        let (ctx, cancel) = with_cancel(&background());
        scope(|s| {
            let much = s.spawn(|| sem.acquire_with_context(&ctx, 2));
            while format!("{:?}", sem.try_permit(1)) != "None" {
                yield_now(); // until `much` is in line
            }
            let behind = s.spawn(|| sem.permit(1).amount());
            (0..10).for_each(|_| yield_now());
            assert!(!behind.is_finished(), "nobody is overtaken");
            cancel.cancel();
            assert_eq!(much.join().unwrap(), Err(Error::Canceled));
            // The one who left has let those behind it in.
            assert_eq!(behind.join().unwrap(), 1);
        });
        drop(one);
        // Done before: nothing is acquired, though there is enough.
        assert_eq!(sem.acquire_with_context(&ctx, 1), Err(Error::Canceled));
        assert!(sem.permit_with_context(&ctx, 0).is_err());
        let (ctx, _cancel) = with_timeout(&background(), MS);
        let all = sem.permit(2);
        assert_eq!(
            sem.acquire_with_context(&ctx, 1),
            Err(Error::DeadlineExceeded)
        );
        drop(all);
        assert_eq!(used(&sem), "Semaphore { size: 2, used: 0, .. }");
    });
}

/// With contexts that are never done, and with such as could be.
#[test]
fn a_wait_with_a_context_is_served() {
    check(|| {
        let (live, _cancel) = with_cancel(&background());
        for ctx in [background(), with_value(&background(), 1, 2), live] {
            let sem = Semaphore::new(1);
            let all = sem.permit(1);
            scope(|s| {
                let waits = s.spawn(|| sem.permit_with_context(&ctx, 1).unwrap().amount());
                yield_now();
                drop(all);
                assert_eq!(waits.join().unwrap(), 1);
            });
            assert_eq!(used(&sem), "Semaphore { size: 1, used: 0, .. }");
        }
    });
}

/// Cancellations race with releases, on goroutines and plain threads: what was acquired was given
/// back, who was told an error has nothing.
#[test]
fn cancelled_and_served_at_once() {
    check(|| {
        let sem = Semaphore::new(2);
        let (served, given_up) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |i: usize| {
            for round in 0..200 {
                let (ctx, cancel) = with_cancel(&background());
                let n = 1 + (i + round) % 2;
                scope(|s| {
                    s.spawn(|| {
                        (0..round % 4).for_each(|_| yield_now());
                        cancel.cancel();
                    });
                    match sem.permit_with_context(&ctx, n) {
                        Ok(_share) => {
                            yield_now();
                            served.fetch_add(1, SeqCst)
                        }
                        Err(_) => given_up.fetch_add(1, SeqCst),
                    };
                });
            }
        };
        let plain = AtomicUsize::new(0);
        std::thread::scope(|threads| {
            let work = &work;
            threads.spawn(|| {
                work(9);
                plain.store(1, SeqCst);
            });
            scope(|s| (0..4).for_each(|i| drop(s.spawn(move || work(i)))));
            wait_for("the plain thread", || plain.load(SeqCst) == 1);
        });
        assert_eq!(served.load(SeqCst) + given_up.load(SeqCst), 5 * 200);
        assert_eq!(used(&sem), "Semaphore { size: 2, used: 0, .. }");
    });
}

#[test]
fn many_give_up_at_once() {
    check(|| {
        let sem = Arc::new(Semaphore::new(1));
        let all = sem.permit(1);
        let (ctx, cancel) = with_cancel(&background());
        let done = Arc::new(WaitGroup::new());
        for _ in 0..100 {
            let (sem, ctx) = (sem.clone(), ctx.clone());
            done.go(move || assert!(sem.acquire_with_context(&ctx, 1).is_err()));
        }
        let last = sem.clone();
        (0..10).for_each(|_| yield_now());
        done.go(move || drop(last.permit(1)));
        yield_now();
        cancel.cancel();
        drop(all);
        done.wait();
        assert_eq!(used(&sem), "Semaphore { size: 1, used: 0, .. }");
    });
}

/// Whoever asks in the middle of it comes too late. Go: x/sync/semaphore Acquire, which looks again at the end.
#[test]
fn what_comes_after_the_cancel_is_not_acquired() {
    check(|| {
        for round in 0..3000 {
            let sem = Semaphore::new(1);
            sem.acquire(1);
            let (ctx, cancel) = with_cancel(&background());
            let asks = AtomicUsize::new(0);
            scope(|s| {
                let late = s.spawn(|| {
                    asks.store(1, SeqCst);
                    sem.acquire_with_context(&ctx, 1)
                });
                while asks.load(SeqCst) == 0 {
                    yield_now();
                }
                (0..round % 100).for_each(|_| std::hint::spin_loop());
                cancel.cancel();
                sem.release(1);
                assert_eq!(late.join().unwrap(), Err(Error::Canceled), "round {round}");
            });
            assert!(sem.try_acquire(1));
        }
    });
}

#[test]
fn a_sleep_with_a_context() {
    check(|| {
        let (ctx, cancel) = with_cancel(&background());
        let start = Instant::now();
        assert_eq!(context::sleep(&background(), 2 * MS), Ok(()));
        assert_eq!(context::sleep(&ctx, MS), Ok(()));
        assert!(start.elapsed() >= 3 * MS);
        assert_eq!(context::sleep(&ctx, Duration::ZERO), Ok(()));
        scope(|s| {
            let sleeps = [FAR, Duration::MAX].map(|dur| {
                let ctx = &ctx;
                s.spawn(move || context::sleep(ctx, dur))
            });
            yield_now();
            cancel.cancel();
            for sleep in sleeps {
                assert_eq!(sleep.join().unwrap(), Err(Error::Canceled));
            }
        });
        assert_eq!(context::sleep(&ctx, Duration::ZERO), Err(Error::Canceled));
        let (ctx, _cancel) = with_timeout(&background(), MS);
        assert_eq!(context::sleep(&ctx, FAR), Err(Error::DeadlineExceeded));
    });
}

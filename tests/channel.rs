//! Channels: order, blocking, disconnection, closing, time-outs, and who drops what.

#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::collections::HashSet;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use gosched::channel::{
    Receiver, RecvError, RecvTimeoutError, SendError, SendTimeoutError, Sender, TryRecvError,
    TrySendError, after, at, bounded, never, tick, unbounded,
};
use support::check;
use support::in_order::{in_order, until_waiting};
use support::ways::{Way, both};

const MS: Duration = Duration::from_millis(1);
const FAR: Duration = Duration::from_secs(50);

/// A channel of each kind: capacity zero, small, large, unbounded.
fn kinds<T>() -> Vec<(Sender<T>, Receiver<T>)> {
    vec![bounded(0), bounded(1), bounded(7), unbounded()]
}

/// Counts how many there are.
struct Counted<'a>(&'a AtomicUsize, usize);

impl<'a> Counted<'a> {
    fn new(alive: &'a AtomicUsize, n: usize) -> Counted<'a> {
        alive.fetch_add(1, SeqCst);
        Counted(alive, n)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        assert!(self.0.fetch_sub(1, SeqCst) > 0, "dropped twice");
    }
}

#[test]
fn values_arrive_in_order_and_then_the_end() {
    both(|way| {
        for (s, r) in kinds() {
            way.scope(|scope| {
                scope.spawn(move || (0..500).for_each(|i| s.send(i).unwrap()));
                for i in 0..500 {
                    assert_eq!(r.recv(), Ok(i));
                }
                assert_eq!(r.recv(), Err(RecvError));
                assert_eq!(r.try_recv(), Err(TryRecvError::Disconnected));
            });
        }
    });
}

#[test]
fn every_value_is_received_once_by_somebody() {
    both(|way| {
        for (s, r) in kinds() {
            let got = Mutex::new(Vec::new());
            way.scope(|scope| {
                for sender in 0..4 {
                    let s = s.clone();
                    scope.spawn(move || {
                        (0..250).for_each(|i| s.send(sender * 250 + i).unwrap());
                    });
                }
                drop(s);
                for _ in 0..4 {
                    let (r, got) = (r.clone(), &got);
                    scope.spawn(move || {
                        let mine: Vec<i32> = r.iter().collect();
                        got.lock().unwrap().extend(mine);
                    });
                }
            });
            let got = got.into_inner().unwrap();
            assert_eq!(got.len(), 1000);
            assert_eq!(got.into_iter().collect::<HashSet<_>>().len(), 1000);
        }
    });
}

#[test]
fn trying_says_why_not() {
    both(|_| {
        let (s, r) = bounded(1);
        assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(s.try_send(1), Ok(()));
        assert_eq!(s.try_send(2), Err(TrySendError::Full(2)));
        assert_eq!((r.len(), r.is_full(), s.is_empty()), (1, true, false));
        assert_eq!(r.try_recv(), Ok(1));
        drop(r);
        assert_eq!(s.try_send(3), Err(TrySendError::Disconnected(3)));
        let (s, r) = bounded::<i32>(0);
        assert_eq!(s.try_send(1), Err(TrySendError::Full(1)));
        assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(
            (r.is_empty(), r.is_full(), r.capacity()),
            (true, true, Some(0))
        );
        drop(s);
        assert_eq!(r.try_recv(), Err(TryRecvError::Disconnected));
    });
}

#[test]
fn a_try_meets_a_partner_that_waits() {
    both(|way| {
        let (s, r) = bounded(0);
        way.scope(|scope| {
            scope.spawn(|| assert_eq!(r.recv(), Ok(1)));
            while s.try_send(1).is_err() {
                way.yield_now();
            }
        });
        way.scope(|scope| {
            scope.spawn(|| s.send(2).unwrap());
            loop {
                match r.try_recv() {
                    Ok(n) => break assert_eq!(n, 2),
                    Err(e) => assert_eq!(e, TryRecvError::Empty),
                }
                way.yield_now();
            }
        });
    });
}

#[test]
fn the_last_handle_of_a_side_ends_it() {
    both(|way| {
        for (s, r) in kinds::<i32>() {
            let (s2, r2) = (s.clone(), r.clone());
            way.scope(|scope| {
                scope.spawn(|| assert_eq!(r2.recv(), Err(RecvError)));
                drop(s);
                way.yield_now();
                drop(s2);
            });
            assert_eq!(r.recv(), Err(RecvError));
        }
        let (s, r) = bounded(1);
        s.send(0).unwrap();
        way.scope(|scope| {
            scope.spawn(|| assert_eq!(s.send(1), Err(SendError(1))));
            way.sleep(MS);
            drop(r);
        });
        assert!(s.is_empty(), "what nobody can receive is gone");
    });
}

#[test]
fn closing_wakes_all_and_leaves_what_is_there() {
    both(|way| {
        let (s, r) = bounded(2);
        s.send(1).unwrap();
        s.send(2).unwrap();
        way.scope(|scope| {
            scope.spawn(|| assert_eq!(s.send(3), Err(SendError(3))));
            way.sleep(MS);
            s.close();
        });
        assert_eq!(s.try_send(4), Err(TrySendError::Disconnected(4)));
        assert_eq!(
            s.send_timeout(5, FAR),
            Err(SendTimeoutError::Disconnected(5))
        );
        assert_eq!(
            (r.recv(), r.recv(), r.recv()),
            (Ok(1), Ok(2), Err(RecvError))
        );
        let again = catch_unwind(AssertUnwindSafe(|| s.clone().close())).unwrap_err();
        assert_eq!(again.downcast_ref(), Some(&"close of closed channel"));

        let (s, r) = bounded::<()>(0);
        way.scope(|scope| {
            for _ in 0..5 {
                scope.spawn(|| assert_eq!(r.recv(), Err(RecvError)));
            }
            way.sleep(MS);
            s.close();
        });
    });
}

#[test]
fn time_runs_out_and_the_value_comes_back() {
    both(|_| {
        for (s, r) in kinds() {
            let start = Instant::now();
            assert_eq!(r.recv_timeout(MS), Err(RecvTimeoutError::Timeout));
            assert!(start.elapsed() >= MS);
            while s.try_send(0).is_ok() && s.capacity().is_some() {}
            if s.capacity().is_some() {
                let start = Instant::now();
                assert_eq!(s.send_timeout(9, MS), Err(SendTimeoutError::Timeout(9)));
                let past = Instant::now();
                assert_eq!(s.send_deadline(8, past), Err(SendTimeoutError::Timeout(8)));
                assert!(start.elapsed() >= MS);
            }
            while r.try_recv().is_ok() {}
            assert_eq!(
                r.recv_deadline(Instant::now()),
                Err(RecvTimeoutError::Timeout)
            );
        }
    });
}

#[test]
fn time_does_not_run_out_when_a_partner_comes() {
    both(|way| {
        for (s, r) in kinds() {
            way.scope(|scope| {
                scope.spawn(|| {
                    way.sleep(MS);
                    s.send_timeout(1, FAR).unwrap();
                    s.send_timeout(2, Duration::MAX).unwrap();
                });
                assert_eq!(r.recv_timeout(FAR), Ok(1));
                assert_eq!(r.recv_timeout(Duration::MAX), Ok(2));
            });
        }
    });
}

/// Time-outs that race with partners: each value is received, or comes back, never both.
#[test]
fn racing_time_outs_lose_and_double_nothing() {
    both(|way| {
        let alive = AtomicUsize::new(0);
        let (sent, received) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (s, r) = bounded(0);
        way.scope(|scope| {
            for task in 0..3 {
                let (s, r) = (s.clone(), r.clone());
                let (alive, sent, received) = (&alive, &sent, &received);
                scope.spawn(move || {
                    for i in 0..200u64 {
                        let value = Counted::new(alive, 1);
                        if s.send_timeout(value, Duration::from_micros(i % 7 * 20))
                            .is_ok()
                        {
                            sent.fetch_add(1, SeqCst);
                        }
                    }
                });
                scope.spawn(move || {
                    for i in 0..200u64 {
                        let wait = Duration::from_micros((i + task) % 5 * 30);
                        if let Ok(value) = r.recv_timeout(wait) {
                            received.fetch_add(value.1, SeqCst);
                        }
                    }
                });
            }
        });
        assert_eq!(sent.into_inner(), received.into_inner());
        assert_eq!(alive.load(SeqCst), 0);
    });
}

#[test]
fn every_value_is_dropped_once_wherever_the_channel_ends() {
    both(|way| {
        let alive = AtomicUsize::new(0);
        for (s, r) in kinds() {
            way.scope(|scope| {
                let s2 = s.clone();
                let alive = &alive;
                scope.spawn(move || {
                    let mut n = 0;
                    while s2.send(Counted::new(alive, n)).is_ok() {
                        n += 1;
                        if n == 100 {
                            break;
                        }
                    }
                });
                for _ in 0..10 {
                    drop(r.recv());
                }
                drop(r);
            });
            assert!(s.send(Counted::new(&alive, 0)).is_err());
            drop(s);
            assert_eq!(alive.load(SeqCst), 0);
        }
        for (s, r) in kinds() {
            while s.len() < 5 && s.try_send(Counted::new(&alive, 0)).is_ok() {}
            if way == Way::Threads {
                drop(s);
                drop(r);
            } else {
                drop((r.into_iter(), s));
            }
            assert_eq!(alive.load(SeqCst), 0);
        }
    });
}

#[test]
fn after_a_panicking_drop_the_channel_is_gone_and_nothing_is_dropped_twice() {
    both(|_| {
        struct Bomb<'a>(&'a AtomicUsize);
        impl Drop for Bomb<'_> {
            fn drop(&mut self) {
                self.0.fetch_add(1, SeqCst);
                panic!("boom");
            }
        }
        let all_drops = [AtomicUsize::new(0), AtomicUsize::new(0)];
        for ((s, r), drops) in [bounded(4), unbounded()].into_iter().zip(&all_drops) {
            (0..4).for_each(|_| s.send(Bomb(drops)).unwrap());
            assert!(catch_unwind(AssertUnwindSafe(|| drop(r))).is_err());
            assert_eq!(drops.load(SeqCst), 1);
            assert!(s.is_empty());
            std::mem::forget(s.send(Bomb(drops)).unwrap_err());
        }
    });
}

#[test]
fn zero_sized_wide_and_large_values() {
    #[derive(Debug, PartialEq, Clone, Copy)]
    #[repr(align(256))]
    struct Wide(u8);
    both(|way| {
        fn pass<T: Copy + PartialEq + Debug + Send + Sync>(way: Way, value: T) {
            for (s, r) in kinds() {
                way.scope(|scope| {
                    scope.spawn(|| (0..20).for_each(|_| s.send(value).unwrap()));
                    (0..20).for_each(|_| assert_eq!(r.recv(), Ok(value)));
                });
            }
        }
        pass(way, ());
        pass(way, Wide(7));
        pass(way, [9u64; 300]);
        pass(way, u128::MAX);
    });
}

#[test]
fn iterators_end_with_the_channel() {
    both(|way| {
        for (s, r) in kinds() {
            way.scope(|scope| {
                scope.spawn(move || (0..30).for_each(|i| s.send(i).unwrap()));
                assert_eq!(r.iter().take(10).sum::<i32>(), 45);
                let mut n = 10;
                for i in &r {
                    assert_eq!(i, n);
                    n += 1;
                    if n == 20 {
                        break;
                    }
                }
                assert_eq!(r.clone().into_iter().next(), Some(20));
                assert_eq!(r.into_iter().count(), 9);
            });
        }
        let (s, r) = unbounded();
        s.send(1).unwrap();
        assert_eq!(r.try_iter().collect::<Vec<_>>(), [1]);
        let mut iter = r.iter();
        drop(s);
        assert_eq!((iter.next(), iter.next()), (None, None));
    });
}

#[test]
fn handles_know_their_channel() {
    let (s, r) = bounded::<i32>(3);
    let (s2, r2) = unbounded::<i32>();
    assert!(s.same_channel(&s.clone()) && !s.same_channel(&s2));
    assert!(r.same_channel(&r.clone()) && !r.same_channel(&r2));
    assert!(never::<i32>().same_channel(&never()) && !never().same_channel(&r));
    assert_eq!((s.capacity(), s2.capacity()), (Some(3), None));
    assert_eq!(
        format!("{s:?} {r:?} {:?}", r.iter()),
        "Sender { .. } Receiver { .. } Iter { .. }"
    );
    fn all<T: Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>(_: T) {}
    all((s, r));
}

#[test]
fn errors_have_crossbeams_words() {
    let shown = [
        SendError(1).to_string(),
        format!("{:?} {:?}", SendError(1), TrySendError::Full(1)),
        TrySendError::Full(1).to_string(),
        SendTimeoutError::Timeout(1).to_string(),
        format!("{:?}", SendTimeoutError::Disconnected(1)),
        RecvError.to_string(),
        TryRecvError::Empty.to_string(),
        RecvTimeoutError::Timeout.to_string(),
        RecvTimeoutError::Disconnected.to_string(),
    ];
    let words = [
        "sending on a disconnected channel",
        "SendError(..) Full(..)",
        "sending on a full channel",
        "timed out waiting on send operation",
        "SendTimeoutError(..)",
        "receiving on an empty and disconnected channel",
        "receiving on an empty channel",
        "timed out waiting on receive operation",
        "channel is empty and disconnected",
    ];
    assert_eq!(shown, words.map(String::from));
    assert_eq!(
        TrySendError::from(SendError(5)),
        TrySendError::Disconnected(5)
    );
    assert_eq!(
        RecvTimeoutError::from(RecvError),
        RecvTimeoutError::Disconnected
    );
    assert!(TryRecvError::from(RecvError).is_disconnected());
}

#[test]
fn timer_channels_send_when_it_is_time_and_not_before() {
    both(|way| {
        let start = Instant::now();
        let r = after(2 * MS);
        assert_eq!((r.len(), r.capacity()), (0, Some(1)));
        assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
        let stamp = r.recv().unwrap();
        assert!(stamp >= start + 2 * MS && Instant::now() >= stamp);
        assert_eq!(r.recv_timeout(MS), Err(RecvTimeoutError::Timeout));

        let when = Instant::now() + 2 * MS;
        let r = at(when);
        let got = AtomicUsize::new(0);
        way.scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| match r.recv_deadline(when + 5 * MS) {
                    Ok(stamp) => assert!(stamp == when && got.fetch_add(1, SeqCst) == 0),
                    Err(e) => assert_eq!(e, RecvTimeoutError::Timeout),
                });
            }
        });
        assert_eq!(got.into_inner(), 1);

        let start = Instant::now();
        let ticker = tick(MS);
        let stamps: Vec<Instant> = ticker.iter().take(4).collect();
        assert!(stamps.is_sorted() && start.elapsed() >= 4 * MS);
        assert!(stamps.windows(2).all(|pair| pair[1] - pair[0] >= MS));
        assert_eq!(
            never::<i32>().recv_timeout(MS),
            Err(RecvTimeoutError::Timeout)
        );
        assert!(after(Duration::MAX).same_channel(&never()));
    });
}

#[test]
fn threads_and_goroutines_meet_in_one_channel() {
    check(|| {
        let (s, r) = bounded(2);
        let (s2, r2) = bounded(0);
        std::thread::scope(|threads| {
            threads.spawn(move || (0..300).for_each(|i| s.send(i).unwrap()));
            gosched::thread::scope(|goroutines| {
                goroutines.spawn(move || r.iter().for_each(|i| s2.send(i * 2).unwrap()));
                threads.spawn(move || assert_eq!(r2.iter().sum::<i32>(), 300 * 299));
            });
        });
    });
}

/// go-spec 1.16: with one P the order of everything is known.
#[test]
fn at_one_p_the_order_of_waking_is_gos() {
    let run = |close: bool| {
        let (s, r) = bounded::<usize>(0);
        let order = Mutex::new(Vec::new());
        gosched::thread::scope(|scope| {
            for i in 0..6 {
                let (r, order) = (&r, &order);
                scope.spawn(move || {
                    let got = r.recv();
                    assert_eq!(got, if close { Err(RecvError) } else { Ok(i) });
                    order.lock().unwrap().push(i);
                });
                until_waiting(i + 1, "chan receive");
            }
            if close {
                s.close();
            } else {
                (0..6).for_each(|i| s.try_send(i).unwrap()); // the longest waiter first
            }
        });
        order.into_inner().unwrap()
    };
    in_order(&[0, 5, 4, 3, 2, 1], || run(true));
    in_order(&[5, 0, 1, 2, 3, 4], || run(false));
}

//! Go's own tests of channels (chan_test.go, test/chan, test/closedchan.go; go-spec 3.B), said
//! again in Rust under Go's names. A nil channel is `never`, or a case that is left out.

#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use gosched::channel::{
    Receiver, RecvError, Sender, TryRecvError, TrySendError, bounded, select, unbounded,
};
use support::ways::{Way, both};

/// Enough to see that somebody does not go on; the truth of no test hangs on it.
const A_WHILE: Duration = Duration::from_millis(1);

/// B1 to B6: TestChan, at capacities from 0 on.
#[test]
fn test_chan() {
    both(|way| {
        for cap in [0, 1, 2, 3, 7, 16, 99, 199] {
            empty_blocks(way, cap);
            full_blocks(way, cap);
            closed_drains(cap);
            close_unblocks(way, cap);
            fifo(way, cap);
            mpmc(way, cap);
        }
    });
}

fn empty_blocks(way: Way, cap: usize) {
    let (s, r) = bounded::<i32>(cap);
    let came = AtomicU32::new(0);
    way.scope(|scope| {
        scope.spawn(|| {
            assert_eq!(r.recv(), Ok(0));
            came.fetch_add(1, SeqCst);
        });
        scope.spawn(|| {
            let got = select! { recv(r) -> n => n, recv(r) -> n => n };
            assert_eq!(got, Ok(0));
            came.fetch_add(1, SeqCst);
        });
        way.sleep(A_WHILE);
        assert_eq!(came.load(SeqCst), 0, "receive from an empty channel");
        let tried = select! { recv(r) -> _ => false, default => true };
        assert!(tried);
        s.send(0).unwrap();
        s.send(0).unwrap();
    });
}

fn full_blocks(way: Way, cap: usize) {
    let (s, r) = bounded(cap);
    (0..cap).for_each(|i| s.send(i).unwrap());
    let sent = AtomicU32::new(0);
    way.scope(|scope| {
        scope.spawn(|| {
            s.send(usize::MAX).unwrap();
            sent.fetch_add(1, SeqCst);
            r.recv().unwrap();
        });
        way.sleep(A_WHILE);
        assert_eq!(sent.load(SeqCst), 0, "send to a full channel");
        if cap > 0 {
            assert!(select! { send(s, 0) -> _ => false, default => true });
        }
        r.recv().unwrap();
        if cap == 0 {
            s.send(0).unwrap(); // for the other's receive
        }
    });
}

fn closed_drains(cap: usize) {
    let (s, r) = bounded(cap);
    (0..cap).for_each(|i| s.send(i).unwrap());
    s.close();
    (0..cap).for_each(|i| assert_eq!(r.recv(), Ok(i)));
    assert_eq!(
        (r.recv(), r.try_recv()),
        (Err(RecvError), Err(TryRecvError::Disconnected))
    );
}

fn close_unblocks(way: Way, cap: usize) {
    let (s, r) = bounded::<i32>(cap);
    way.scope(|scope| {
        scope.spawn(|| assert_eq!(r.recv(), Err(RecvError)));
        way.sleep(A_WHILE);
        s.close();
    });
}

fn fifo(way: Way, cap: usize) {
    let (s, r) = bounded(cap);
    way.scope(|scope| {
        scope.spawn(|| (0..100).for_each(|i| s.send(i).unwrap()));
        for i in 0..100 {
            let got = if i % 2 == 0 {
                r.recv()
            } else {
                r.iter().next().ok_or(RecvError)
            };
            assert_eq!(got, Ok(i));
        }
    });
}

fn mpmc(way: Way, cap: usize) {
    const P: usize = 4;
    const L: usize = 100;
    let (s, r) = bounded(cap);
    let seen = Mutex::new(HashMap::new());
    way.scope(|scope| {
        for _ in 0..P {
            scope.spawn(|| (0..L).for_each(|i| s.send(i).unwrap()));
            scope.spawn(|| {
                for _ in 0..L {
                    let value = r.recv().unwrap();
                    *seen.lock().unwrap().entry(value).or_insert(0) += 1;
                }
            });
        }
    });
    let seen = seen.into_inner().unwrap();
    assert!(seen.len() == L && seen.values().all(|&n| n == P));
}

/// B7: test/chancap.go.
#[test]
fn chancap() {
    let (s, r) = bounded(10);
    assert_eq!((s.len(), s.capacity()), (0, Some(10)));
    (0..3).for_each(|i| s.send(i).unwrap());
    assert_eq!((r.len(), r.capacity()), (3, Some(10)));
    let too_large = catch_unwind(|| bounded::<[u64; 1 << 16]>(usize::MAX));
    assert!(too_large.is_err());
}

/// B8: what is buffered is seen by a try, whatever a close does meanwhile.
#[test]
fn test_nonblock_recv_race() {
    both(|way| {
        for _ in 0..500 {
            let (s, r) = bounded(1);
            s.send(1).unwrap();
            way.scope(|scope| {
                scope.spawn(|| assert_eq!(r.try_recv(), Ok(1)));
                s.close();
            });
        }
    });
}

/// B9, B10: a select with a default is a look at one moment.
#[test]
fn test_nonblock_select_race() {
    both(|way| {
        for round in 0..500 {
            let (s1, r1) = bounded(1);
            let (s2, r2) = bounded(1);
            s1.send(1).unwrap();
            way.scope(|scope| {
                scope.spawn(|| {
                    let found = select! {
                        recv(r1) -> _ => true,
                        recv(r2) -> _ => true,
                        default => false,
                    };
                    assert!(found, "one of the two was always ready");
                });
                if round % 2 == 0 {
                    s2.send(1).unwrap();
                } else {
                    s2.close();
                }
                let _ = r1.try_recv();
            });
        }
    });
}

/// B11: a select that sends and receives on one channel never meets itself.
#[test]
fn test_self_select() {
    both(|way| {
        for cap in [0, 10] {
            let (s, r) = bounded(cap);
            way.scope(|scope| {
                for me in 0..2 {
                    let (s, r) = (&s, &r);
                    scope.spawn(move || {
                        for i in 0..500 {
                            let own = |got: Result<i32, _>| cap == 0 && got == Ok(me);
                            if me == 0 || i % 2 == 0 {
                                select! {
                                    send(s, me) -> res => res.unwrap(),
                                    recv(r) -> got => assert!(!own(got)),
                                }
                            } else {
                                select! {
                                    recv(r) -> got => assert!(!own(got)),
                                    send(s, me) -> res => res.unwrap(),
                                }
                            }
                        }
                    });
                }
            });
        }
    });
}

/// B12: everybody who can send or receive on four channels does, until all is through.
#[test]
fn test_select_stress() {
    const N: usize = 300;
    both(|way| {
        let c = [bounded(0), bounded(0), bounded(2), bounded(3)];
        let total = AtomicUsize::new(0);
        way.scope(|scope| {
            for (s, r) in &c {
                let total = &total;
                scope.spawn(move || (0..N).for_each(|_| s.send(1).unwrap()));
                scope.spawn(move || {
                    total.fetch_add(r.iter().take(N).sum(), SeqCst);
                });
            }
            scope.spawn(|| select_all_sends(&c.each_ref().map(|(s, _)| s), N));
            scope.spawn(|| {
                select_all_receives(&c.each_ref().map(|(_, r)| r), N, &total);
            });
        });
        assert_eq!(total.into_inner(), 4 * N * 2);
    });
}

/// A case that has had its share is left out: Go sets its channel to nil.
fn select_all_sends(s: &[&Sender<usize>; 4], n: usize) {
    let mut left = [n; 4];
    while left != [0; 4] {
        let mut sel = gosched::channel::Select::new();
        let cases: Vec<usize> = (0..4).filter(|&i| left[i] > 0).collect();
        for &i in &cases {
            sel.send(s[i]);
        }
        let oper = sel.select();
        let i = cases[oper.index()];
        oper.send(s[i], 1).unwrap();
        left[i] -= 1;
    }
}

fn select_all_receives(r: &[&Receiver<usize>; 4], n: usize, total: &AtomicUsize) {
    let mut left = [n; 4];
    let nil = gosched::channel::never();
    while left != [0; 4] {
        let on = |i: usize| if left[i] > 0 { r[i] } else { &nil };
        let (i, got) = select! {
            recv(on(0)) -> n => (0, n),
            recv(on(1)) -> n => (1, n),
            recv(on(2)) -> n => (2, n),
            recv(on(3)) -> n => (3, n),
        };
        left[i] -= 1;
        total.fetch_add(got.unwrap(), SeqCst);
    }
}

/// B13: of two that are always ready, each wins half of the time, within ten sigma.
#[test]
fn test_select_fairness() {
    const TRIALS: u32 = 10_000;
    both(|way| {
        let [(s1, r1), (s2, r2)] = [bounded(TRIALS as usize + 1), bounded(TRIALS as usize + 1)];
        for _ in 0..=TRIALS {
            s1.send(1).unwrap();
            s2.send(2).unwrap();
        }
        let (_s3, r3) = bounded::<u8>(0);
        let (_s4, r4) = bounded::<u8>(0);
        let (out, counted) = bounded(0);
        let stop = AtomicBool::new(false);
        way.scope(|scope| {
            scope.spawn(|| {
                while !stop.load(SeqCst) {
                    let n = select! {
                        recv(r3) -> n => n,
                        recv(r4) -> n => n,
                        recv(r1) -> n => n,
                        recv(r2) -> n => n,
                    };
                    if out.send(n.unwrap()).is_err() {
                        break;
                    }
                }
            });
            let ones = counted
                .iter()
                .take(TRIALS as usize)
                .filter(|&n| n == 1)
                .count();
            stop.store(true, SeqCst);
            drop(counted);
            let half = f64::from(TRIALS) / 2.0;
            let sigma = half.sqrt() / 2.0f64.sqrt();
            assert!(
                (ones as f64 - half).abs() < 10.0 * sigma,
                "{ones} of {TRIALS}"
            );
        });
    });
}

/// B14: a select that sends 0 or 1 on one channel sends both.
#[test]
fn test_pseudo_random_send() {
    const N: usize = 100;
    both(|way| {
        for cap in [0, N] {
            let (s, r) = bounded(cap);
            let mut ones = 0;
            way.scope(|scope| {
                scope.spawn(|| {
                    for _ in 0..N {
                        way.yield_now();
                        select! {
                            send(s, 0) -> res => res.unwrap(),
                            send(s, 1) -> res => res.unwrap(),
                        }
                    }
                });
                ones = r.iter().take(N).sum();
            });
            assert!(
                ones > N / 10 && N - ones > N / 10,
                "{ones} ones of {N}, cap {cap}"
            );
        }
    });
}

/// B15: many workers relay from one channel to the next; nothing is lost, nothing is doubled.
#[test]
fn test_multi_consumer() {
    const WORKERS: usize = 23;
    const ITEMS: usize = 10_000;
    const PRIMES: [usize; 8] = [2, 3, 7, 11, 13, 17, 19, 23];
    both(|way| {
        let (q_in, q) = bounded(WORKERS * 3);
        let (r_in, r) = bounded(WORKERS * 3);
        let mut want = 0;
        way.scope(|scope| {
            for w in 0..WORKERS {
                let (q, r_in) = (q.clone(), r_in.clone());
                scope.spawn(move || {
                    for n in q {
                        if PRIMES.contains(&(w % 5 + n % 7)) {
                            way.yield_now();
                        }
                        r_in.send(n).unwrap();
                    }
                });
            }
            drop(r_in);
            let expected: usize = (0..ITEMS).map(|i| PRIMES[i % 8]).sum();
            scope.spawn(move || (0..ITEMS).for_each(|i| q_in.send(PRIMES[i % 8]).unwrap()));
            want = expected;
            let (mut n, mut sum) = (0, 0);
            for item in r {
                n += 1;
                sum += item;
                if item % 3 == 0 {
                    way.yield_now();
                }
            }
            assert_eq!((n, sum), (ITEMS, want));
        });
    });
}

/// B16: one goroutine stands twice in a queue, is woken through another channel, and leaves
/// the queue whole for the next waiter.
#[test]
fn test_select_duplicate_channel() {
    both(|way| {
        let (c_in, c) = bounded::<i32>(0);
        let (d_in, d) = bounded::<i32>(0);
        let (e_in, e) = bounded::<i32>(0);
        way.scope(|scope| {
            scope.spawn(|| {
                select! {
                    recv(c) -> _ => unreachable!(),
                    recv(c) -> _ => unreachable!(),
                    recv(d) -> got => assert_eq!(got, Ok(1)),
                }
                e_in.send(9).unwrap();
            });
            way.sleep(A_WHILE);
            scope.spawn(|| assert_eq!(c.recv(), Ok(3)));
            way.sleep(A_WHILE);
            d_in.send(1).unwrap();
            assert_eq!(e.recv(), Ok(9));
            c_in.send(3).unwrap();
        });
    });
}

/// B17: dynamic payloads, sent and received in a select.
#[test]
fn test_chan_send_interface() {
    both(|_| {
        let (s, r) = bounded::<Box<dyn std::error::Error + Send>>(1);
        s.send(Box::new(RecvError)).unwrap();
        select! {
            send(s, Box::new(RecvError)) -> _ => unreachable!(),
            default => {}
        }
        select! {
            send(s, Box::new(RecvError)) -> _ => unreachable!(),
            send(s, Box::new(TryRecvError::Empty)) -> _ => unreachable!(),
            default => {}
        }
        assert_eq!(r.recv().unwrap().to_string(), RecvError.to_string());
    });
}

/// B19: what cannot be done says so, and can be caught.
#[test]
fn test_runtime_panic_with_runtime_error() {
    let (s, _r) = bounded(1);
    s.close();
    let words = |f: &dyn Fn()| -> String {
        let payload = catch_unwind(AssertUnwindSafe(f)).unwrap_err();
        (*payload.downcast_ref::<&str>().unwrap()).to_owned()
    };
    assert_eq!(words(&|| s.close()), "close of closed channel");
    assert!(catch_unwind(AssertUnwindSafe(|| s.send(1).unwrap())).is_err());
    assert_eq!(s.try_send(1), Err(TrySendError::Disconnected(1)));
    let (s, r) = unbounded::<i32>();
    drop(r);
    s.close();
}

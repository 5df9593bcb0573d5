//! Go's test/chan programs and test/closedchan.go (go-spec 3.B20 to B37), said again in Rust.
//!
//! Left out: powser1 and powser2 (B33; the sieve and the chain say the same about channels),
//! perm and select5 (B32, B24: what they check is the compiler's business, ours is tested in
//! `select_macro.rs`), and what needs stacks that move (B18).

#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use gosched::channel::{
    Receiver, RecvError, Select, SendError, Sender, TryRecvError, bounded, never, select,
};
use support::ways::{Way, both};

const A_WHILE: Duration = Duration::from_millis(1);
const FAR: Duration = Duration::from_secs(50);

/// B20, test/chan/select.go. Go evaluates the messages of all cases; here one says so.
#[test]
fn select_go() {
    both(|_| {
        let (counter, shift) = (Cell::new(0u32), Cell::new(0u32));
        let value = || {
            counter.set(counter.get() + 1);
            1u32 << shift.get()
        };
        let send = |mut a: Option<&Sender<u32>>, mut b: Option<&Sender<u32>>| {
            let mut sends = 0;
            loop {
                let (va, vb) = (value(), value());
                let mut sel = Select::new();
                let ia = a.map_or(usize::MAX, |s| sel.send(s));
                let ib = b.map_or(usize::MAX, |s| sel.send(s));
                let Ok(oper) = sel.try_select() else {
                    break sends;
                };
                match oper.index() {
                    i if i == ia => (oper.send(a.take().unwrap(), va), ib).0.unwrap(),
                    _ => oper.send(b.take().unwrap(), vb).unwrap(),
                }
                sends += 1;
                shift.set(shift.get() + 1);
            }
        };
        let ((a, ra), (b, rb)) = (bounded(1), bounded(1));
        assert_eq!(send(Some(&a), Some(&b)), 2);
        assert_eq!(ra.recv().unwrap() | rb.recv().unwrap(), 3);
        assert_eq!(send(Some(&a), None), 1);
        assert_eq!(counter.get(), 10);
    });
}

/// B22, test/chan/select3.go: what blocks and what does not.
#[test]
fn select3() {
    both(|way| {
        let goes_on = |f: &(dyn Fn() + Sync)| {
            let done = AtomicBool::new(false);
            way.scope(|scope| {
                scope.spawn(|| {
                    f();
                    done.store(true, SeqCst);
                });
            });
            assert!(done.load(SeqCst));
        };
        let nil = never::<i32>();
        let (s, r) = bounded::<i32>(0);
        assert!(nil.recv_timeout(A_WHILE).is_err());
        assert!(r.recv_timeout(A_WHILE).is_err());
        assert!(s.send_timeout(1, A_WHILE).is_err());
        select! { recv(nil) -> _ => unreachable!(), default(A_WHILE) => {} }
        select! { default(A_WHILE) => {} }
        select! {
            recv(r) -> _ => unreachable!(),
            send(s, 7) -> _ => unreachable!("met itself"),
            default(A_WHILE) => {}
        }
        goes_on(&|| select! { recv(nil) -> _ => unreachable!(), default => {} });
        goes_on(&|| select! { send(s, 7) -> _ => unreachable!(), default => {} });
        let (s, r) = bounded::<i32>(10);
        goes_on(&|| s.send(7).unwrap());
        goes_on(&|| select! { send(s, 8) -> res => res.unwrap() });
        goes_on(&|| assert_eq!(r.recv(), Ok(7)));
        goes_on(&|| select! { recv(r) -> got => assert_eq!(got, Ok(8)) });
        assert!(r.recv_timeout(A_WHILE).is_err());
        (0..10).for_each(|i| s.send(i).unwrap());
        assert!(s.send_timeout(1, A_WHILE).is_err());
        s.close();
        goes_on(&|| assert_eq!(s.send(7), Err(SendError(7))));
        goes_on(&|| select! { send(s, 8) -> res => assert_eq!(res, Err(SendError(8))) });
        (0..10).for_each(|i| assert_eq!(r.recv(), Ok(i)));
        goes_on(&|| assert_eq!(r.recv(), Err(RecvError)));
        goes_on(&|| select! { recv(r) -> got => assert_eq!(got, Err(RecvError)) });
    });
}

/// B23, test/chan/select4.go: the destination of a case that was not chosen is not evaluated.
#[test]
fn select4() {
    let (s, r) = bounded(1);
    s.send(42).unwrap();
    let mut place = [0];
    let never_called = || -> usize { unreachable!() };
    select! {
        recv(never::<i32>()) -> got => place[never_called()] = got.unwrap(),
        recv(r) -> got => place[0] = got.unwrap(),
    }
    assert_eq!(place, [42]);
}

/// B25, test/chan/select6.go: to leave a queue at its tail does no harm to those before.
#[test]
fn select6() {
    both(|way| {
        let (s1, r1) = bounded::<bool>(0);
        let (s2, r2) = bounded::<bool>(0);
        let (s3, r3) = bounded::<bool>(0);
        way.scope(|scope| {
            scope.spawn(|| assert!(r1.recv().is_ok()));
            scope.spawn(|| {
                select! {
                    recv(r1) -> _ => unreachable!("nobody has sent there yet"),
                    recv(r2) -> _ => s3.send(true).unwrap(),
                }
                r1.recv().unwrap();
            });
            way.sleep(A_WHILE);
            s2.send(true).unwrap();
            r3.recv().unwrap();
            s1.send(true).unwrap();
            s1.send(true).unwrap();
        });
    });
}

/// B26, test/chan/select7.go: send forms against receives that throw the value away.
#[test]
fn select7() {
    type Recv = fn(&Receiver<i32>);
    type Send = fn(&Sender<i32>);
    let receives: [Recv; 3] = [
        |r| assert!(r.recv().is_ok()),
        |r| select! { recv(r) -> _ => {} },
        |r| select! { recv(r) -> _ => {}, recv(never::<i32>()) -> _ => {} },
    ];
    let sends: [Send; 3] = [
        |s| s.send(1).unwrap(),
        |s| select! { send(s, 1) -> res => res.unwrap() },
        |s| select! { send(s, 1) -> res => res.unwrap(), recv(never::<i32>()) -> _ => {} },
    ];
    both(|way| {
        for recv in receives {
            for send in sends {
                let (s, r) = bounded(0);
                way.scope(|scope| {
                    scope.spawn(|| recv(&r));
                    send(&s);
                });
            }
        }
    });
}

/// B27, test/chan/select8.go: a `break` leaves the loop around the select.
#[test]
fn select8() {
    let (s, r) = bounded(1);
    for cases in 1..=3 {
        let mut turns = 0;
        'select: loop {
            s.send(1).unwrap();
            turns += 1;
            match cases {
                1 => select! { recv(r) -> _ => if turns == 2 { break } },
                2 => select! {
                    recv(r) -> _ => if turns == 2 { break 'select },
                    default => unreachable!(),
                },
                _ => select! {
                    recv(r) -> _ => if turns == 2 { break 'select },
                    recv(never::<i32>()) -> _ => unreachable!(),
                    send(s, 2) -> _ => unreachable!(),
                },
            }
        }
        assert_eq!(turns, 2);
    }
}

/// B28, test/chan/doubleselect.go: one select, one case.
#[test]
fn doubleselect() {
    const N: i32 = 5_000;
    both(|way| {
        let [(s1, r1), (s2, r2), (s3, r3), (s4, r4)] = [(); 4].map(|()| bounded(1));
        let (s, r) = bounded(0);
        way.scope(|scope| {
            scope.spawn(move || {
                for i in 0..N {
                    select! {
                        send(s1, i) -> res => res.unwrap(),
                        send(s2, i) -> res => res.unwrap(),
                        send(s3, i) -> res => res.unwrap(),
                        send(s4, i) -> res => res.unwrap(),
                    }
                }
            });
            for input in [r1, r2, r3, r4] {
                let s = s.clone();
                scope.spawn(move || input.iter().for_each(|i| s.send(i).unwrap()));
            }
            drop(s);
            let mut seen: Vec<i32> = r.iter().collect();
            seen.sort_unstable();
            assert!(
                seen.iter().copied().eq(0..N),
                "a value came twice, or not at all"
            );
        });
    });
}

/// B29, test/chan/fifo.go.
#[test]
fn fifo() {
    const N: usize = 10;
    both(|way| {
        let (s, r) = bounded(N);
        (0..N).for_each(|i| s.send(i).unwrap());
        (0..N).for_each(|i| assert_eq!(r.recv(), Ok(i)));
        // Receivers in a chain: each waits for the one before.
        let (s, r) = bounded(0);
        way.scope(|scope| {
            let mut before: Option<Receiver<()>> = None;
            for i in 0..N {
                let (done, next) = bounded::<()>(1);
                let (r, mine) = (&r, before.replace(next));
                scope.spawn(move || {
                    if let Some(mine) = mine {
                        mine.recv().unwrap();
                    }
                    assert_eq!(r.recv(), Ok(i));
                    done.send(()).unwrap();
                });
            }
            (0..N).for_each(|i| s.send(i).unwrap());
            before.unwrap().recv().unwrap();
        });
    });
}

/// B30, test/chan/goroutines.go: a value goes through a chain from end to end.
#[test]
fn goroutines() {
    both(|way| {
        let links = if way == Way::Threads { 50 } else { 5_000 };
        way.scope(|scope| {
            let (first, mut last) = bounded(0);
            for _ in 0..links {
                let (s, r) = bounded(0);
                let input = std::mem::replace(&mut last, r);
                scope.spawn(move || s.send(input.recv().unwrap()).unwrap());
            }
            first.send(7).unwrap();
            assert_eq!(last.recv(), Ok(7));
        });
    });
}

/// B31, test/chan/nonblock.go: tries meet partners that wait, whatever the value's type.
#[test]
fn nonblock() {
    fn meet<T: Send + Sync + Copy + PartialEq + std::fmt::Debug>(way: Way, value: T) {
        for buffer in [0, 1] {
            let (s, r) = bounded(buffer);
            assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
            way.scope(|scope| {
                scope.spawn(|| s.send(value).unwrap());
                let got = std::iter::repeat_with(|| {
                    way.yield_now();
                    r.try_recv()
                });
                assert_eq!(got.flatten().next(), Some(value));
                scope.spawn(|| assert_eq!(r.recv(), Ok(value)));
                while s.try_send(value).is_err() {
                    way.yield_now();
                }
            });
        }
    }
    both(|way| {
        meet(way, 7i32);
        meet(way, true);
        meet(way, "hi");
        meet(way, [0xfeu8; 4000]);
        meet(way, ());
    });
}

/// B34, test/chan/sendstmt.go: a channel of channels in a select.
#[test]
fn sendstmt() {
    let (s, r) = bounded::<Sender<Receiver<i32>>>(1);
    let (s2, r2) = bounded(1);
    let (_s3, r3) = bounded(1);
    s.send(s2).unwrap();
    select! { send(r.recv().unwrap(), r3) -> res => res.unwrap() }
    assert!(r2.recv().unwrap().is_empty());
}

/// B35, test/chan/sieve1.go: each prime filters its multiples out.
#[test]
fn sieve1() {
    const PRIMES: [u32; 25] = [
        2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83,
        89, 97,
    ];
    both(|way| {
        way.scope(|scope| {
            let (s, mut from) = bounded(0);
            scope.spawn(move || assert!((2..).try_for_each(|n: u32| s.send(n)).is_err()));
            for want in PRIMES {
                let prime: u32 = from.recv().unwrap();
                assert_eq!(prime, want);
                let (s, r) = bounded(0);
                let input = std::mem::replace(&mut from, r);
                scope.spawn(move || {
                    let mut rest = input.iter().filter(|n| n % prime != 0);
                    let _ended = rest.try_for_each(|n| s.send(n));
                });
            }
        });
    });
}

/// B36, test/chan/zerosize.go.
#[test]
fn zerosize() {
    for cap in [0, 1] {
        drop(bounded::<[u8; 0]>(cap));
    }
    let (s, r) = bounded::<()>(usize::MAX >> 8);
    (0..1000).for_each(|_| s.send(()).unwrap());
    assert_eq!((s.len(), r.try_iter().count()), (1000, 1000));
}

/// B37, test/closedchan.go: closed looks the same to plain operations and to selects of one
/// and two cases, blocking or not; what was buffered still comes.
#[test]
fn closedchan() {
    type Recv = fn(&Receiver<i32>) -> Result<i32, RecvError>;
    let forms: [Recv; 6] = [
        |r| r.recv(),
        |r| r.try_recv().map_err(|_| RecvError),
        |r| select! { recv(r) -> got => got },
        |r| select! { recv(r) -> got => got, default => unreachable!() },
        |r| select! { recv(r) -> got => got, recv(never()) -> got => got },
        |r| select! { recv(r) -> got => got, recv(never()) -> got => got, default => unreachable!() },
    ];
    both(|way| {
        for recv in forms {
            for cap in [0, 1, 2] {
                let (s, r) = bounded(cap);
                (0..cap).for_each(|_| s.send(7).unwrap());
                s.close();
                (0..cap).for_each(|_| assert_eq!(recv(&r), Ok(7)));
                (0..3).for_each(|_| assert_eq!(recv(&r), Err(RecvError)));
                assert_eq!(s.send(1), Err(SendError(1)));
                select! { send(s, 1) -> res => assert!(res.is_err()), default => unreachable!() }
                select! {
                    send(s, 1) -> res => assert!(res.is_err()),
                    recv(never::<i32>()) -> _ => unreachable!(),
                }
            }
        }
        // Asleep in each form when it is closed.
        let (s, r) = bounded::<i32>(0);
        let answers = Mutex::new(Vec::new());
        way.scope(|scope| {
            for recv in [forms[0], forms[2], forms[4]] {
                let (r, answers) = (&r, &answers);
                scope.spawn(move || answers.lock().unwrap().push(recv(r)));
            }
            assert!(r.recv_timeout(A_WHILE).is_err());
            s.close();
            assert!(r.recv_timeout(FAR).is_err());
        });
        assert_eq!(answers.into_inner().unwrap(), [Err(RecvError); 3]);
    });
}

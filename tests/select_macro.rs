//! `select!` and `select_biased!`: the grammar, what is evaluated when, and who may be moved.

#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]
#![deny(unused_must_use)]

mod support;

use std::cell::Cell;
use std::time::Duration;

use gosched::channel::{
    self, Receiver, RecvError, SendError, Sender, after, bounded, never, select, select_biased,
    tick, unbounded,
};
use support::ways::both;

const MS: Duration = Duration::from_millis(1);
const FAR: Duration = Duration::from_secs(50);

#[test]
fn every_form_of_a_case_and_of_a_body() {
    let (s, r) = unbounded::<i32>();
    let (s2, _r2) = bounded::<i32>(0);
    s.send(1).unwrap();
    let n = select! {
        recv(r) -> msg => msg.unwrap(),
        recv(never::<i32>()) -> _ => unreachable!(),
    };
    assert_eq!(n, 1);
    s.send(2).unwrap();
    select! {
        recv(r,) -> msg => { assert_eq!(msg, Ok(2)) }
        send(s2, 5,) -> res => { res.unwrap() }
        default() => unreachable!()
    }
    let word = select! {
        recv(r) -> _ => "got",
        send(s2, 5) -> _ => { "sent" },
        default => "neither",
    };
    assert_eq!(word, "neither");
    let word = select! {
        default(MS,) => "time",
        recv(&r) -> _ => "got",
        recv(&&r) -> _ => "got",
    };
    assert_eq!(word, "time");
    assert_eq!(select! { default => 1 }, 1);
    assert_eq!(select! { default(MS) => { 2 } }, 2);
    assert_eq!(select! { recv(r) -> _ => 1, default => 2 }, 2);
    assert_eq!(select! { recv(r) -> _ => 1, default(MS) => 2 }, 2);
    assert_eq!(select! { send(s2, 1) -> _ => 1, default => 2 }, 2);
    assert_eq!(select! { send(s2, 1) -> _ => 1, default(MS) => 2 }, 2);
    select! { send(s, 9) -> res => assert_eq!(res, Ok(())) }
    assert_eq!(select! { recv(r) -> msg => msg }, Ok(9));
    s.send(3).unwrap();
    channel::select_biased! {
        recv(r) -> (Ok(3) | Ok(_) | Err(RecvError)) => {}
    }
}

#[test]
fn patterns_bind_and_bodies_may_leave() {
    fn first(r: &Receiver<(i32, String)>) -> Result<String, RecvError> {
        let text = select! {
            recv(r) -> msg => {
                let (_, text) = msg?;
                text
            }
            default(FAR) => return Ok(String::from("late")),
        };
        Ok(text)
    }
    let (s, r) = unbounded();
    s.send((1, String::from("x"))).unwrap();
    assert_eq!(first(&r).as_deref(), Ok("x"));
    drop(s);
    assert_eq!(first(&r), Err(RecvError));

    let (s, r) = unbounded();
    (0..10).for_each(|i| s.send(i).unwrap());
    let mut sum = 0;
    let last = 'outer: {
        loop {
            select! {
                recv(r) -> n => match n.unwrap() {
                    5 => break 'outer 5,
                    n if n % 2 == 0 => continue,
                    n => sum += n,
                },
                recv(never::<()>()) -> _ => {}
            }
        }
    };
    assert_eq!((last, sum), (5, 4));
}

#[test]
fn nests_and_repeats_names() {
    let (s, r) = unbounded();
    (0..3).for_each(|i| s.send(i).unwrap());
    let res = select! {
        recv(r) -> res => select! {
            recv(r) -> msg => select_biased! {
                recv(r) -> picked => res.unwrap() + msg.unwrap() + picked.unwrap(),
                recv(r) -> _ => unreachable!(),
            },
            recv(never::<i32>()) -> _ => 0,
        },
        default => 0,
    };
    assert_eq!(res, 3);
}

#[test]
fn channels_are_evaluated_in_order_and_messages_only_when_sent() {
    both(|_| {
        let log = Cell::new(0);
        let (s, r) = unbounded::<i32>();
        let (full, _keep) = bounded::<i32>(0);
        let sender = |s, at| {
            assert_eq!(log.replace(at), at - 1);
            s
        };
        let message = |n| {
            log.set(log.get() + 10);
            n
        };
        for _ in 0..20 {
            log.set(0);
            select! {
                send(sender(&full, 1), message(1)) -> _ => unreachable!(),
                send(sender(&s, 2), message(2)) -> res => res.unwrap(),
                send(sender(&full, 3), message(3)) -> _ => unreachable!(),
            }
            assert_eq!((log.get(), r.recv()), (13, Ok(2)));
        }
    });
}

#[test]
fn bodies_may_move_the_channels_and_messages() {
    let (s, r) = unbounded();
    let value = String::from("moved");
    let rest = select! {
        send(s, value) -> res => { res.unwrap(); drop(s); r }
        default => { drop((s, value)); r }
    };
    assert_eq!(rest.iter().collect::<Vec<_>>(), ["moved"]);

    let (s, r) = unbounded::<i32>();
    let keep = select! {
        recv(r) -> _ => { drop(r); s }
        default(MS) => { drop(r); s }
    };
    assert_eq!(keep.send(1), Err(SendError(1)));
}

#[test]
fn temporaries_and_options() {
    let (s, r) = unbounded();
    s.send(1).unwrap();
    let (some, none) = (Some(&r), None::<&Receiver<i32>>);
    for _ in 0..2 {
        select! {
            recv(none.unwrap_or(&never())) -> _ => unreachable!(),
            recv(some.cloned().unwrap_or_else(never)) -> msg => assert_eq!(msg, Ok(1)),
            recv(after(FAR)) -> _ => unreachable!(),
        }
        s.send(1).unwrap();
    }
    let ticker = tick(MS);
    let timeout = after(4 * MS);
    let mut ticks = 0;
    loop {
        select_biased! {
            recv(ticker) -> _ => ticks += 1,
            recv(timeout) -> _ => break,
        }
        if ticks == 2 {
            break;
        }
    }
}

#[test]
fn large_and_zero_sized_messages_need_no_common_type() {
    both(|way| {
        let (s1, r1) = bounded::<[u8; 5000]>(0);
        let (s2, r2) = bounded::<()>(0);
        let (s3, r3) = bounded::<Box<str>>(0);
        let mut seen = [false; 3];
        way.scope(|scope| {
            scope.spawn(|| s1.send([7; 5000]).unwrap());
            scope.spawn(|| s2.send(()).unwrap());
            scope.spawn(|| s3.send("three".into()).unwrap());
            while seen != [true; 3] {
                select! {
                    recv(r1) -> msg => { assert_eq!(msg, Ok([7; 5000])); seen[0] = true }
                    recv(r2) -> msg => { assert_eq!(msg, Ok(())); seen[1] = true }
                    recv(r3) -> msg => { assert_eq!(msg.as_deref(), Ok("three")); seen[2] = true }
                }
            }
        });
    });
}

#[test]
fn many_cases() {
    let (s, r) = unbounded::<i32>();
    s.send(1).unwrap();
    let n = never::<()>();
    select! {
        recv(n) -> _ => (), recv(n) -> _ => (), recv(n) -> _ => (), recv(n) -> _ => (),
        recv(n) -> _ => (), recv(n) -> _ => (), recv(n) -> _ => (), recv(n) -> _ => (),
        recv(n) -> _ => (), recv(n) -> _ => (), recv(n) -> _ => (), recv(n) -> _ => (),
        recv(n) -> _ => (), recv(n) -> _ => (), recv(n) -> _ => (), recv(n) -> _ => (),
        recv(n) -> _ => (), recv(n) -> _ => (), recv(n) -> _ => (), recv(n) -> _ => (),
        recv(n) -> _ => (), recv(n) -> _ => (), recv(n) -> _ => (), recv(n) -> _ => (),
        recv(n) -> _ => (), recv(n) -> _ => (), recv(n) -> _ => (), recv(n) -> _ => (),
        recv(n) -> _ => (), recv(n) -> _ => (), recv(n) -> _ => (), recv(r) -> msg => assert_eq!(msg, Ok(1)),
    }
}

#[test]
fn a_message_that_panics_gives_its_place_back() {
    fn no_message() -> i32 {
        std::panic::resume_unwind(Box::new("no message"))
    }
    both(|way| {
        let (s, r): (Sender<i32>, _) = bounded(0);
        way.scope(|scope| {
            scope.spawn(|| assert_eq!(r.recv_timeout(FAR), Ok(2)));
            let thrown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                select! {
                    send(s, no_message()) -> _ => {}
                }
            }));
            assert!(thrown.is_err());
            s.send(2).unwrap();
        });
    });
}

//! `Select`: choosing, completing, waiting for readiness, and what is kept for a late send.

#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use gosched::channel::{
    Receiver, RecvError, Select, SendError, TryRecvError, TrySendError, after, bounded, never,
    unbounded,
};
use support::wait_for;
use support::ways::{Way, both};

const MS: Duration = Duration::from_millis(1);
const FAR: Duration = Duration::from_secs(50);

/// No message and no backtrace for the panics that are meant.
fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let words = info.payload_as_str().unwrap_or_default();
            if !words.contains("without completing") {
                before(info);
            }
        }));
    });
}

/// Selects one of two receivers; which, and what it got.
fn either<T>(a: &Receiver<T>, b: &Receiver<T>) -> (usize, Result<T, RecvError>) {
    let mut sel = Select::new();
    sel.recv(a);
    sel.recv(b);
    let oper = sel.select();
    match oper.index() {
        0 => (0, oper.recv(a)),
        _ => (1, oper.recv(b)),
    }
}

#[test]
fn the_ready_one_is_picked() {
    both(|_| {
        let (s1, r1) = unbounded();
        let (s2, r2) = unbounded();
        s1.send(1).unwrap();
        assert_eq!(either(&r1, &r2), (0, Ok(1)));
        s2.send(2).unwrap();
        assert_eq!(either(&r1, &r2), (1, Ok(2)));
        drop(s1);
        assert_eq!(either(&r1, &r2), (0, Err(RecvError)));
        assert!(Select::new().try_select().is_err());
        assert!(Select::new().select_timeout(MS).is_err());
        let empty = catch_unwind(|| drop(Select::new().select())).unwrap_err();
        let words = "no operations have been added to `Select`";
        assert_eq!(empty.downcast_ref(), Some(&words));
    });
}

#[test]
fn a_sleeping_select_gets_the_value_or_the_end() {
    both(|way| {
        for capacity in [Some(0), Some(1), None] {
            let make = || capacity.map_or_else(unbounded, bounded);
            let ((s1, r1), (_s2, r2)) = (make(), make());
            way.scope(|scope| {
                scope.spawn(move || {
                    for i in 0..100 {
                        way.yield_now();
                        s1.send(i).unwrap();
                    }
                });
                for i in 0..100 {
                    assert_eq!(either(&r2, &r1), (1, Ok(i)));
                }
                assert_eq!(either(&r2, &r1), (1, Err(RecvError)));
            });
        }
    });
}

#[test]
fn selected_sends_meet_plain_and_selected_receives() {
    both(|way| {
        for capacity in [0, 1, 3] {
            let (s, r) = bounded(capacity);
            let (_s2, r2) = bounded::<usize>(0);
            way.scope(|scope| {
                scope.spawn(|| {
                    for i in 0..200 {
                        let mut sel = Select::new();
                        sel.recv(&r2);
                        let send = sel.send(&s);
                        let oper = sel.select();
                        assert_eq!(oper.index(), send);
                        way.yield_now(); // late
                        oper.send(&s, i).unwrap();
                    }
                });
                for i in 0..200 {
                    let got = match i % 3 {
                        0 => r.recv().unwrap(),
                        1 => either(&r2, &r).1.unwrap(),
                        _ => loop {
                            match r.try_recv() {
                                Ok(value) => break value,
                                Err(e) => assert_eq!(e, TryRecvError::Empty),
                            }
                            way.yield_now();
                        },
                    };
                    assert_eq!(got, i);
                }
            });
        }
    });
}

#[test]
fn a_promised_place_is_kept_and_comes_free() {
    both(|way| {
        let (s, r) = bounded(1);
        let mut sel = Select::new();
        sel.send(&s);
        let oper = sel.select();
        assert_eq!(
            s.try_send(9),
            Err(TrySendError::Full(9)),
            "the place is promised"
        );
        assert_eq!(
            r.try_recv(),
            Err(TryRecvError::Empty),
            "and nothing was sent"
        );
        assert!(sel.try_select().is_err());
        oper.send(&s, 1).unwrap();
        assert_eq!((s.len(), r.recv()), (1, Ok(1)));

        // Not kept: the next sender gets it.
        let oper = sel.select();
        way.scope(|scope| {
            scope.spawn(|| s.send(2).unwrap());
            way.sleep(MS);
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(oper))).unwrap_err();
            let words = "dropped `SelectedOperation` without completing the operation";
            assert_eq!(dropped.downcast_ref(), Some(&words));
            assert_eq!(r.recv_timeout(FAR), Ok(2));
        });

        // A receiver waits beside the promise, and gets what is sent by whomever.
        let oper = sel.select();
        way.scope(|scope| {
            scope.spawn(|| assert_eq!((r.recv(), r.recv()), (Ok(3), Ok(4))));
            wait_for("the receiver", || s.try_send(3).is_ok());
            oper.send(&s, 4).unwrap();
        });

        // Closed in between: the message comes back.
        let oper = sel.select();
        s.close();
        assert_eq!(oper.send(&s, 5), Err(SendError(5)));
        let oper = sel.select();
        assert_eq!(oper.send(&s, 6), Err(SendError(6)));
    });
}

#[test]
fn a_held_receiver_waits_for_its_sender_and_looks_again_if_that_gives_up() {
    both(|way| {
        let (s, r) = bounded(0);
        way.scope(|scope| {
            let got = AtomicUsize::new(0);
            let got = &got;
            way.scope(|inner| {
                inner.spawn(|| got.store(r.recv_timeout(FAR).unwrap(), SeqCst));
                let mut sel = Select::new();
                sel.send(&s);
                let oper = sel.select();
                assert_eq!(
                    s.try_send(9),
                    Err(TrySendError::Full(9)),
                    "held for another"
                );
                assert!(catch_unwind(AssertUnwindSafe(|| drop(oper))).is_err());
                wait_for("the receiver is back", || s.try_send(7).is_ok());
            });
            assert_eq!(got.load(SeqCst), 7);

            // A close in between does not undo what was agreed on.
            scope.spawn(|| assert_eq!(r.recv(), Ok(8)));
            let mut sel = Select::new();
            sel.send(&s);
            let oper = sel.select();
            s.close();
            oper.send(&s, 8).unwrap();
        });
    });
}

#[test]
fn time_runs_out_and_timers_join_in() {
    both(|_| {
        let (_s, r) = bounded::<i32>(1);
        let start = Instant::now();
        let mut sel = Select::new();
        sel.recv(&r);
        assert!(sel.select_timeout(2 * MS).is_err());
        assert!(sel.select_deadline(Instant::now()).is_err());
        assert!(sel.ready_timeout(MS).is_err() && sel.try_ready().is_err());
        assert!(start.elapsed() >= 3 * MS);

        let (soon, late) = (after(2 * MS), after(FAR));
        let start = Instant::now();
        let (index, stamp) = either(&late, &soon);
        assert!(index == 1 && stamp.unwrap() >= start + MS);
        assert!(start.elapsed() < FAR);
    });
}

#[test]
fn ready_tells_and_takes_nothing() {
    both(|way| {
        for capacity in [Some(0), Some(2), None] {
            let (s, r) = capacity.map_or_else(unbounded, bounded);
            way.scope(|scope| {
                scope.spawn(|| (0..50).for_each(|i| s.send(i).unwrap()));
                for i in 0..50 {
                    let mut sel = Select::new();
                    sel.recv(&r);
                    assert_eq!(sel.ready(), 0);
                    assert_eq!(sel.ready_timeout(FAR), Ok(0));
                    assert_eq!(r.try_recv(), Ok(i));
                }
            });
        }
        // All watchers hear of it.
        let (s, r) = bounded::<()>(0);
        way.scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut sel = Select::new();
                    sel.recv(&r);
                    assert_eq!(sel.ready(), 0);
                });
                scope.spawn(|| {
                    let mut sel = Select::new();
                    sel.send(&s);
                    assert_eq!(sel.ready(), 0);
                });
            }
            way.sleep(MS);
            s.close();
        });
    });
}

#[test]
fn each_ready_case_is_as_likely_and_biased_takes_the_first() {
    both(|_| {
        let channels: Vec<_> = (0..4).map(|_| unbounded()).collect();
        let mut hits = [0u32; 4];
        let mut sel = Select::new();
        let mut biased = Select::new_biased();
        for (s, r) in &channels {
            s.send(0).unwrap();
            sel.recv(r);
            biased.recv(r);
        }
        for _ in 0..4000 {
            let oper = sel.select();
            let (s, r) = &channels[oper.index()];
            hits[oper.index()] += 1;
            s.send(oper.recv(r).unwrap()).unwrap();
            assert_eq!(biased.ready(), 0);
        }
        assert!(
            hits.iter().all(|n| (727..1274).contains(n)),
            "{hits:?}: 10 sigma"
        );
        biased.remove(0);
        assert_eq!((biased.ready(), biased.clone().try_ready()), (1, Ok(1)));
    });
}

/// Cases on one channel, asleep: each of them is as likely to be caught.
#[test]
fn duplicates_are_fair_too() {
    both(|way| {
        let (s, r) = bounded(0);
        let mut hits = [0u32; 5];
        way.scope(|scope| {
            scope.spawn(move || (0..1000).for_each(|i| s.send(i).unwrap()));
            for i in 0..1000 {
                let mut sel = Select::new();
                for _ in &hits {
                    sel.recv(&r);
                }
                let oper = sel.select();
                hits[oper.index()] += 1;
                assert_eq!(oper.recv(&r), Ok(i));
            }
        });
        assert!(hits.iter().all(|&n| n > 70), "{hits:?}");
    });
}

#[test]
fn a_select_never_meets_itself() {
    both(|_| {
        let (s, r) = bounded::<i32>(0);
        let mut sel = Select::new();
        sel.send(&s);
        sel.recv(&r);
        assert!(sel.try_select().is_err());
        assert!(sel.select_timeout(MS).is_err());
        assert!(sel.ready_timeout(MS).is_err());
    });
}

#[test]
fn many_cases_large_values_and_removal() {
    both(|way| {
        let channels: Vec<_> = (0..100).map(|_| bounded::<[u64; 64]>(0)).collect();
        let mut sel = Select::new();
        for (_, r) in &channels {
            sel.recv(r);
        }
        sel.remove(40);
        let again = catch_unwind(AssertUnwindSafe(|| sel.clone().remove(40)));
        assert!(again.is_err());
        way.scope(|scope| {
            scope.spawn(|| channels[77].0.send([5; 64]).unwrap());
            let oper = sel.select();
            assert_eq!(oper.index(), 77);
            assert_eq!(oper.recv(&channels[77].1), Ok([5; 64]));
        });
        let nobody = never::<u8>();
        let mut sel = Select::new();
        sel.recv(&nobody);
        assert!(sel.select_timeout(MS).is_err() && sel.try_ready().is_err());
    });
}

/// Any handle of the channel will do; crossbeam-channel's do after 0.5.17.
#[test]
fn completing_with_a_clone() {
    both(|_| {
        for (s, r) in [bounded(0), bounded(1), unbounded()] {
            let (s2, r2) = (s.clone(), r.clone());
            let mut sel = Select::new();
            sel.send(&s);
            std::thread::scope(|scope| {
                let got = scope.spawn(|| r.recv());
                sel.select().send(&s2, String::from("sent")).unwrap();
                assert_eq!(got.join().unwrap().as_deref(), Ok("sent"));
            });
            let mut sel = Select::new();
            sel.recv(&r);
            std::thread::scope(|scope| {
                scope.spawn(|| s.send(String::from("received")).unwrap());
                assert_eq!(sel.select().recv(&r2).as_deref(), Ok("received"));
            });
        }
        let due = after(MS);
        let mut sel = Select::new();
        sel.recv(&due);
        sel.select().recv(&due.clone()).unwrap();
    });
}

#[test]
fn completing_with_another_channel_panics() {
    both(|_| {
        let (s, r) = unbounded();
        let (s2, r2) = unbounded();
        s.send(String::from("x")).unwrap();
        for wrong in [&r2, &never()] {
            let mut sel = Select::new();
            sel.recv(&r);
            let wrong = catch_unwind(AssertUnwindSafe(|| drop(sel.select().recv(wrong))));
            let words = "passed a receiver that wasn't selected";
            assert_eq!(wrong.unwrap_err().downcast_ref(), Some(&words));
            s.send(String::from("x")).unwrap();
        }
        let mut sel = Select::new();
        sel.send(&s);
        let wrong = catch_unwind(AssertUnwindSafe(|| sel.select().send(&s2, String::new())));
        let words = "passed a sender that wasn't selected";
        assert_eq!(wrong.unwrap_err().downcast_ref(), Some(&words));
        // The same channel, but its other side.
        let mut sel = Select::new();
        sel.recv(&r);
        let wrong = catch_unwind(AssertUnwindSafe(|| sel.select().send(&s, String::new())));
        assert_eq!(wrong.unwrap_err().downcast_ref(), Some(&words));
    });
}

/// Counts in are counts out, with everything that can race: selects of sends and receives,
/// time-outs, promises that are not kept, plain operations.
#[test]
fn random_selects_lose_and_double_nothing() {
    fn step(seed: &mut u64) -> u64 {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        *seed
    }
    let rounds = std::env::var("GOSCHED_STRESS")
        .ok()
        .and_then(|n| n.parse().ok());
    let rounds: u64 = rounds.unwrap_or(300);
    quiet();
    both(|way: Way| {
        let channels = [bounded(0), bounded(1), bounded(4), unbounded(), bounded(0)];
        let (sent, received) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (done, tasks) = (AtomicUsize::new(0), 6);
        let stop = AtomicBool::new(false);
        way.scope(|scope| {
            for task in 0..tasks {
                let (channels, sent, received, done) = (&channels, &sent, &received, &done);
                scope.spawn(move || {
                    let mut seed = 0x9e37_79b9_7f4a_7c15 ^ (task + 1);
                    for i in 0..rounds {
                        let mut sel = Select::new();
                        let cases: Vec<(bool, usize)> = (0..1 + step(&mut seed) % 4)
                            .map(|_| {
                                let n = step(&mut seed) % 10;
                                (n < 5, n as usize % 5)
                            })
                            .collect();
                        for &(is_send, c) in &cases {
                            let _ = match is_send {
                                true => sel.send(&channels[c].0),
                                false => sel.recv(&channels[c].1),
                            };
                        }
                        let wait = Duration::from_micros(step(&mut seed) % 4 * 50);
                        let Ok(oper) = sel.select_timeout(wait) else {
                            continue;
                        };
                        let (is_send, c) = cases[oper.index()];
                        let value = i as usize;
                        let give_up = step(&mut seed).is_multiple_of(8);
                        // On threads only: a panic that is being printed counts for its whole
                        // thread, whichever goroutine runs there.
                        if is_send && give_up && way == Way::Threads {
                            assert!(catch_unwind(AssertUnwindSafe(|| drop(oper))).is_err());
                        } else if is_send {
                            oper.send(&channels[c].0, value).unwrap();
                            sent.fetch_add(value, SeqCst);
                        } else {
                            received.fetch_add(oper.recv(&channels[c].1).unwrap(), SeqCst);
                        }
                    }
                    done.fetch_add(1, SeqCst);
                });
            }
            // One who takes everything at last, so that held partners are not left alone.
            let (channels, received, stop) = (&channels, &received, &stop);
            scope.spawn(move || {
                while !stop.load(SeqCst) {
                    for (_, r) in channels {
                        received.fetch_add(r.try_iter().sum(), SeqCst);
                    }
                    way.yield_now();
                }
            });
            while done.load(SeqCst) < tasks as usize {
                way.yield_now();
            }
            stop.store(true, SeqCst);
        });
        let left: usize = channels.iter().flat_map(|(_, r)| r.try_iter()).sum();
        assert_eq!(sent.into_inner(), received.into_inner() + left);
    });
}

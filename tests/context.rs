//! Contexts, at 1, 2 and 4 Ps: Go's own scenarios (their names beside each), and what a tree of
//! handles adds to them. Rows about foreign contexts have no counterpart: there are none.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use gosched::channel::{TryRecvError, bounded, select, unbounded};
use gosched::context::{
    BoxError, CancelFunc, Cause, Context, Error, after_func, background, cause, todo,
    with_cancel, with_cancel_cause, with_deadline, with_deadline_cause, with_timeout,
    with_timeout_cause, with_value, without_cancel,
};
use gosched::sync::{Barrier, WaitGroup};
use gosched::thread::{scope, spawn, yield_now};
use support::{check, check_outside, yield_until};

const HOUR: Duration = Duration::from_secs(3600);
const MS: Duration = Duration::from_millis(1);

#[track_caller]
fn assert_live(ctx: &Context) {
    assert_eq!(ctx.done().try_recv(), Err(TryRecvError::Empty), "{ctx:?}");
    assert_eq!((ctx.err(), cause(ctx).is_none()), (None, true));
}

#[track_caller]
fn assert_done(ctx: &Context, why: Error) {
    assert_eq!(ctx.done().try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(ctx.err(), Some(why));
    assert!(cause(ctx).is_some());
}

/// Waits until it is done; no sooner than its deadline.
#[track_caller]
fn assert_expires(ctx: &Context) {
    let due = ctx.deadline().expect("a deadline");
    assert!(ctx.done().recv().is_err());
    assert!(Instant::now() >= due, "early");
    assert_done(ctx, Error::DeadlineExceeded);
}

/// Go: TestBackground, TestTODO.
#[test]
fn the_roots_are_never_done() {
    check(|| {
        for (root, name) in [
            (background(), "context.Background"),
            (todo(), "context.TODO"),
        ] {
            assert_live(&root);
            assert_eq!(root.deadline(), None);
            assert_eq!(root.value::<u8>(&1_u8), None);
            assert_eq!(format!("{root:?}"), name);
        }
    });
}

/// Go: TestWithCancel.
#[test]
fn cancelling_is_seen_through_all_layers_at_once() {
    check(|| {
        let (c1, cancel) = with_cancel(&background());
        let c2 = with_value(&c1, "layer", 2);
        let (c3, _keep) = with_cancel(&c2);
        let all = [&c1, &c2, &c3];
        all.into_iter().for_each(assert_live);
        cancel.cancel();
        all.into_iter()
            .for_each(|ctx| assert_done(ctx, Error::Canceled));
        cancel.cancel();
        assert_eq!(c3.value(&"layer"), Some(&2));
    });
}

/// Go: TestParentFinishesChild.
#[test]
fn a_parent_takes_all_kinds_of_children_with_it() {
    check(|| {
        let (parent, cancel) = with_cancel(&background());
        let (plain, _stop1) = with_cancel(&parent);
        let value = with_value(&parent, "key", "value");
        let (through_value, _stop2) = with_cancel(&value);
        let (timer, _stop3) = with_timeout(&value, HOUR);
        let (started, starts) = bounded(1);
        let func = after_func(&parent, move || started.send(()).unwrap());
        let all = [&parent, &plain, &value, &through_value, &timer];
        all.into_iter().for_each(assert_live);
        cancel.cancel();
        all.into_iter()
            .for_each(|ctx| assert_done(ctx, Error::Canceled));
        assert_eq!(starts.recv(), Ok(()));
        assert!(!func.stop());
        let (late, _stop4) = with_cancel(&through_value);
        assert_done(&late, Error::Canceled);
    });
}

/// Go: TestChildFinishesFirst.
#[test]
fn a_child_leaves_its_parent_alone() {
    check(|| {
        let (cancelable, stop) = with_cancel(&background());
        for parent in [background(), cancelable] {
            let (child, cancel) = with_cancel(&parent);
            let (sibling, cancel_sibling) = with_cancel(&parent);
            cancel.cancel();
            assert_done(&child, Error::Canceled);
            assert_live(&parent);
            assert_live(&sibling);
            cancel_sibling.cancel();
        }
        stop.cancel();
    });
}

/// Go: TestDeadline, TestTimeout.
#[test]
fn a_deadline_comes_and_the_earlier_one_counts() {
    check(|| {
        let (ctx, _c) = with_deadline(&background(), Instant::now() + 5 * MS);
        assert_expires(&ctx);
        let (ctx, _c) = with_timeout(&background(), 5 * MS);
        assert_expires(&ctx);

        // Through layers, each of them later.
        let due = Instant::now() + 5 * MS;
        let (ctx, _c) = with_deadline(&background(), due);
        let (ctx, _c) = with_timeout(&with_value(&ctx, 1, 2), HOUR);
        let (ctx, _c) = with_cancel(&ctx);
        assert_eq!(ctx.deadline(), Some(due));
        assert_expires(&ctx);

        // The inner one earlier: the outer one stays.
        let (outer, stop) = with_timeout(&background(), HOUR);
        let (inner, _c) = with_timeout(&outer, 5 * MS);
        assert_expires(&inner);
        assert_live(&outer);
        stop.cancel();
    });
}

/// Go: TestDeadline ("in the past"), TestWithDeadlineCause.
#[test]
fn a_deadline_in_the_past_is_exceeded_at_once() {
    check(|| {
        for past in [Duration::ZERO, 10 * MS] {
            let (ctx, cancel) =
                with_deadline_cause(&background(), Instant::now() - past, "too late");
            assert_done(&ctx, Error::DeadlineExceeded);
            cancel.cancel();
            assert_done(&ctx, Error::DeadlineExceeded);
            assert_eq!(cause(&ctx).unwrap().to_string(), "too late");
        }
        let (ctx, _c) = with_timeout(&background(), Duration::ZERO);
        assert_done(&ctx, Error::DeadlineExceeded);
        let (far, stop) = with_timeout(&background(), Duration::MAX);
        assert_live(&far);
        stop.cancel();
    });
}

/// Go: TestCanceledTimeout.
#[test]
fn a_cancellation_before_the_deadline() {
    check(|| {
        let (ctx, _c) = with_timeout(&background(), HOUR);
        let (ctx, cancel) = with_timeout(&ctx, 2 * HOUR);
        cancel.cancel();
        assert_done(&ctx, Error::Canceled);
        _c.cancel();
    });
}

/// Go: TestDeadlineExceededSupportsTimeout.
#[test]
fn the_texts_are_gos() {
    assert_eq!(Error::Canceled.to_string(), "context canceled");
    assert_eq!(
        Error::DeadlineExceeded.to_string(),
        "context deadline exceeded"
    );
    assert!(Error::DeadlineExceeded.is_timeout() && !Error::Canceled.is_timeout());
}

/// Go: TestValues.
#[test]
fn the_nearest_value_with_the_key() {
    #[derive(PartialEq, Eq)]
    struct Key1(u8);
    #[derive(PartialEq, Eq)]
    struct Key2(u8);
    check(|| {
        let c0 = background();
        let c1 = with_value(&c0, Key1(1), "c1k1");
        let c2 = with_value(&c1, Key2(1), "c2k2");
        let c3 = with_value(&c2, Key2(3), "c3k3");
        let (c4, cancel) = with_cancel(&with_value(&c3, Key1(1), "shadow"));
        let o = without_cancel(&c4);
        let seen = |ctx: &Context| {
            let text = |value: Option<&&'static str>| value.copied().unwrap_or("");
            [
                text(ctx.value(&Key1(1))),
                text(ctx.value(&Key2(1))),
                text(ctx.value(&Key2(3))),
            ]
        };
        assert_eq!(seen(&c0), ["", "", ""]);
        assert_eq!(seen(&c1), ["c1k1", "", ""]);
        assert_eq!(seen(&c2), ["c1k1", "c2k2", ""]);
        assert_eq!(seen(&c3), ["c1k1", "c2k2", "c3k3"]);
        assert_eq!(seen(&c4), ["shadow", "c2k2", "c3k3"]);
        cancel.cancel();
        assert_eq!(seen(&c4), seen(&o));
        assert_eq!(c4.value::<String>(&Key1(1)), None, "of another type");
        assert_eq!(c4.value::<&str>(&1_u8), None, "a key of another type");
    });
}

/// Go: TestCustomContextGoroutines, for the contexts that there are here.
#[test]
fn no_goroutine_stands_behind_a_context() {
    check(|| {
        let before = gosched::num_goroutine();
        let (mut ctx, mut cancels) = (background(), Vec::new());
        for n in 0..10 {
            let (plain, cancel1) = with_cancel(&with_value(&ctx, n, n));
            let (timer, cancel2) = with_timeout(&plain, HOUR);
            after_func(&timer, || ());
            cancels.extend([cancel1, cancel2]);
            ctx = timer;
        }
        assert_eq!(gosched::num_goroutine(), before);
        cancels.iter().for_each(CancelFunc::cancel);
    });
}

/// Go: TestSimultaneousCancels.
#[test]
fn a_tree_is_cancelled_from_everywhere_at_once() {
    check(|| {
        let (root, stop) = with_cancel(&background());
        let mut all: Vec<(Context, CancelFunc)> = vec![(root, stop)];
        let mut next = 0;
        while all.len() < 100 {
            // Three children each.
            let parent = all[next].0.clone();
            all.extend((0..3).map(|_| with_cancel(&parent)));
            next += 1;
        }
        scope(|s| {
            for at in 0..all.len() {
                let (ctx, cancel) = &all[at * 37 % all.len()];
                s.spawn(move || {
                    cancel.cancel();
                    assert_done(ctx, Error::Canceled);
                });
            }
            all.iter()
                .for_each(|(ctx, _)| assert!(ctx.done().recv().is_err()));
        });
    });
}

/// Whoever cancels what is being cancelled waits for those below, too.
#[test]
fn after_any_cancel_all_below_are_cancelled() {
    check(|| {
        for _ in 0..50 {
            let (root, stop) = with_cancel(&background());
            let (middle, stop_middle) = with_cancel(&root);
            let leaves: Vec<_> = (0..20).map(|_| with_cancel(&middle).0).collect();
            let start = Barrier::new(2);
            scope(|s| {
                for cancel in [&stop, &stop_middle] {
                    s.spawn(|| {
                        start.wait();
                        cancel.cancel();
                        leaves
                            .iter()
                            .for_each(|leaf| assert_done(leaf, Error::Canceled));
                    });
                }
            });
        }
    });
}

/// Go: TestInterlockedCancels.
#[test]
fn a_child_is_cancelled_by_who_waits_for_its_parent() {
    check(|| {
        let (parent, cancel_parent) = with_cancel(&background());
        let (child, cancel_child) = with_cancel(&parent);
        let waiter = spawn(move || {
            assert!(parent.done().recv().is_err());
            cancel_child.cancel();
        });
        cancel_parent.cancel();
        assert!(child.done().recv().is_err());
        waiter.join().unwrap();
    });
}

/// Numbers that look random, the same ones each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % sides
    }
}

/// Go: TestLayersCancel, TestLayersTimeout.
#[test]
fn many_layers() {
    check(|| {
        for seed in 0..40 {
            let timeout = seed % 2 == 0;
            let mut dice = Dice(seed);
            let (mut ctx, mut values, mut cancels) = (background(), Vec::new(), Vec::new());
            for layer in 0..30 + dice.roll(30) {
                match dice.roll(3) {
                    0 => {
                        ctx = with_value(&ctx, layer, layer + 1);
                        values.push(layer);
                    }
                    1 => {
                        let (next, cancel) = with_cancel(&ctx);
                        ctx = next;
                        cancels.push(cancel);
                    }
                    _ => {
                        let (next, cancel) = with_timeout(&ctx, HOUR);
                        ctx = next;
                        cancels.push(cancel);
                    }
                }
            }
            let (leaf, _c) = with_timeout(&ctx, if timeout { MS } else { HOUR });
            let values_hold = || values.iter().all(|key| leaf.value(key) == Some(&(key + 1)));
            assert!(values_hold());
            if timeout {
                assert_expires(&leaf);
            } else {
                assert_live(&leaf);
                let any = dice.roll(cancels.len() as u64) as usize;
                cancels[any].cancel();
                assert_done(&leaf, Error::Canceled);
            }
            assert!(values_hold());
            cancels.iter().for_each(CancelFunc::cancel);
        }
    });
}

/// Go: TestWithCancelCanceledParent, TestWithCancelSimultaneouslyCanceledParent.
#[test]
fn the_child_of_a_cancelled_parent_has_its_cause() {
    check(|| {
        for _ in 0..100 {
            let (parent, cancel) = with_cancel_cause(&background());
            let canceler = spawn(move || cancel.cancel("because"));
            let (child, _c) = with_cancel(&parent);
            assert!(child.done().recv().is_err());
            assert_eq!(cause(&child).unwrap().to_string(), "because");
            assert_eq!(child.err(), Some(Error::Canceled));
            canceler.join().unwrap();
            let (late, _c) = with_timeout(&parent, HOUR);
            assert!(Arc::ptr_eq(
                &cause(&late).unwrap(),
                &cause(&parent).unwrap()
            ));
        }
    });
}

/// A row of `causes`: its name, the context, and what it answers to `err` and `cause`.
type Row = (&'static str, Context, Option<Error>, &'static str);

fn rows() -> Vec<Row> {
    const PARENT: &str = "parent's cause";
    const CHILD: &str = "child's cause";
    const SLOW: &str = "too slow";
    const CANCELED: &str = "context canceled";
    const EXCEEDED: &str = "context deadline exceeded";
    let (canceled, exceeded) = (Some(Error::Canceled), Some(Error::DeadlineExceeded));
    let mut rows: Vec<Row> = vec![
        ("Background", background(), None, ""),
        ("TODO", todo(), None, ""),
    ];
    let mut row = |name, ctx, err, cause| rows.push((name, ctx, err, cause));

    let (ctx, cancel) = with_cancel(&background());
    cancel.cancel();
    row("WithCancel", ctx, canceled, CANCELED);

    let (ctx, cancel) = with_cancel_cause(&background());
    cancel.cancel(PARENT);
    row("WithCancelCause", ctx, canceled, PARENT);
    let (ctx, cancel) = with_cancel_cause(&background());
    cancel.without_cause().cancel();
    row("WithCancelCause nil", ctx, canceled, CANCELED);

    for parent_first in [true, false] {
        let (parent, cancel_parent) = with_cancel_cause(&background());
        let (child, cancel_child) = with_cancel_cause(&parent);
        if parent_first {
            cancel_parent.cancel(PARENT);
            cancel_child.cancel(CHILD);
            row("parent before child", child, canceled, PARENT);
        } else {
            cancel_child.cancel(CHILD);
            cancel_parent.cancel(PARENT);
            row("child before parent", child, canceled, CHILD);
        }
        row("the parent of both", parent, canceled, PARENT);
    }
    for parent_first in [true, false] {
        let (parent, cancel_parent) = with_cancel_cause(&background());
        let (child, cancel_child) = with_cancel(&parent);
        if parent_first {
            cancel_parent.cancel(PARENT);
            cancel_child.cancel();
            row("parent before WithCancel", child, canceled, PARENT);
        } else {
            cancel_child.cancel();
            cancel_parent.cancel(PARENT);
            row("WithCancel before parent", child, canceled, CANCELED);
        }
    }

    let (ctx, _c) = with_timeout(&background(), Duration::ZERO);
    row("WithTimeout", ctx, exceeded, EXCEEDED);
    let (ctx, cancel) = with_timeout(&background(), HOUR);
    cancel.cancel();
    row("WithTimeout canceled", ctx, canceled, CANCELED);
    let (ctx, _c) = with_timeout_cause(&background(), Duration::ZERO, SLOW);
    row("WithTimeoutCause", ctx, exceeded, SLOW);
    let (ctx, cancel) = with_timeout_cause(&background(), HOUR, SLOW);
    cancel.cancel();
    row("WithTimeoutCause canceled", ctx, canceled, CANCELED);

    let (outer, cancel) = with_cancel_cause(&background());
    let (ctx, _c) = with_timeout_cause(&outer, Duration::ZERO, SLOW);
    cancel.cancel(PARENT);
    row("WithTimeoutCause stacked", ctx, exceeded, SLOW);
    let (outer, cancel) = with_cancel_cause(&background());
    let (ctx, _c) = with_timeout_cause(&outer, HOUR, SLOW);
    cancel.cancel(PARENT);
    row("WithTimeoutCause stacked canceled", ctx, canceled, PARENT);
    let (outer, _c) = with_timeout_cause(&background(), Duration::ZERO, PARENT);
    let (ctx, cancel) = with_timeout_cause(&outer, HOUR, SLOW);
    cancel.cancel();
    row("WithTimeoutCause of the outer one", ctx, exceeded, PARENT);

    let (outer, cancel) = with_cancel_cause(&background());
    let ctx = without_cancel(&outer);
    cancel.cancel(PARENT);
    row("WithoutCancel", ctx.clone(), None, "");
    let (ctx, cancel) = with_cancel_cause(&ctx);
    cancel.cancel(CHILD);
    row("WithoutCancel canceled", ctx, canceled, CHILD);
    let (outer, _c) = with_timeout_cause(&background(), Duration::ZERO, PARENT);
    let ctx = without_cancel(&outer);
    row("WithoutCancel timeout", ctx.clone(), None, "");
    let (ctx, _c) = with_timeout(&ctx, Duration::ZERO);
    row("WithoutCancel, WithTimeout", ctx, exceeded, EXCEEDED);
    row("a value of it", with_value(&outer, 1, 1), exceeded, PARENT);
    rows
}

/// Go: TestCause.
#[test]
fn causes() {
    check(|| {
        for (name, ctx, err, text) in rows() {
            assert_eq!(ctx.err(), err, "{name}");
            let cause = cause(&ctx).map(|cause| cause.to_string());
            assert_eq!(cause.as_deref().unwrap_or(""), text, "{name}");
        }
    });
}

/// Go: TestCause, the identity of the error.
#[test]
fn a_cause_is_the_error_itself() {
    check(|| {
        let (first, cancel) = with_cancel_cause(&background());
        cancel.cancel("12x".parse::<u8>().unwrap_err());
        let why: Cause = cause(&first).unwrap();
        assert!(why.downcast_ref::<std::num::ParseIntError>().is_some());
        let (second, cancel) = with_cancel_cause(&background());
        cancel.cancel(Arc::clone(&why));
        assert!(Arc::ptr_eq(&why, &cause(&second).unwrap()));
        let boxed: BoxError = why.into();
        let (third, cancel) = with_cancel_cause(&background());
        cancel.cancel(boxed);
        assert!(
            cause(&third)
                .unwrap()
                .downcast_ref::<std::num::ParseIntError>()
                .is_some()
        );
    });
}

/// Go: TestCauseRace.
#[test]
fn one_of_many_causes_counts() {
    check(|| {
        for _ in 0..10 {
            let (ctx, cancel) = with_cancel_cause(&background());
            let running = Arc::new(WaitGroup::new());
            for n in 0..5 {
                let cancel = cancel.clone();
                running.go(move || cancel.cancel(format!("{n}")));
            }
            let first = loop {
                if let Some(first) = cause(&ctx) {
                    break first;
                }
                yield_now();
            };
            running.wait();
            assert!(Arc::ptr_eq(&first, &cause(&ctx).unwrap()));
        }
    });
}

/// Go: TestContextErrDoneRace.
#[test]
fn who_sees_an_error_finds_done_closed_and_the_other_way_round() {
    check(|| {
        for round in 0..100 {
            let (ctx, cancel) = with_cancel(&background());
            if round % 2 == 0 {
                let _ = ctx.done(); // made before, or by the one who waits
            }
            let canceler = spawn(move || cancel.cancel());
            if round % 4 < 2 {
                yield_until("an error", || ctx.err().is_some());
                assert_eq!(ctx.done().try_recv(), Err(TryRecvError::Disconnected));
            } else {
                assert!(ctx.done().recv().is_err());
                assert_eq!(ctx.err(), Some(Error::Canceled));
            }
            canceler.join().unwrap();
        }
    });
}

/// Go: TestWithoutCancel.
#[test]
fn without_cancel_only_the_values_are_left() {
    check(|| {
        let key = "key";
        let (ctx, cancel) = with_timeout(&with_value(&background(), key, "value"), HOUR);
        let detached = without_cancel(&ctx);
        cancel.cancel();
        assert_live(&detached);
        assert_eq!(detached.deadline(), None);
        assert_eq!(detached.value(&key), Some(&"value"));
    });
}

/// Go: TestAfterFuncCalledAfterCancel, TestAfterFuncCalledAfterTimeout,
/// TestAfterFuncCalledImmediately.
#[test]
fn a_function_starts_when_its_context_is_done() {
    check(|| {
        let (started, starts) = unbounded();
        let start = |n: i32| {
            let started = started.clone();
            move || started.send(n).unwrap()
        };
        let (ctx, cancel) = with_cancel(&background());
        let stop = after_func(&ctx, start(1));
        for _ in 0..10 {
            yield_now();
        }
        assert!(starts.is_empty());
        cancel.cancel();
        assert_eq!(starts.recv(), Ok(1));
        assert!(!stop.stop());
        let stop = after_func(&with_value(&ctx, 1, 1), start(2));
        assert_eq!(starts.recv(), Ok(2));
        assert!(!stop.stop());
        let (ctx, _c) = with_timeout(&background(), MS);
        after_func(&ctx, start(3));
        assert_eq!(starts.recv(), Ok(3));
        assert_eq!(ctx.err(), Some(Error::DeadlineExceeded));
    });
}

/// Go: TestAfterFuncNotCalledAfterStop.
#[test]
fn a_stopped_function_does_not_start_and_is_dropped() {
    check(|| {
        let (ctx, cancel) = with_cancel(&background());
        let token = Arc::new(());
        let held = Arc::clone(&token);
        let stop = after_func(&ctx, move || unreachable!("{held:?} was stopped"));
        assert!(stop.stop() && !stop.stop());
        assert_eq!(Arc::strong_count(&token), 1);
        cancel.cancel();
        let never = after_func(&background(), || unreachable!());
        assert!(never.stop() && !never.stop());
    });
}

/// Go: TestAfterFuncCalledAsynchronously.
#[test]
fn a_cancellation_does_not_wait_for_functions() {
    check(|| {
        let (ctx, cancel) = with_cancel(&background());
        let (to_func, func) = bounded(0);
        after_func(&ctx, move || to_func.send(()).unwrap());
        cancel.cancel(); // returns, though nobody receives yet
        assert_eq!(func.recv(), Ok(()));
    });
}

#[test]
fn a_stop_and_a_cancellation_race_for_the_function() {
    check(|| {
        for _ in 0..200 {
            let (ctx, cancel) = with_cancel(&background());
            let ran = Arc::new(AtomicUsize::new(0));
            let runs = Arc::clone(&ran);
            let stop = after_func(&ctx, move || {
                runs.fetch_add(1, SeqCst);
            });
            let canceler = spawn(move || cancel.cancel());
            let stopped = stop.stop();
            canceler.join().unwrap();
            yield_until("its run", || stopped || ran.load(SeqCst) == 1);
            assert_eq!(ran.load(SeqCst), usize::from(!stopped));
        }
    });
}

/// A token that a cause holds, to see when the cause is gone.
#[derive(Debug)]
struct Token(#[expect(dead_code, reason = "only its count matters")] Arc<()>);

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad("token")
    }
}

impl std::error::Error for Token {}

fn token() -> (Token, Weak<()>) {
    let strong = Arc::new(());
    let weak = Arc::downgrade(&strong);
    (Token(strong), weak)
}

#[test]
fn a_cancelled_context_leaves_nothing_behind() {
    check(|| {
        let (root, stop_root) = with_cancel(&background());
        let (token, alive) = token();
        let (ctx, cancel) = with_timeout_cause(&root, HOUR, token);
        assert!(alive.upgrade().is_some());
        cancel.cancel();
        assert!(
            alive.upgrade().is_none(),
            "the timer and its cause are gone"
        );
        drop((ctx, cancel, root, stop_root));
    });
}

#[test]
fn an_expired_context_is_released() {
    check(|| {
        let (token, alive) = token();
        let (ctx, cancel) = with_timeout_cause(&background(), MS, token);
        let done = ctx.done().clone();
        drop((ctx, cancel)); // the timer still has it
        assert!(done.recv().is_err());
        yield_until("the release", || alive.upgrade().is_none());
    });
}

#[test]
fn a_channel_outlives_the_handles_as_long_as_somebody_can_cancel() {
    check(|| {
        let (root, cancel) = with_cancel(&background());
        let done = with_cancel(&with_cancel(&root).0).0.done().clone();
        drop(root);
        assert_eq!(done.try_recv(), Err(TryRecvError::Empty), "`cancel` can");
        cancel.cancel();
        assert!(done.recv().is_err());

        let (root, cancel) = with_cancel(&background());
        let done = with_cancel(&root).0.done().clone();
        drop((root, cancel));
        assert!(done.recv().is_err(), "nobody can");
    });
}

#[test]
fn who_waits_in_a_select_is_woken() {
    check(|| {
        let (ctx, cancel) = with_cancel(&background());
        let (_keep, work) = unbounded::<()>();
        let woken = AtomicUsize::new(0);
        scope(|s| {
            for _ in 0..10 {
                s.spawn(|| {
                    select! {
                        recv(ctx.done()) -> end => assert!(end.is_err()),
                        recv(work) -> _ => unreachable!(),
                    }
                    woken.fetch_add(1, Relaxed);
                });
            }
            yield_now();
            cancel.cancel();
        });
        assert_eq!(woken.load(Relaxed), 10);
    });
}

/// A guard cancels, also when its goroutine panics.
#[test]
fn on_drop() {
    check(|| {
        let (ctx, cancel) = with_cancel(&background());
        let ended = spawn(move || {
            let _cancel = cancel.on_drop();
            panic!("on purpose");
        });
        assert!(ctx.done().recv().is_err());
        assert!(ended.join().is_err());
        let (fresh, _c) = with_cancel(&background());
        assert_live(&fresh);
    });
}

/// Plain threads cancel goroutines, and the other way round.
#[test]
fn threads_and_goroutines_share_contexts() {
    check_outside(|| {
        let (to_goroutine, cancel_goroutine) = with_cancel(&background());
        let (to_thread, cancel_thread) = with_cancel(&background());
        let thread = std::thread::spawn(move || {
            assert!(to_thread.done().recv().is_err());
            cancel_goroutine.cancel();
        });
        // SAFETY: nothing in there is tied to an OS thread.
        unsafe {
            gosched::run(|| {
                let waiter = spawn(move || to_goroutine.done().recv());
                yield_now();
                cancel_thread.cancel();
                assert!(waiter.join().unwrap().is_err());
            });
        }
        thread.join().unwrap();
    });
}

#[test]
fn auto_traits() {
    fn shared<T: Send + Sync + Clone + std::fmt::Debug>() {}
    shared::<Context>();
    shared::<CancelFunc>();
    shared::<gosched::context::CancelCauseFunc>();
    shared::<gosched::sync::ErrGroup>();
    fn send<T: Send + Sync>() {}
    send::<gosched::context::Stop>();
    send::<gosched::context::CancelOnDrop>();
}

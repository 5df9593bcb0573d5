//! Groups of goroutines of which the first error counts, at 1, 2 and 4 Ps. Go's scenarios are
//! those of golang.org/x/sync/errgroup.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use gosched::channel::bounded;
use gosched::context::{BoxError, Error, background, with_cancel};
use gosched::sync::ErrGroup;
use gosched::thread::{scope, spawn, yield_now};
use support::check;

fn words(payload: &(dyn std::any::Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or(payload.downcast_ref::<&str>().copied())
        .unwrap_or("?")
}

/// Go: TestZeroGroup.
#[test]
fn the_first_error_is_the_answer() {
    check(|| {
        let cases: [&[Option<&str>]; 6] = [
            &[],
            &[None],
            &[Some("1")],
            &[Some("1"), None],
            &[Some("1"), None, Some("2")],
            &[None, Some("1"), Some("2")],
        ];
        for results in cases {
            let group = ErrGroup::new();
            let mut first = None;
            for &result in results {
                group.go(move || result.map_or(Ok(()), |text| Err(text.into())));
                first = first.or(result);
                let answer = group.wait().map_err(|error| error.to_string());
                assert_eq!(answer.err().as_deref(), first, "{results:?}");
            }
        }
    });
}

/// Go: TestWithContext.
#[test]
fn the_context_is_cancelled_by_the_first_error_or_by_wait() {
    check(|| {
        for results in [vec![], vec![false], vec![true], vec![true, false]] {
            let (group, ctx) = ErrGroup::with_context(&background());
            for &fails in &results {
                group.go(move || if fails { Err("broken".into()) } else { Ok(()) });
            }
            let fails = results.contains(&true);
            assert_eq!(group.wait().is_err(), fails);
            assert!(ctx.done().recv().is_err());
            assert_eq!(ctx.err(), Some(Error::Canceled));
            let cause = ctx.cause().unwrap().to_string();
            assert_eq!(cause, if fails { "broken" } else { "context canceled" });
        }
    });
}

#[test]
fn an_error_stops_those_who_watch_the_context() {
    check(|| {
        let (parent, stop) = with_cancel(&background());
        let (group, ctx) = ErrGroup::with_context(&parent);
        for _ in 0..10 {
            let ctx = ctx.clone();
            group.go(move || {
                let _ = ctx.done().recv();
                ctx.err().map_or(Ok(()), |error| Err(error.into()))
            });
        }
        group.go(|| {
            yield_now();
            "x".parse::<u8>()?;
            Ok(())
        });
        let error = group.wait().unwrap_err();
        assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
        assert!(Arc::ptr_eq(&error, &ctx.cause().unwrap()));
        assert!(parent.err().is_none());
        stop.cancel();

        let (group, ctx) = ErrGroup::with_context(&parent);
        let inner = ctx.clone();
        group.go(move || inner.err().map_or(Ok(()), |error| Err(error.into())));
        assert_eq!(group.wait().unwrap_err().to_string(), "context canceled");
    });
}

/// Go: TestGoLimit.
#[test]
fn no_more_than_the_limit_run_at_a_time() {
    check(|| {
        const LIMIT: usize = 3;
        let group = ErrGroup::new();
        group.set_limit(Some(LIMIT));
        let (active, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        for _ in 0..200 {
            let (active, most) = (Arc::clone(&active), Arc::clone(&most));
            group.go(move || {
                let now = active.fetch_add(1, SeqCst) + 1;
                most.fetch_max(now, SeqCst);
                yield_now();
                active.fetch_sub(1, SeqCst);
                if now > LIMIT {
                    return Err(format!("{now} at a time").into());
                }
                Ok(())
            });
        }
        group.wait().unwrap();
        assert!((1..=LIMIT).contains(&most.load(SeqCst)));
    });
}

/// Go: TestTryGo.
#[test]
fn try_go_starts_while_there_is_room() {
    check(|| {
        let group = ErrGroup::new();
        let (started, ran) = (42, Arc::new(AtomicUsize::new(0)));
        group.set_limit(Some(started));
        let (release, released) = bounded::<()>(0);
        for i in 0..=started {
            let (released, ran) = (released.clone(), Arc::clone(&ran));
            let went = group.try_go(move || {
                let _ = released.recv();
                ran.fetch_add(1, SeqCst);
                Ok(())
            });
            assert_eq!(went, i < started);
        }
        drop(release);
        group.wait().unwrap();
        assert_eq!(ran.load(SeqCst), started);

        group.set_limit(None);
        assert!(group.try_go(|| Ok(())));
        group.set_limit(Some(0));
        assert!(!group.try_go(|| unreachable!()));
        group.wait().unwrap();
    });
}

#[test]
fn the_limit_is_not_changed_while_goroutines_run() {
    check(|| {
        let group = ErrGroup::new();
        group.set_limit(Some(2));
        let (release, released) = bounded::<()>(0);
        for _ in 0..2 {
            let released = released.clone();
            group.go(move || {
                let _ = released.recv();
                Ok(())
            });
        }
        let change = catch_unwind(AssertUnwindSafe(|| group.set_limit(Some(3))));
        assert_eq!(
            words(&*change.unwrap_err()),
            "errgroup: modify limit while 2 goroutines in the group are still active"
        );
        drop(release);
        group.wait().unwrap();
        group.set_limit(Some(3));
    });
}

/// Go: TestPanic.
#[test]
fn a_panic_comes_out_of_wait_after_all_have_ended() {
    check(|| {
        let (group, ctx) = ErrGroup::with_context(&background());
        let (ended, waits) = (Arc::new(AtomicUsize::new(0)), ctx.clone());
        let mark = Arc::clone(&ended);
        group.go(move || {
            let _ = waits.done().recv(); // the panic cancels
            mark.store(1, SeqCst);
            Ok(())
        });
        group.go(|| panic!("on purpose"));
        let payload = catch_unwind(AssertUnwindSafe(|| group.wait())).unwrap_err();
        assert_eq!(words(&*payload), "on purpose");
        assert_eq!(ended.load(SeqCst), 1);
    });
}

/// Go: TestGoexit.
#[test]
fn a_goexit_comes_out_of_wait_as_one() {
    check(|| {
        let waiter = spawn(|| {
            let group = ErrGroup::new();
            group.go(|| gosched::goexit());
            let _ = group.wait();
            unreachable!("wait ends its goroutine");
        });
        let payload = waiter.join().unwrap_err();
        assert_eq!(words(&*payload), "?", "not a panic");
    });
}

#[test]
fn a_member_starts_others() {
    fn tree(group: &ErrGroup, depth: u32, leaves: &Arc<AtomicUsize>) {
        if depth == 0 {
            leaves.fetch_add(1, SeqCst);
            return;
        }
        for _ in 0..2 {
            let (inner, leaves) = (group.clone(), Arc::clone(leaves));
            group.go(move || {
                tree(&inner, depth - 1, &leaves);
                Ok::<(), BoxError>(())
            });
        }
    }
    check(|| {
        let (group, leaves) = (ErrGroup::new(), Arc::new(AtomicUsize::new(0)));
        tree(&group, 8, &leaves);
        group.wait().unwrap();
        assert_eq!(leaves.load(SeqCst), 256);
    });
}

#[test]
fn goroutines_that_borrow() {
    check(|| {
        let (words, ran) = (["a".to_owned(), "b".to_owned()], AtomicUsize::new(0));
        let answer = scope(|s| {
            let group = ErrGroup::new();
            group.set_limit(Some(1));
            for word in &words {
                let ran = &ran;
                group.go_scoped(s, move || {
                    yield_now();
                    match ran.fetch_add(1, SeqCst) {
                        0 => Ok(()),
                        _ => Err(word.clone().into()),
                    }
                });
            }
            group.wait()
        });
        assert_eq!(answer.unwrap_err().to_string(), "b");
        // Nobody waits for the group, but the scope does; it does not hear of the panic.
        scope(|s| {
            ErrGroup::new().go_scoped(s, || {
                yield_now();
                ran.fetch_add(1, SeqCst);
                std::panic::resume_unwind(Box::new("the group's"));
            });
        });
        assert_eq!(ran.load(SeqCst), 3);
        let passed_on = catch_unwind(AssertUnwindSafe(|| {
            scope(|s| {
                let group = ErrGroup::new();
                group.go_scoped(s, || std::panic::resume_unwind(Box::new("the group's")));
                let _ = group.wait();
            });
        }));
        assert_eq!(words_of(passed_on), "the group's");
    });
}

fn words_of(ended: std::thread::Result<()>) -> String {
    words(&*ended.unwrap_err()).to_owned()
}

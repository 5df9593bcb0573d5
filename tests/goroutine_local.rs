//! `goroutine_local!`: std's surface, one value for each goroutine, destroyed at its end.
#![allow(unsafe_code, reason = "the door into the runtime")]

use std::cell::{Cell, RefCell};
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use gosched::goroutine_local;
use gosched::thread::{AccessError, LocalKey, spawn, yield_now};

fn run<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    // SAFETY: nothing in these tests is tied to an OS thread.
    unsafe { gosched::run(f) }
}

goroutine_local! {
    static CONST: Cell<u32> = const { Cell::new(1) };
    #[allow(dead_code, reason = "attributes pass")]
    pub(crate) static UNUSED: u32 = 0;
    static LAZY: RefCell<Vec<u32>> = RefCell::new(vec![1]);
}
goroutine_local!(static LAST: Cell<u32> = Cell::new(9));

#[test]
fn every_goroutine_has_its_own_wherever_it_runs() {
    run(|| {
        let workers: Vec<_> = (0..50)
            .map(|i| {
                spawn(move || {
                    assert_eq!((CONST.get(), LAST.get()), (1, 9));
                    CONST.set(i);
                    for n in 0..20 {
                        yield_now();
                        LAZY.with_borrow_mut(|v| v.push(n));
                        assert_eq!(CONST.get(), i);
                    }
                    LAZY.with_borrow(Vec::len)
                })
            })
            .collect();
        for worker in workers {
            assert_eq!(worker.join().unwrap(), 21);
        }
        assert_eq!(CONST.get(), 1);
    });
}

#[test]
fn plain_threads_have_their_own() {
    CONST.set(5);
    std::thread::spawn(|| assert_eq!(CONST.replace(6), 1))
        .join()
        .unwrap();
    assert_eq!(CONST.take(), 5);
    assert_eq!(CONST.get(), 0);
}

#[test]
fn the_surface_is_std_s() {
    run(|| {
        assert_eq!(LAZY.take(), [1]);
        LAZY.set(vec![2, 3]);
        assert_eq!(LAZY.replace(vec![]), [2, 3]);
        assert_eq!(LAZY.with(|v| v.borrow().len()), 0);
        assert_eq!(CONST.try_with(Cell::get), Ok(1));
        let key: &'static LocalKey<Cell<u32>> = &CONST;
        key.set(3);
        assert_eq!(key.take(), 3);
    });
}

goroutine_local!(static NEVER: Cell<u32> = panic!("the initialiser ran"));

#[test]
fn set_does_not_run_the_initialiser() {
    run(|| {
        NEVER.set(4);
        assert_eq!(NEVER.get(), 4);
    });
}

goroutine_local!(static OUTER: Box<u32> = {
    if DEPTH.replace(1) == 0 {
        OUTER.with(|inner| assert_eq!(**inner, 1));
        Box::new(0)
    } else {
        Box::new(1)
    }
});
goroutine_local!(static DEPTH: Cell<u32> = const { Cell::new(0) });

#[test]
fn an_initialiser_may_find_its_own_value() {
    run(|| OUTER.with(|v| assert_eq!(**v, 1)));
}

static LOG: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

struct Logs(&'static str);

impl Drop for Logs {
    fn drop(&mut self) {
        yield_now(); // a destructor may suspend
        let error = SECOND.try_with(|_| ()).unwrap_err();
        assert_eq!(
            format!("{error:?}: {error}"),
            "AccessError: already destroyed"
        );
        let mut line = vec![self.0];
        let reached = |r: Result<(), AccessError>| if r.is_ok() { "alive" } else { "gone" };
        line.push(reached(FIRST.try_with(|_| ())));
        line.push(reached(SECOND.try_with(|_| ())));
        line.push(reached(CONST.try_with(|_| ())));
        LOG.lock().unwrap().extend(line);
    }
}

goroutine_local! {
    static FIRST: Logs = const { Logs("first") };
    static SECOND: Logs = Logs("second");
}

#[test]
fn destructors_run_youngest_first_before_the_join() {
    run(|| {
        spawn(|| {
            FIRST.with(|_| ());
            SECOND.with(|_| ());
            LOG.lock().unwrap().push("end");
        })
        .join()
        .unwrap();
        let log = LOG.lock().unwrap().clone();
        let wanted = [
            "end", "second", "alive", "gone", "alive", "first", "gone", "gone", "alive",
        ];
        assert_eq!(log, wanted);
    });
}

static DROPS: AtomicU32 = AtomicU32::new(0);

struct Counts;

impl Drop for Counts {
    fn drop(&mut self) {
        DROPS.fetch_add(1, Relaxed);
    }
}

struct Revives;

impl Drop for Revives {
    fn drop(&mut self) {
        COUNTS.with(|_| ());
    }
}

goroutine_local! {
    static COUNTS: Counts = Counts;
    static REVIVES: Revives = Revives;
}

#[test]
fn what_a_destructor_creates_is_destroyed_too() {
    run(|| {
        spawn(|| REVIVES.with(|_| ())).join().unwrap();
        assert_eq!(DROPS.load(Relaxed), 1);
        // Also after a panic, and for those that nobody joins.
        let panicked = spawn(|| {
            COUNTS.with(|_| ());
            std::panic::resume_unwind(Box::new(()));
        });
        assert!(panicked.join().is_err());
        assert_eq!(DROPS.load(Relaxed), 2);
        gosched::go(|| COUNTS.with(|_| ()));
        while DROPS.load(Relaxed) < 3 {
            yield_now();
        }
        gosched::thread::scope(|s| {
            s.spawn(|| COUNTS.with(|_| ()));
        });
        assert_eq!(DROPS.load(Relaxed), 4);
    });
}

//! `gosched::thread` does what `std::thread` does: from goroutines, from plain threads, and
//! between the two. At 1, 2 and 4 Ps, in debug and release.

#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use gosched::thread::{self, Builder};
use support::{check, check_outside, wait_for, yield_until};

/// Adds one when dropped.
struct Counts(Arc<AtomicUsize>);

impl Drop for Counts {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn panic_words(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&'static str>()
        .map(|s| (*s).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .expect("a panic with words")
}

#[test]
fn spawn_and_join_pass_values() {
    check(|| {
        let parts = vec![1, 2, 3];
        let h = thread::spawn(move || parts.into_iter().sum::<i32>());
        assert_eq!(h.join().unwrap(), 6);
        let handles: Vec<_> = (0..500).map(|i| thread::spawn(move || i * 2)).collect();
        let sum: i32 = handles.into_iter().map(|h| h.join().unwrap()).sum();
        assert_eq!(sum, 499 * 500);
    });
}

#[test]
fn big_closures_and_big_results() {
    check(|| {
        let big = [7_u8; 4096];
        let h = thread::spawn(move || {
            let mut other = big;
            other[17] = 1;
            (big, other)
        });
        let (a, b) = h.join().unwrap();
        assert!(a == big && b[17] == 1 && b[18] == 7);
        #[repr(align(128))]
        struct Aligned(u8);
        let aligned = Aligned(3);
        let h =
            thread::spawn(move || (&raw const aligned).addr() % 128 + usize::from(aligned.0));
        assert_eq!(h.join().unwrap(), 3);
    });
}

#[test]
fn a_panic_arrives_at_the_join_with_its_payload() {
    check(|| {
        let words = thread::spawn(|| -> u8 { panic!("static words") }).join();
        assert_eq!(panic_words(&*words.unwrap_err()), "static words");
        let n = 7;
        let words = thread::spawn(move || -> u8 { panic!("words with {n}") }).join();
        assert_eq!(panic_words(&*words.unwrap_err()), "words with 7");
        let any = thread::spawn(|| std::panic::panic_any(42_u64)).join();
        assert_eq!(*any.unwrap_err().downcast::<u64>().unwrap(), 42);
        let again = thread::spawn(|| std::panic::resume_unwind(Box::new('x'))).join();
        assert_eq!(*again.unwrap_err().downcast::<char>().unwrap(), 'x');
    });
}

#[test]
fn destructors_run_when_a_goroutine_panics() {
    check(|| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let (a, b) = (Counts(Arc::clone(&dropped)), Counts(Arc::clone(&dropped)));
        let h = thread::spawn(move || {
            let _a = a;
            let _on_stack = b;
            thread::yield_now();
            panic!("with things to drop");
        });
        assert!(h.join().is_err());
        assert_eq!(dropped.load(SeqCst), 2);
    });
}

#[test]
fn a_panic_is_caught_where_it_is_caught() {
    check(|| {
        let h = thread::spawn(|| {
            let caught = catch_unwind(|| {
                thread::yield_now();
                panic!("caught inside");
            });
            thread::yield_now();
            assert!(caught.is_err() && !std::thread::panicking());
            1
        });
        assert_eq!(h.join().unwrap(), 1);
    });
}

#[test]
fn a_builder_names_and_sizes() {
    check(|| {
        let h = Builder::new()
            .name("worker é".to_owned())
            .stack_size(1 << 20)
            .spawn(|| {
                let me = thread::current();
                (me.name().map(str::to_owned), me.id(), deep(300))
            })
            .unwrap();
        assert_eq!(h.thread().name(), Some("worker é"));
        let id = h.thread().id();
        let (name, inside, depth) = h.join().unwrap();
        assert_eq!(name.as_deref(), Some("worker é"));
        assert_eq!((inside, depth), (id, 300));
        assert_eq!(thread::spawn(|| ()).thread().name(), None);
    });
}

/// Uses about 1 KiB of stack a level.
#[inline(never)]
fn deep(n: usize) -> usize {
    let pad = std::hint::black_box([n; 128]);
    if n == 0 {
        0
    } else {
        1 + deep(n - 1) + (pad[0] - n)
    }
}

#[test]
fn a_builder_refuses_what_cannot_be() {
    check(|| {
        let too_big = Builder::new().stack_size((1 << 30) + 1).spawn(|| ());
        let e = too_big.map(|_| ()).unwrap_err();
        assert_eq!(e.kind(), std::io::ErrorKind::InvalidInput, "{e}");
        let huge = Builder::new().stack_size(usize::MAX).spawn(|| ());
        assert!(huge.is_err());
        let tiny = Builder::new().stack_size(0).spawn(|| 5).unwrap();
        assert_eq!(tiny.join().unwrap(), 5);
        let refused = catch_unwind(|| Builder::new().name("a\0b".to_owned()).spawn(|| ()));
        let words = panic_words(&*refused.map(|_| ()).unwrap_err());
        assert_eq!(words, "thread name may not contain interior null bytes");
    });
}

#[test]
fn a_refused_closure_is_dropped() {
    check(|| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let counts = Counts(Arc::clone(&dropped));
        let refused = Builder::new()
            .stack_size(usize::MAX)
            .spawn(move || drop(counts));
        assert!(refused.is_err());
        assert_eq!(dropped.load(SeqCst), 1);
        thread::scope(|s| {
            let counts = Counts(Arc::clone(&dropped));
            let b = Builder::new().stack_size(usize::MAX);
            assert!(b.spawn_scoped(s, move || drop(counts)).is_err());
        });
        assert_eq!(dropped.load(SeqCst), 2);
    });
}

#[test]
fn is_finished_turns_true_and_join_still_gives_the_value() {
    check(|| {
        let go = Arc::new(AtomicBool::new(false));
        let wait = Arc::clone(&go);
        let h = thread::spawn(move || {
            while !wait.load(SeqCst) {
                thread::yield_now();
            }
            "value"
        });
        thread::yield_now();
        assert!(!h.is_finished());
        go.store(true, SeqCst);
        yield_until("finished", || h.is_finished());
        assert_eq!(h.join().unwrap(), "value");
    });
}

#[test]
fn a_dropped_handle_detaches_and_the_result_is_dropped() {
    check(|| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let counts = Counts(Arc::clone(&dropped));
        drop(thread::spawn(move || counts));
        yield_until("the result dropped", || dropped.load(SeqCst) == 1);
        // The other order: the goroutine first.
        let counts = Counts(Arc::clone(&dropped));
        let h = thread::spawn(move || counts);
        yield_until("finished", || h.is_finished());
        assert_eq!(dropped.load(SeqCst), 1);
        drop(h);
        assert_eq!(dropped.load(SeqCst), 2);
    });
}

#[test]
fn a_token_waits_for_its_park_and_there_is_only_one() {
    check(|| {
        thread::current().unpark();
        thread::current().unpark();
        thread::park(); // takes the one token at once
        let parked = Arc::new(AtomicUsize::new(0));
        let p = Arc::clone(&parked);
        let h = thread::spawn(move || {
            thread::park();
            p.fetch_add(1, SeqCst);
            thread::park();
            p.fetch_add(1, SeqCst);
        });
        for wanted in 1..=2 {
            (0..20).for_each(|_| thread::yield_now());
            assert_eq!(parked.load(SeqCst), wanted - 1);
            h.thread().unpark();
            yield_until("woken", || parked.load(SeqCst) == wanted);
        }
        h.join().unwrap();
    });
}

#[test]
fn an_unpark_after_the_end_does_nothing() {
    check(|| {
        let h = thread::spawn(thread::current);
        let them = h.thread().clone();
        let itself = h.join().unwrap();
        assert_eq!(itself.id(), them.id());
        for _ in 0..100 {
            // Its G carries somebody else by now, who must not be woken.
            let h = thread::spawn(|| {
                thread::yield_now();
                thread::park();
            });
            them.unpark();
            itself.unpark();
            h.thread().unpark();
            h.join().unwrap();
        }
    });
}

#[test]
fn what_came_before_an_unpark_is_seen_after_the_park() {
    check(|| {
        for i in 0..200 {
            let data = Arc::new(AtomicUsize::new(0));
            let theirs = Arc::clone(&data);
            let h = thread::spawn(move || {
                thread::park();
                theirs.load(std::sync::atomic::Ordering::Relaxed)
            });
            data.store(i, std::sync::atomic::Ordering::Relaxed);
            h.thread().unpark();
            assert_eq!(h.join().unwrap(), i);
        }
    });
}

/// Who has no name gets its identity when somebody asks for it: here both ask at the same time.
#[test]
fn handle_and_goroutine_agree_who_it_is() {
    check(|| {
        for i in 0..300 {
            let h = thread::spawn(move || {
                if i % 3 == 0 {
                    thread::yield_now();
                }
                let me = thread::current();
                thread::park();
                (me, thread::current())
            });
            if i % 2 == 0 {
                thread::yield_now();
            }
            let from_outside = h.thread().clone();
            from_outside.unpark();
            let (before, after) = h.join().unwrap();
            assert_eq!(before.id(), after.id());
            assert_eq!(from_outside.id(), after.id());
            from_outside.unpark(); // after the end
        }
        thread::scope(|s| {
            let h = s.spawn(thread::park);
            h.thread().unpark();
            let id = h.thread().id();
            assert_eq!(s.spawn(move || id).join().unwrap(), h.thread().id());
            h.join().unwrap();
        });
    });
}

/// A result that nobody has taken is dropped by its goroutine, which may still ask who it is, and
/// have locals.
#[test]
fn who_drops_a_result_knows_who_it_is() {
    struct Asks(std::sync::mpsc::Sender<thread::ThreadId>);
    impl Drop for Asks {
        fn drop(&mut self) {
            let me = thread::current();
            assert_eq!(gosched::goroutine::id(), Some(me.id().as_u64()));
            KEPT.with(|kept| kept.set(Some(Kept)));
            self.0.send(me.id()).unwrap();
        }
    }
    struct Kept;
    impl Drop for Kept {
        fn drop(&mut self) {
            let me = thread::current().id().as_u64();
            assert_eq!(gosched::goroutine::id(), Some(me));
        }
    }
    gosched::goroutine_local! {
        static KEPT: std::cell::Cell<Option<Kept>> = const { std::cell::Cell::new(None) };
    }
    check(|| {
        for _ in 0..100 {
            let (to, said) = std::sync::mpsc::channel();
            let h = thread::spawn(move || Asks(to));
            let keeps = thread::spawn(thread::yield_now); // its packet is another
            drop(h);
            yield_until("the result is dropped", || said.try_recv().is_ok());
            keeps.join().unwrap();
        }
    });
}

#[test]
fn ids_are_never_used_twice_and_current_is_oneself() {
    check(|| {
        let me = thread::current();
        assert_eq!(me.id(), thread::current().id());
        assert_eq!(me.name(), Some("main"));
        let spawn = |_| {
            thread::spawn(|| {
                let before = thread::current().id();
                thread::yield_now();
                assert_eq!(before, thread::current().id());
                before
            })
        };
        let handles: Vec<_> = (0..300).map(spawn).collect();
        let mut ids: Vec<_> = handles
            .into_iter()
            .map(|h| {
                let id = h.thread().id();
                assert_eq!(h.join().unwrap(), id);
                id.as_u64()
            })
            .collect();
        ids.push(me.id().as_u64());
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 301);
        assert!(ids[0] > 0);
    });
}

#[test]
fn goexit_runs_destructors_and_ends_only_its_goroutine() {
    check(|| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let counts = Counts(Arc::clone(&dropped));
        let after = Arc::new(AtomicBool::new(false));
        let reached = Arc::clone(&after);
        let h = thread::spawn(move || {
            let _counts = counts;
            if std::hint::black_box(true) {
                gosched::goexit();
            }
            reached.store(true, SeqCst);
        });
        assert!(h.join().is_err());
        assert!(dropped.load(SeqCst) == 1 && !after.load(SeqCst));
        let counts = Counts(Arc::clone(&dropped));
        gosched::go(move || {
            let _counts = counts;
            gosched::goexit();
        });
        yield_until("the detached one ended", || dropped.load(SeqCst) == 2);
    });
}

#[test]
fn goexit_in_a_scope_waits_for_the_others_first() {
    check(|| {
        let done = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&done);
        let h = thread::spawn(move || {
            thread::scope(|s| {
                for _ in 0..3 {
                    s.spawn(|| {
                        thread::yield_now();
                        theirs.fetch_add(1, SeqCst);
                    });
                }
                gosched::goexit();
            });
        });
        assert!(h.join().is_err());
        assert_eq!(done.load(SeqCst), 3);
        // One of the scope's goroutines that ends by goexit has not panicked.
        thread::scope(|s| {
            s.spawn(|| {
                gosched::goexit();
            });
        });
    });
}

#[test]
fn a_scope_lends_what_is_around_it() {
    check(|| {
        let mut numbers = vec![1, 2, 3];
        let mut other = 0;
        let sum = thread::scope(|s| {
            let sum = s.spawn(|| numbers.iter().sum::<i32>());
            let h = s.spawn(|| {
                other += numbers[0];
                // And further ones from inside.
                s.spawn(|| numbers.len()).join().unwrap()
            });
            assert_eq!(h.join().unwrap(), 3);
            sum.join().unwrap()
        });
        numbers.push(sum);
        assert_eq!((numbers.last(), other), (Some(&6), 1));
    });
}

#[test]
fn a_scope_waits_for_those_that_nobody_joins() {
    check(|| {
        let count = AtomicUsize::new(0);
        thread::scope(|s| {
            for _ in 0..50 {
                s.spawn(|| {
                    for _ in 0..3 {
                        thread::yield_now();
                    }
                    s.spawn(|| {
                        thread::yield_now();
                        count.fetch_add(1, SeqCst);
                    });
                    count.fetch_add(1, SeqCst);
                });
            }
        });
        assert_eq!(count.load(SeqCst), 100);
    });
}

#[test]
fn a_scope_panics_for_those_that_panicked_unjoined() {
    check(|| {
        let scope = |joined: bool| {
            catch_unwind(AssertUnwindSafe(|| {
                thread::scope(|s| {
                    let h = s.spawn(|| panic!("in a scope"));
                    if joined {
                        assert!(h.join().is_err());
                    }
                });
            }))
        };
        assert!(scope(true).is_ok());
        let words = panic_words(&*scope(false).unwrap_err());
        assert_eq!(words, "a scoped thread panicked");
        // The handle is there until after the end.
        let kept = catch_unwind(AssertUnwindSafe(|| {
            thread::scope(|s| {
                let h = s.spawn(|| panic!("in a scope"));
                yield_until("finished", || h.is_finished());
                (0..5).for_each(|_| thread::yield_now());
            });
        }));
        assert_eq!(panic_words(&*kept.unwrap_err()), "a scoped thread panicked");
    });
}

#[test]
fn a_panic_of_the_scope_itself_waits_and_goes_on() {
    check(|| {
        let count = AtomicUsize::new(0);
        let result = catch_unwind(AssertUnwindSafe(|| {
            thread::scope(|s| {
                s.spawn(|| {
                    (0..10).for_each(|_| thread::yield_now());
                    count.fetch_add(1, SeqCst);
                });
                panic!("the scope's own");
            });
        }));
        assert_eq!(panic_words(&*result.unwrap_err()), "the scope's own");
        assert_eq!(count.load(SeqCst), 1);
    });
}

/// A result that borrows is dropped before what it borrows from, whoever drops it last. Its
/// destructor looks at what it borrowed.
#[test]
fn borrowed_results_are_dropped_inside_the_scope() {
    struct Borrows<'a>(&'a AtomicUsize, &'a AtomicBool);
    impl Drop for Borrows<'_> {
        fn drop(&mut self) {
            for _ in 0..50 {
                std::hint::spin_loop();
            }
            assert!(self.1.load(SeqCst), "dropped after the scope");
            self.0.fetch_add(1, SeqCst);
        }
    }
    check(|| {
        for round in 0..300 {
            let (dropped, open) = (AtomicUsize::new(0), AtomicBool::new(true));
            thread::scope(|s| {
                let h = s.spawn(|| Borrows(&dropped, &open));
                match round % 4 {
                    0 => drop(h),
                    1 => {
                        thread::yield_now();
                        drop(h);
                    }
                    2 => {
                        // At the same moment as the goroutine's end.
                        yield_until("finished", || h.is_finished());
                        drop(h);
                    }
                    _ => drop(h.join().unwrap()),
                }
            });
            assert_eq!(dropped.load(SeqCst), 1, "round {round}");
            open.store(false, SeqCst);
        }
    });
}

#[test]
fn a_scoped_handle_can_be_joined_by_another_of_the_scope() {
    check(|| {
        let n = thread::scope(|s| {
            let a = s.spawn(|| {
                thread::yield_now();
                1
            });
            let b = s.spawn(move || a.join().unwrap() + 1);
            b.join().unwrap()
        });
        assert_eq!(n, 2);
        thread::scope(|s| {
            // A handle inside of a result that nobody takes.
            s.spawn(|| s.spawn(|| vec![1, 2, 3]));
        });
    });
}

#[test]
fn plain_threads_do_all_of_it_too() {
    check_outside(|| {
        let h = thread::spawn(|| 5);
        assert_eq!(h.join().unwrap(), 5);
        let main = thread::current();
        assert_eq!(main.id(), thread::current().id());
        thread::spawn(move || main.unpark());
        thread::park();
        let mut borrowed = [0; 10];
        thread::scope(|s| {
            for (i, place) in borrowed.iter_mut().enumerate() {
                s.spawn(move || *place = i);
            }
        });
        assert_eq!(borrowed, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let panicked = thread::spawn(|| panic!("seen from a plain thread")).join();
        assert_eq!(
            panic_words(&*panicked.unwrap_err()),
            "seen from a plain thread"
        );
        let named = std::thread::Builder::new().name("plain".into());
        let named = named.spawn(|| thread::current().name().map(str::to_owned));
        assert_eq!(named.unwrap().join().unwrap().as_deref(), Some("plain"));
    });
}

#[test]
fn a_handle_travels_to_a_plain_thread_and_back() {
    check(|| {
        let h = thread::spawn(|| {
            thread::park();
            7
        });
        let them = h.thread().clone();
        let me = thread::current();
        let plain = std::thread::spawn(move || {
            them.unpark();
            let n = h.join().unwrap();
            me.unpark();
            n
        });
        thread::park();
        assert_eq!(plain.join().unwrap(), 7);
    });
}

#[test]
fn run_gives_its_value_and_lets_a_panic_through() {
    check_outside(|| {
        let local = String::from("borrowed");
        // SAFETY: nothing is tied to a thread, here and below.
        let n = unsafe { gosched::run(|| local.len()) };
        assert_eq!(n, 8);
        let result = catch_unwind(|| {
            // SAFETY: as above.
            unsafe { gosched::run(|| panic!("from main")) };
        });
        assert_eq!(panic_words(&*result.unwrap_err()), "from main");
    });
}

#[test]
fn run_inside_of_run() {
    check(|| {
        // SAFETY: nothing is tied to a thread.
        let inner = || unsafe { gosched::run(|| 41) };
        let middle = move || {
            thread::yield_now();
            thread::spawn(inner).join().unwrap() + 1
        };
        // SAFETY: as above.
        let n = unsafe { gosched::run(middle) };
        assert_eq!(n, 42);
    });
}

#[test]
fn run_from_several_threads_at_once() {
    check_outside(|| {
        let run = |i: usize| {
            // SAFETY: nothing is tied to a thread.
            std::thread::spawn(move || unsafe {
                gosched::run(move || {
                    let handles: Vec<_> = (0..50)
                        .map(|n| {
                            thread::spawn(move || {
                                thread::yield_now();
                                n
                            })
                        })
                        .collect();
                    handles
                        .into_iter()
                        .map(|h| h.join().unwrap())
                        .sum::<usize>()
                        + i
                })
            })
        };
        let threads: Vec<_> = (0..8).map(run).collect();
        for (i, t) in threads.into_iter().enumerate() {
            assert_eq!(t.join().unwrap(), 49 * 25 + i);
        }
    });
}

#[test]
fn goroutines_outlive_the_run_that_started_them() {
    check_outside(|| {
        let (stop, beats) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicUsize::new(0)),
        );
        let (s, b) = (Arc::clone(&stop), Arc::clone(&beats));
        // SAFETY: nothing is tied to a thread.
        unsafe {
            gosched::run(move || {
                gosched::go(move || {
                    while !s.load(SeqCst) {
                        b.fetch_add(1, SeqCst);
                        thread::yield_now();
                    }
                });
            });
        }
        let seen = beats.load(SeqCst);
        wait_for("a goroutine in the background", || {
            beats.load(SeqCst) > seen + 10
        });
        stop.store(true, SeqCst);
    });
}

#[test]
fn the_number_of_ps_is_what_was_asked_for() {
    check(|| {
        let before = gosched::gomaxprocs(0);
        assert_eq!(gosched::gomaxprocs(3), before);
        assert_eq!(gosched::gomaxprocs(0), 3);
        assert_eq!(gosched::metrics().gomaxprocs, 3);
        assert_eq!(gosched::gomaxprocs(before), 3);
        let too_many = catch_unwind(|| gosched::gomaxprocs(1025));
        let words = panic_words(&*too_many.map(|_| ()).unwrap_err());
        assert_eq!(words, "gomaxprocs(1025): want at most 1024");
    });
}

#[test]
fn counts_count() {
    check(|| {
        let start = gosched::metrics();
        assert_eq!(gosched::num_goroutine(), start.goroutines);
        let handles: Vec<_> = (0..100).map(|_| thread::spawn(thread::park)).collect();
        assert_eq!(gosched::num_goroutine(), start.goroutines + 100);
        for h in &handles {
            h.thread().unpark();
        }
        handles.into_iter().for_each(|h| h.join().unwrap());
        yield_until("all counted out", || {
            gosched::num_goroutine() == start.goroutines
        });
        assert_eq!(gosched::metrics().created, start.created + 100);
    });
}

/// P goroutines that wait for each other spinning: they must run at the same time, on P threads.
/// Go: TestGoroutineParallelism.
#[test]
fn p_goroutines_run_at_once() {
    let at_once = || {
        let p = gosched::gomaxprocs(0);
        for _ in 0..10 {
            let turn = Arc::new(AtomicUsize::new(0));
            let handles: Vec<_> = (0..p)
                .map(|me| {
                    let turn = Arc::clone(&turn);
                    thread::spawn(move || {
                        for round in 0..3 {
                            while turn.load(SeqCst) != round * p + me {
                                std::thread::yield_now(); // the CPU's: it keeps its P
                            }
                            turn.fetch_add(1, SeqCst);
                        }
                    })
                })
                .collect();
            handles.into_iter().for_each(|h| h.join().unwrap());
        }
    };
    support::check_at(&[1, 2, 4, 8], Duration::from_secs(60), at_once);
}

/// The same from nested spawns. Go: TestGoroutineParallelism2.
#[test]
fn nested_spawns_run_at_once() {
    support::check_at(&[2, 4, 8], Duration::from_secs(60), || {
        let p = gosched::gomaxprocs(0);
        for _ in 0..10 {
            let here = Arc::new(AtomicUsize::new(0));
            nest(p, p, &here);
        }
    });
}

fn nest(left: usize, all: usize, here: &Arc<AtomicUsize>) {
    let child = (left > 1).then(|| {
        let here = Arc::clone(here);
        thread::spawn(move || nest(left - 1, all, &here))
    });
    here.fetch_add(1, SeqCst);
    while here.load(SeqCst) < all {
        std::thread::yield_now(); // the CPU's: it keeps its P
    }
    child.into_iter().for_each(|h| h.join().unwrap());
}

#[test]
fn debug_says_who() {
    check(|| {
        let h = Builder::new()
            .name("shown".to_owned())
            .spawn(|| ())
            .unwrap();
        let text = format!("{h:?}");
        assert!(text.contains("\"shown\""), "{text}");
        let id = format!("{:?}", h.thread().id());
        assert_eq!(id, format!("ThreadId({})", h.thread().id().as_u64()));
        h.join().unwrap();
        let shown = thread::scope(|s| s.spawn(move || format!("{s:?}")).join().unwrap());
        assert!(shown.starts_with("Scope"), "{shown}");
    });
}

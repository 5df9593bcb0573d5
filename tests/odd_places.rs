//! Things done where nobody expects them: they work as in std or Go, or are refused with words.
//! What ends the process is in `misuse.rs`.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use gosched::channel::{Select, bounded, never, unbounded};
use gosched::future::block_on;
use gosched::goexit;
use gosched::sync::{LazyLock, Mutex, Once, OnceLock, RwLock, WaitGroup};
use gosched::thread::{self, Builder, JoinHandle, spawn, yield_now};
use support::check;

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// The words of the panic of `f`.
#[track_caller]
fn words<R>(f: impl FnOnce() -> R) -> String {
    text(&*catch_unwind(AssertUnwindSafe(f)).err().expect("no panic"))
}

fn text(payload: &(dyn Any + Send)) -> String {
    let fixed = payload.downcast_ref::<&str>().map(ToString::to_string);
    fixed
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .expect("a text")
}

#[test]
fn run_inside_of_run() {
    check(|| {
        // SAFETY: nothing in here is tied to a thread.
        let inner =
            |n: u64| unsafe { gosched::run(move || spawn(move || n + 1).join().unwrap()) };
        assert_eq!(spawn(move || inner(1)).join().unwrap() + inner(2), 5);
        // SAFETY: as above.
        let thrown = words(|| unsafe { gosched::run(|| panic!("inside")) });
        assert_eq!(thrown, "inside");
    });
}

type Locks = (Once, OnceLock<u8>, Mutex<()>, RwLock<()>);

#[test]
fn goexit_counts_as_a_panic_for_what_it_interrupts() {
    check(|| {
        let once = Arc::new((
            Once::new(),
            OnceLock::new(),
            Mutex::new(()),
            RwLock::new(()),
        ));
        static LAZY: LazyLock<u8> = LazyLock::new(|| goexit());
        let ended = |f: fn(&Locks)| {
            let once = Arc::clone(&once);
            spawn(move || f(&once)).join().is_err()
        };
        assert!(ended(|all| all.0.call_once(|| goexit())));
        assert_eq!(
            words(|| once.0.call_once(|| ())),
            "Once instance has previously been poisoned"
        );
        assert!(ended(|all| {
            all.1.get_or_init(|| goexit());
        }));
        assert_eq!(
            once.1.get_or_init(|| 4),
            &4,
            "a OnceLock may be tried again, as std's"
        );
        assert!(ended(|_| {
            LazyLock::force(&LAZY);
        }));
        assert_eq!(
            words(|| *LAZY),
            "LazyLock instance has previously been poisoned"
        );
        assert!(ended(|all| {
            let _held = all.2.lock();
            goexit()
        }));
        assert!(once.2.is_poisoned());
        assert!(ended(|all| {
            let _held = all.3.write();
            goexit()
        }));
        assert!(once.3.is_poisoned());
    });
}

#[test]
fn goexit_in_scopes_destructors_and_futures() {
    check(|| {
        thread::scope(|s| drop(s.spawn(|| goexit()))); // no panic: the scope goes on
        let ended = thread::scope(|s| s.spawn(|| goexit()).join().is_err());
        assert!(ended);
        let from_a_scope = spawn(|| {
            thread::scope(|s| {
                s.spawn(yield_now);
                goexit()
            })
        });
        assert!(from_a_scope.join().is_err());
        let from_a_destructor = spawn(|| drop(OnDrop(|| goexit())));
        assert!(from_a_destructor.join().is_err());
        assert!(spawn(|| block_on(async { goexit() })).join().is_err());
        let caught = spawn(|| catch_unwind(|| goexit()).is_err());
        assert!(caught.join().unwrap(), "whoever catches it goes on");
        let all = Arc::new(WaitGroup::new());
        all.go(|| goexit());
        all.wait();
    });
}

#[test]
fn panics_in_destructors() {
    check(|| {
        let bomb = || OnDrop(|| panic!("in a destructor"));
        let in_the_goroutine = spawn(move || drop(bomb()));
        assert_eq!(
            text(&*in_the_goroutine.join().unwrap_err()),
            "in a destructor"
        );
        let with_the_result = spawn(bomb).join().ok().unwrap();
        assert_eq!(words(move || drop(with_the_result)), "in a destructor");
        let (s, r) = bounded(3);
        s.send(bomb()).ok().unwrap();
        assert_eq!(words(move || drop((s, r))), "in a destructor");
        let lock = Arc::new(Mutex::new(0));
        let theirs = Arc::clone(&lock);
        let counted = spawn(move || {
            let _last = OnDrop(|| *theirs.lock().unwrap() += 1);
            panic_any(1_u8);
        });
        assert!(counted.join().unwrap_err().is::<u8>());
        assert_eq!(
            *lock.lock().unwrap(),
            1,
            "locked while panicking: not poisoned"
        );
    });
}

/// std counts panics by thread, goroutines share threads.
#[test]
fn a_panic_is_nobody_elses() {
    check(|| {
        let stop = Arc::new(AtomicBool::new(false));
        let others: Vec<_> = (0..4)
            .map(|_| {
                let stop = Arc::clone(&stop);
                spawn(move || {
                    let lock = Mutex::new(());
                    while !stop.load(Relaxed) {
                        let held = lock.lock();
                        yield_now();
                        assert!(!thread::panicking());
                        drop(held);
                        assert!(!lock.is_poisoned());
                    }
                })
            })
            .collect();
        for i in 0..100 {
            let panics = spawn(move || {
                let _last = OnDrop(|| {
                    assert!(thread::panicking());
                    (0..i % 5).for_each(|_| yield_now());
                    thread::sleep(Duration::from_micros(10));
                    assert!(thread::panicking());
                });
                panic!("number {i}");
            });
            assert!(panics.join().is_err());
            assert!(!thread::panicking());
        }
        stop.store(true, Relaxed);
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

#[test]
fn catching_a_panic_around_a_wait() {
    check(|| {
        let round = |n: usize| {
            let thrown = catch_unwind(|| {
                yield_now();
                thread::sleep(Duration::from_micros(20));
                std::panic::resume_unwind(Box::new(n));
            });
            *thrown.unwrap_err().downcast::<usize>().unwrap()
        };
        let tasks: Vec<JoinHandle<usize>> = (0..50)
            .map(|n| spawn(move || (0..10).map(|_| round(n)).sum()))
            .collect();
        let sum: usize = tasks.into_iter().map(|task| task.join().unwrap()).sum();
        assert_eq!(sum, 10 * (0..50).sum::<usize>());
    });
}

#[test]
fn stack_sizes_and_names() {
    check(|| {
        for size in [0, 1, 4096, 64 << 10, 1 << 30] {
            let fits = Builder::new().stack_size(size).spawn(|| 1).unwrap();
            assert_eq!(fits.join().unwrap(), 1, "{size}");
        }
        for size in [(1 << 30) + 1, usize::MAX] {
            let error = Builder::new().stack_size(size).spawn(|| 1).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
            assert!(
                error.to_string().contains("is too large: the limit is"),
                "{error}"
            );
        }
        let named = |name: &str| Builder::new().name(name.into()).spawn(thread::current);
        let long = "é".repeat(10_000);
        let me = named(&long).unwrap().join().unwrap();
        assert_eq!(me.name(), Some(&*long));
        assert_eq!(
            words(|| named("a\0b").map(drop)),
            "thread name may not contain interior null bytes"
        );
    });
}

#[test]
fn channels_of_all_sizes_and_of_nothing() {
    check(|| {
        assert_eq!(words(|| bounded::<u8>(usize::MAX)), "capacity overflow");
        let (s, r) = bounded::<()>(usize::MAX);
        s.send(()).unwrap();
        assert_eq!(
            (s.capacity(), s.is_full(), r.recv()),
            (Some(usize::MAX), false, Ok(()))
        );
        static DROPPED: AtomicUsize = AtomicUsize::new(0);
        struct Nothing;
        impl Drop for Nothing {
            fn drop(&mut self) {
                DROPPED.fetch_add(1, Relaxed);
            }
        }
        for (s, r) in [bounded(0), bounded(1), bounded(7), unbounded()] {
            DROPPED.store(0, Relaxed);
            let sender =
                spawn(move || (0..100).take_while(|_| s.send(Nothing).is_ok()).count());
            let taken = r.iter().take(90).count();
            assert!(DROPPED.load(Relaxed) >= taken);
            drop(r);
            let sent = sender.join().unwrap();
            // What was sent, and the one that came back.
            assert_eq!(DROPPED.load(Relaxed), sent + usize::from(sent < 100));
        }
    });
}

#[test]
fn refused_with_words() {
    check(|| {
        let group = WaitGroup::new();
        assert_eq!(
            words(|| group.add(1 << 40)),
            "sync: WaitGroup counter overflow"
        );
        let none = never::<u8>();
        let mut select = Select::new();
        for _ in 0..65_533 {
            select.recv(&none);
        }
        assert_eq!(
            words(|| select.try_ready()),
            "too many operations in a select"
        );
        let mut handle = spawn(|| 3);
        assert_eq!(block_on(&mut handle).unwrap(), 3);
        let taken = "the goroutine's result was already taken by `.await`";
        assert_eq!(words(|| block_on(&mut handle)), taken);
        assert_eq!(words(|| handle.join()), taken);
        assert_eq!(
            words(|| gosched::gomaxprocs(usize::MAX)),
            "gomaxprocs(18446744073709551615): want at most 1024"
        );
        gosched::unlock_os_thread(); // without a lock: nothing
        assert_eq!(words(|| gosched::blocking(|| panic!("blocked"))), "blocked");
    });
}

#[test]
fn a_scoped_handle_is_a_future() {
    check(|| {
        let line = [String::from("to"), String::from("be")];
        let length = thread::scope(|s| {
            let [to, be] = [0, 1].map(|i| {
                let line = &line;
                s.spawn(move || {
                    yield_now();
                    line[i].len()
                })
            });
            block_on(async { to.await.unwrap() + be.await.unwrap() })
        });
        assert_eq!(length, 4);
        let awaited = thread::scope(|s| {
            let panics = s.spawn(|| panic!("awaited"));
            text(&*block_on(panics).unwrap_err())
        });
        assert_eq!(awaited, "awaited"); // and the scope did not panic
        let forgotten = words(|| thread::scope(|s| drop(s.spawn(|| panic!("dropped")))));
        assert_eq!(forgotten, "a scoped thread panicked");
    });
}

fn text_of(words: &[String]) -> usize {
    words.iter().map(String::len).sum()
}

#[test]
fn threads_and_processes_of_std() {
    check(|| {
        let sums: Vec<_> = (0..8)
            .map(|i| {
                spawn(move || {
                    let words = [String::from("a"), "b".repeat(i)];
                    std::thread::scope(|s| {
                        let one = s.spawn(|| text_of(&words));
                        let two = s.spawn(|| text_of(&words));
                        one.join().unwrap() + two.join().unwrap()
                    })
                })
            })
            .collect();
        let sums: Vec<usize> = sums.into_iter().map(|sum| sum.join().unwrap()).collect();
        assert_eq!(sums, [2, 4, 6, 8, 10, 12, 14, 16]);
        let (s, r) = bounded(0);
        let (std_s, std_r) = mpsc::channel();
        std::thread::spawn(move || r.iter().for_each(|n: u8| std_s.send(n + 1).unwrap()));
        s.send(1).unwrap();
        drop(s);
        assert_eq!(std_r.iter().collect::<Vec<_>>(), [2]);
        let children: Vec<_> = (0..8)
            .map(|i: u8| {
                let echo = move || {
                    std::process::Command::new("echo")
                        .arg(i.to_string())
                        .output()
                };
                spawn(move || echo().unwrap().stdout)
            })
            .collect();
        for (i, child) in children.into_iter().enumerate() {
            assert_eq!(child.join().unwrap(), format!("{i}\n").into_bytes());
        }
    });
}

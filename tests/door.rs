//! Calls that do not wait return on the OS thread that they were called on, and nobody else's code
//! runs there meanwhile: whatever the P was doing, however late the slice. The list that
//! `docs/thread-locals.md` gives is the list that is tried here.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door; gettid")]

mod support;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::{Duration, Instant};

use gosched::channel::{self, Select, bounded, select, unbounded};
use gosched::sync::{Condvar, Mutex, OnceLock, RwLock, Semaphore, WaitGroup, mpsc};
use gosched::thread::{self, JoinHandle, sleep, spawn, yield_now};
use gosched::time::{Ticker, Timer, after_func};
use support::{check, check_at};

const HOUR: Duration = Duration::from_secs(3600);
const US: Duration = Duration::from_micros(1);

fn tid() -> i64 {
    // SAFETY: no preconditions.
    unsafe { libc::syscall(libc::SYS_gettid) }
}

gosched::goroutine_local!(static LOCAL: Cell<u32> = const { Cell::new(0) });

thread_local! {
    /// Somebody is in the middle of a call on this thread.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Two instructions that nothing is kept across: the thread's own `BUSY`, as it is now.
#[inline(never)]
fn set_busy(busy: bool) -> bool {
    BUSY.replace(black_box(busy))
}

/// Runs `call`, which does not wait, in a goroutine that lost its P in the kernel a moment ago
/// and whose slice is over.
fn stays(name: &str, how: usize, call: fn()) {
    if how.is_multiple_of(3) {
        // Others take the P meanwhile.
        gosched::blocking(|| std::thread::sleep(20 * US));
    }
    let before = tid();
    assert!(
        !set_busy(true),
        "{name}: somebody is in a call on this thread"
    );
    if !how.is_multiple_of(4) {
        gosched::__preempt_soon();
    }
    call();
    let was_busy = set_busy(false);
    assert_eq!(tid(), before, "{name} came back on another thread");
    assert!(was_busy, "{name}: another goroutine ran on this thread");
}

/// Every call that does not wait, by the name that the docs give it.
const CALLS: &[(&str, fn())] = &[
    ("gosched::go", || gosched::go(|| ())),
    ("gosched::num_goroutine", || _ = gosched::num_goroutine()),
    ("gosched::goroutines", || _ = gosched::goroutines()),
    ("gosched::metrics", || _ = gosched::metrics()),
    ("gosched::gomaxprocs(0)", || _ = gosched::gomaxprocs(0)),
    ("gosched::lock_os_thread", || {
        gosched::lock_os_thread();
        gosched::unlock_os_thread();
    }),
    ("gosched::unlock_os_thread", gosched::unlock_os_thread),
    ("goroutine::id", || _ = gosched::goroutine::id()),
    ("goroutine::current", || drop(gosched::goroutine::current())),
    ("thread::spawn", || drop(spawn(|| ()))),
    ("thread::Builder::spawn", || {
        drop(
            thread::Builder::new()
                .name("x".into())
                .spawn(|| ())
                .unwrap(),
        );
    }),
    ("thread::current", || drop(thread::current())),
    ("Thread::unpark", || {
        let sleeper = spawn(|| thread::park_timeout(HOUR));
        sleeper.thread().unpark();
    }),
    ("JoinHandle::is_finished", || _ = spawn(|| ()).is_finished()),
    ("channel::bounded", || drop(bounded::<u8>(3))),
    ("channel::unbounded", || drop(unbounded::<u8>())),
    ("channel::after", || drop(channel::after(HOUR))),
    ("channel::at", || drop(channel::at(Instant::now() + HOUR))),
    ("channel::tick", || drop(channel::tick(HOUR))),
    ("channel::never", || drop(channel::never::<u8>())),
    ("Sender::try_send", || {
        let (s, r) = bounded(1);
        assert!(s.try_send(1).is_ok() && s.try_send(2).is_err());
        drop(r);
        assert!(s.try_send(3).is_err());
    }),
    ("Receiver::try_recv", || {
        let (s, r) = bounded(1);
        assert!(r.try_recv().is_err());
        s.try_send(1).unwrap();
        assert_eq!(r.try_recv(), Ok(1));
        s.close();
        assert!(r.try_recv().is_err());
    }),
    ("Receiver::try_iter", || {
        let (s, r) = unbounded();
        (0..100).for_each(|i| s.try_send(i).unwrap());
        assert!(r.try_iter().eq(0..100));
    }),
    ("Sender::close", || {
        let (s, r) = bounded::<u8>(0);
        gosched::go(move || _ = r.recv());
        s.close();
    }),
    ("drop(Sender)", || {
        let (s, r) = bounded::<u8>(0);
        gosched::go(move || _ = r.recv());
        drop(s);
    }),
    ("drop(Receiver)", || {
        let (s, r) = bounded(0);
        gosched::go(move || _ = s.send(1));
        drop(r);
    }),
    ("select! { default }", || {
        let (s, r) = bounded(1);
        for _ in 0..2 {
            select! {
                recv(r) -> _ => panic!("nothing was sent"),
                send(s, 1) -> sent => sent.unwrap(),
                default => panic!("there is room"),
            }
            assert_eq!(r.try_recv(), Ok(1));
        }
        select! {
            recv(r) -> _ => panic!("nothing was sent"),
            default => {}
        }
    }),
    ("Select::try_select", || {
        let ((_s, r), (_t, q)) = (bounded::<u8>(1), bounded::<u8>(1));
        let mut select = Select::new();
        select.recv(&r);
        select.recv(&q);
        assert!(select.try_select().is_err());
    }),
    ("Select::try_ready", || {
        let ((_s, r), (_t, q)) = (bounded::<u8>(1), bounded::<u8>(1));
        let mut select = Select::new();
        select.recv(&r);
        select.recv(&q);
        assert!(select.try_ready().is_err());
    }),
    ("mpsc::channel", || drop(mpsc::channel::<u8>())),
    ("mpsc::sync_channel", || drop(mpsc::sync_channel::<u8>(1))),
    ("mpsc::SyncSender::try_send", || {
        let (s, _r) = mpsc::sync_channel(1);
        assert!(s.try_send(1).is_ok() && s.try_send(2).is_err());
    }),
    ("mpsc::Receiver::try_recv", || {
        let (s, r) = mpsc::sync_channel(1);
        assert!(r.try_recv().is_err());
        s.try_send(1).unwrap();
        assert_eq!(r.try_recv(), Ok(1));
    }),
    ("Mutex::try_lock", || {
        let mutex = Mutex::new(1);
        std::mem::forget(mutex.try_lock().unwrap());
        assert!(mutex.try_lock().is_err());
    }),
    ("RwLock::try_read", || {
        let lock = RwLock::new(1);
        drop(lock.try_read().unwrap());
    }),
    ("RwLock::try_write", || {
        let lock = RwLock::new(1);
        std::mem::forget(lock.try_write().unwrap());
        assert!(lock.try_read().is_err());
    }),
    ("Condvar::notify_one", || {
        notify(Condvar::notify_one);
    }),
    ("Condvar::notify_all", || {
        notify(Condvar::notify_all);
    }),
    ("WaitGroup::add", || WaitGroup::new().add(1)),
    ("WaitGroup::done", || {
        let group = Arc::new(WaitGroup::new());
        group.add(1);
        for _ in 0..3 {
            let group = Arc::clone(&group);
            gosched::go(move || group.wait());
        }
        group.done();
    }),
    ("Semaphore::try_acquire", || {
        assert!(Semaphore::new(1).try_acquire(1));
    }),
    ("Semaphore::release", || {
        let semaphore = Arc::new(Semaphore::new(1));
        assert!(semaphore.try_acquire(1));
        let other = Arc::clone(&semaphore);
        gosched::go(move || other.acquire(1));
        semaphore.release(1);
    }),
    ("Semaphore::try_permit", || {
        assert!(Semaphore::new(1).try_permit(1).is_some());
    }),
    ("drop(SemaphorePermit)", || {
        let semaphore = Arc::new(Semaphore::new(1));
        let permit = semaphore.try_permit_owned(1);
        let other = Arc::clone(&semaphore);
        gosched::go(move || other.acquire(1));
        drop(permit);
    }),
    ("OnceLock::get", || _ = OnceLock::<u8>::new().get()),
    ("OnceLock::set", || OnceLock::new().set(1).unwrap()),
    ("Timer::new", || drop(Timer::new(HOUR))),
    ("Timer::stop", || assert!(after_func(HOUR, || ()).stop())),
    ("Timer::reset", || {
        let timer = after_func(HOUR, || ());
        assert!(timer.reset(2 * HOUR));
        assert!(timer.stop());
    }),
    ("time::after", || drop(gosched::time::after(HOUR))),
    ("time::after_func", || drop(after_func(US, || ()))),
    ("Ticker::new", || drop(Ticker::new(HOUR))),
    ("Ticker::stop", || Ticker::new(HOUR).stop()),
    ("Ticker::reset", || Ticker::new(HOUR).reset(2 * HOUR)),
    ("goroutine_local!", || {
        LOCAL.set(LOCAL.get() + 1);
        LOCAL.with(|local| local.set(local.get() + 1));
    }),
    ("stack::grow", || {
        gosched::stack::grow(usize::MAX, 300 << 10, || _ = black_box([1; 999]));
    }),
    ("stack::remaining", || _ = gosched::stack::remaining()),
    ("stack::high_water", || _ = gosched::stack::high_water()),
    ("Waker::wake", || {
        let waker =
            gosched::future::block_on(poll_fn(|context| Poll::Ready(context.waker().clone())));
        waker.wake_by_ref();
        waker.wake();
    }),
];

/// Somebody waits, or is about to.
fn notify(notify: fn(&Condvar)) {
    let pair = Arc::new((Mutex::new(()), Condvar::new()));
    let other = Arc::clone(&pair);
    gosched::go(move || {
        let guard = other.0.lock().unwrap();
        let _ = other.1.wait_timeout(guard, 50 * US);
    });
    notify(&pair.1);
}

/// Goroutines that want the Ps: they compute a little, and yield.
fn rivals(n: usize) -> (Arc<AtomicBool>, Vec<JoinHandle<()>>) {
    let stop = Arc::new(AtomicBool::new(false));
    let rivals = (0..n).map(|_| {
        let stop = Arc::clone(&stop);
        spawn(move || {
            while !stop.load(Relaxed) {
                (0..100).for_each(|i| _ = black_box(i));
                yield_now();
            }
        })
    });
    let rivals = rivals.collect();
    (stop, rivals)
}

#[test]
fn calls_that_do_not_wait_return_on_their_thread() {
    const ROUNDS: usize = 12;
    check(|| {
        let (stop, rivals) = rivals(4);
        thread::scope(|s| {
            for worker in 0..6 {
                s.spawn(move || {
                    for round in 0..ROUNDS {
                        for i in 0..CALLS.len() {
                            // Not all the same at the same time.
                            let (name, call) = CALLS[(i + worker * 9) % CALLS.len()];
                            stays(name, round + i + worker, call);
                        }
                    }
                });
            }
        });
        stop.store(true, Relaxed);
        rivals.into_iter().for_each(|r| r.join().unwrap());
        // What was started is not this test's, and ends soon.
        support::yield_until("all that was started has ended", || {
            gosched::num_goroutine() == 1
        });
    });
}

/// A select whose value comes later is the sender: the one call of the list that has to wait for
/// somebody, and keeps its thread for itself meanwhile.
#[test]
fn a_receive_that_does_not_wait_keeps_its_thread_for_a_select() {
    check_at(&[1, 2, 4], support::LIMIT, || {
        let (stop, rivals) = rivals(2);
        thread::scope(|s| {
            let (sender, receiver) = bounded(0);
            let never = channel::never::<u32>();
            s.spawn(move || {
                for i in 0..300 {
                    select! {
                        send(sender, i) -> sent => sent.unwrap(),
                        recv(never) -> _ => unreachable!(),
                    }
                }
            });
            s.spawn(move || {
                let mut next = 0;
                while next < 300 {
                    let before = tid();
                    gosched::__preempt_soon();
                    let received = if next % 2 == 0 {
                        receiver.try_recv().ok()
                    } else {
                        select! { recv(receiver) -> value => value.ok(), default => None }
                    };
                    assert_eq!(tid(), before, "after {next}");
                    match received {
                        Some(value) => {
                            assert_eq!(value, next);
                            next += 1;
                        }
                        None => yield_now(),
                    }
                }
            });
        });
        stop.store(true, Relaxed);
        rivals.into_iter().for_each(|r| r.join().unwrap());
    });
}

/// A call that may wait is where a goroutine leaves its thread: else the threads would be as many as
/// the goroutines that ever computed for long.
#[test]
fn a_call_that_may_wait_costs_no_thread() {
    check_at(&[2], support::LIMIT, || {
        let before = gosched::metrics().threads;
        thread::scope(|s| {
            for _ in 0..200 {
                s.spawn(|| {
                    let (sender, receiver) = bounded(1);
                    for i in 0..50 {
                        gosched::__preempt_soon();
                        sender.send(i).unwrap();
                        gosched::__preempt_soon();
                        assert_eq!(receiver.recv(), Ok(i));
                    }
                });
            }
        });
        sleep(US);
        let more = gosched::metrics().threads - before.min(gosched::metrics().threads);
        assert!(more <= 8, "{more} more threads");
    });
}

/// The table above and the list in the docs are one.
#[test]
fn the_docs_list_these_calls_and_no_others() {
    let docs = include_str!("../docs/thread-locals.md");
    let list = docs
        .split_once("<!-- calls that stay -->")
        .and_then(|(_, rest)| rest.split_once("<!-- end of calls that stay -->"));
    let (list, _) = list.expect("docs/thread-locals.md has the list");
    let listed: BTreeSet<&str> = list.split('`').skip(1).step_by(2).collect();
    let tried: BTreeSet<&str> = CALLS.iter().map(|(name, _)| *name).collect();
    assert_eq!(listed, tried);
}

//! Goroutines that wait for futures, and an executor whose tasks wait for goroutines.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::collections::VecDeque;
use std::future::{Future, poll_fn, ready};
use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use gosched::channel::bounded;
use gosched::future::block_on;
use gosched::thread::{JoinHandle, current, park, sleep, spawn, yield_now};
use support::{check, check_outside, yield_until};

/// Ready when somebody says so.
#[derive(Clone, Default)]
struct Flag(Arc<Mutex<(bool, Option<Waker>)>>);

impl Flag {
    fn set(&self) {
        let waker = {
            let mut state = self.0.lock().unwrap();
            state.0 = true;
            state.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Future for Flag {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock().unwrap();
        if state.0 {
            return Poll::Ready(());
        }
        state.1 = Some(cx.waker().clone());
        Poll::Pending
    }
}

#[test]
fn a_goroutine_waits_for_a_future() {
    check(|| {
        assert_eq!(block_on(ready(1)), 1);
        for early in [false, true] {
            let flag = Flag::default();
            let setter = {
                let flag = flag.clone();
                spawn(move || {
                    (0..10).for_each(|_| yield_now());
                    flag.set();
                })
            };
            if early {
                setter.join().unwrap();
                block_on(flag);
            } else {
                block_on(flag);
                setter.join().unwrap();
            }
        }
    });
}

#[test]
fn a_plain_thread_wakes_a_goroutine_and_waits_itself() {
    check_outside(|| {
        let (there, back) = (Flag::default(), Flag::default());
        let thread = {
            let (there, back) = (there.clone(), back.clone());
            std::thread::spawn(move || {
                block_on(there);
                back.set();
            })
        };
        // SAFETY: nothing in there is tied to an OS thread.
        unsafe {
            gosched::run(|| {
                there.set();
                block_on(back.clone());
            });
        }
        thread.join().unwrap();
    });
}

/// Also when the waker is called before `poll` has returned.
#[test]
fn a_wake_up_in_the_poll_is_not_lost() {
    check(|| {
        let mut left = 100;
        let count = poll_fn(|cx| {
            if left == 0 {
                return Poll::Ready("end");
            }
            left -= 1;
            cx.waker().wake_by_ref();
            Poll::Pending
        });
        assert_eq!(block_on(count), "end");
    });
}

/// The park token of the goroutine is not the waker's.
#[test]
fn park_and_wakers_do_not_mix() {
    check(|| {
        let (flag, me) = (Flag::default(), current());
        let helper = {
            let (flag, me) = (flag.clone(), me.clone());
            spawn(move || {
                me.unpark();
                (0..10).for_each(|_| yield_now());
                flag.set();
            })
        };
        block_on(async {
            flag.await;
            assert_eq!(block_on(ready(2)), 2, "they nest");
        });
        park(); // the token is still there
        helper.join().unwrap();
    });
}

#[test]
fn an_old_waker_does_no_harm() {
    check(|| {
        let mut kept = None;
        block_on(poll_fn(|cx| {
            kept = Some(cx.waker().clone());
            Poll::Ready(())
        }));
        let waker = kept.unwrap();
        waker.wake_by_ref();
        let other = spawn(park);
        (0..10).for_each(|_| yield_now());
        waker.wake();
        assert!(!other.is_finished());
        other.thread().unpark();
        other.join().unwrap();
    });
}

#[test]
fn a_goroutine_is_awaited() {
    check(|| {
        let sum = block_on(async {
            let handles: Vec<_> = (0..50)
                .map(|n| {
                    spawn(move || {
                        (0..n % 5).for_each(|_| yield_now());
                        n
                    })
                })
                .collect();
            let mut sum = 0;
            for handle in handles {
                sum += handle.await.unwrap();
            }
            sum
        });
        assert_eq!(sum, 49 * 50 / 2);
        let payload = block_on(spawn(|| panic!("on purpose"))).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"on purpose"));
    });
}

/// Counts its wake-ups.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Bell>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn poll_once<T>(handle: &mut JoinHandle<T>, bell: &Arc<Bell>) -> Poll<std::thread::Result<T>> {
    let waker = Waker::from(Arc::clone(bell));
    Pin::new(handle).poll(&mut Context::from_waker(&waker))
}

#[test]
fn only_the_waker_of_the_last_poll_is_called_once() {
    check(|| {
        let (release, released) = bounded::<()>(0);
        let mut handle = spawn(move || released.recv().is_err());
        let (first, second) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
        assert!(poll_once(&mut handle, &first).is_pending());
        assert_eq!(Arc::strong_count(&first), 2);
        assert!(poll_once(&mut handle, &second).is_pending());
        assert_eq!(Arc::strong_count(&first), 1, "the old waker is dropped");
        drop(release);
        yield_until("the end", || second.0.load(SeqCst) == 1);
        assert!(handle.is_finished());
        assert!(matches!(
            poll_once(&mut handle, &first),
            Poll::Ready(Ok(true))
        ));
        assert_eq!((first.0.load(SeqCst), second.0.load(SeqCst)), (0, 1));
        let panics = std::panic::AssertUnwindSafe(|| poll_once(&mut handle, &first).is_ready());
        assert!(std::panic::catch_unwind(panics).is_err(), "ready twice");
    });
}

#[test]
fn a_polled_handle_can_be_joined_or_dropped() {
    check(|| {
        let bell = Arc::new(Bell::default());
        let (release, released) = bounded::<()>(0);
        let both = [0, 1].map(|_| {
            let released = released.clone();
            let mut handle = spawn(move || released.recv().is_err());
            assert!(poll_once(&mut handle, &bell).is_pending());
            handle
        });
        let [joined, dropped] = both;
        drop(dropped);
        let joiner = spawn(move || joined.join().unwrap());
        (0..10).for_each(|_| yield_now());
        drop(release);
        assert!(joiner.join().unwrap());
        yield_until("both wakers gone", || Arc::strong_count(&bell) == 1);
    });
}

#[test]
fn a_poll_races_with_the_end() {
    check(|| {
        for round in 0..300_u32 {
            let handle = spawn(move || (0..round % 4).for_each(|_| yield_now()));
            (0..round % 3).for_each(|_| yield_now());
            let mut polls = 0;
            let mut handle = Some(handle);
            block_on(poll_fn(|cx| {
                polls += 1;
                if polls < 5 {
                    cx.waker().wake_by_ref();
                }
                Pin::new(handle.as_mut().unwrap()).poll(cx)
            }))
            .unwrap();
        }
    });
}

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A queue of tasks and a count of those that live: all that an executor needs.
#[derive(Default)]
struct Executor {
    state: Mutex<(VecDeque<Arc<Task>>, usize)>,
    changed: Condvar,
}

struct Task {
    future: Mutex<Option<Boxed>>,
    executor: Arc<Executor>,
}

impl Wake for Task {
    fn wake(self: Arc<Task>) {
        let executor = Arc::clone(&self.executor);
        executor.state.lock().unwrap().0.push_back(self);
        executor.changed.notify_one();
    }
}

impl Executor {
    fn spawn(self: &Arc<Executor>, future: impl Future<Output = ()> + Send + 'static) {
        self.state.lock().unwrap().1 += 1;
        let task = Task {
            future: Mutex::new(Some(Box::pin(future))),
            executor: Arc::clone(self),
        };
        Arc::new(task).wake();
    }

    /// Until no task is left.
    fn run(&self) {
        loop {
            let task = {
                let idle = |state: &mut (VecDeque<_>, usize)| state.0.is_empty() && state.1 > 0;
                let state = self.state.lock().unwrap();
                let mut state = self.changed.wait_while(state, idle).unwrap();
                match state.0.pop_front() {
                    Some(task) => task,
                    None => return self.changed.notify_all(),
                }
            };
            let waker = Waker::from(Arc::clone(&task));
            let mut place = task.future.lock().unwrap();
            let Some(future) = place.as_mut() else {
                continue;
            };
            if future
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_ready()
            {
                *place = None;
                self.state.lock().unwrap().1 -= 1;
                self.changed.notify_all();
            }
        }
    }
}

/// Tasks on plain threads wait for goroutines, which wait for each other.
#[test]
fn an_executor_awaits_goroutines() {
    check_outside(|| {
        let executor = Arc::new(Executor::default());
        let total = Arc::new(AtomicUsize::new(0));
        for n in 0..40_usize {
            let total = Arc::clone(&total);
            executor.spawn(async move {
                let one = spawn(move || {
                    sleep(Duration::from_micros(n as u64 * 50));
                    n
                });
                let two = spawn(move || {
                    yield_now();
                    1
                });
                let both = one.await.unwrap() + two.await.unwrap();
                total.fetch_add(both, SeqCst);
            });
        }
        std::thread::scope(|s| {
            (0..2).for_each(|_| drop(s.spawn(|| executor.run())));
        });
        assert_eq!(total.load(SeqCst), 39 * 40 / 2 + 40);
    });
}

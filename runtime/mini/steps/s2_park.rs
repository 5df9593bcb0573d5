//! Step 2: park and ready; a WaitGroup and a Mutex made of them.
#![allow(unsafe_code, reason = "switches stacks")]

use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::VecDeque;
use std::ptr::null;
use std::rc::Rc;

use corosensei::{Coroutine, CoroutineResult, Yielder};

/// Why a goroutine gives the thread up.
enum Switch {
    Yield,
    /// Until somebody calls `ready`.
    Park,
}

/// A goroutine: a closure with a stack of its own.
struct G {
    coroutine: UnsafeCell<Coroutine<(), Switch, ()>>,
    /// The way off its stack; set at its first run.
    way_out: Cell<*const Yielder<(), Switch>>,
}

type GRef = Rc<G>;

impl G {
    fn new(f: impl FnOnce() + 'static) -> GRef {
        let coroutine = Coroutine::new(move |way_out, ()| {
            running().way_out.set(way_out);
            f();
        });
        GRef::new(G {
            coroutine: UnsafeCell::new(coroutine),
            way_out: Cell::new(null()),
        })
    }

    /// Runs it until it gives the thread up. `None`: it has ended.
    fn resume(&self) -> Option<Switch> {
        // SAFETY: it is resumed by the loop that took it out of a queue, and by nobody else.
        match unsafe { &mut *self.coroutine.get() }.resume(()) {
            CoroutineResult::Yield(switch) => Some(switch),
            CoroutineResult::Return(()) => None,
        }
    }

    /// By the goroutine itself: leaves its stack, and returns when it is resumed.
    fn suspend(&self, switch: Switch) {
        // SAFETY: set at the first run; the yielder stands at the root of the running stack.
        unsafe { &*self.way_out.get() }.suspend(switch);
    }
}

/// The thread that runs goroutines.
struct M {
    queue: RefCell<VecDeque<GRef>>,
    current: Cell<*const G>,
    /// Main has ended.
    over: Cell<bool>,
}

thread_local! {
    static THIS_M: Cell<*const M> = const { Cell::new(null()) };
}

fn this_m<'a>() -> &'a M {
    // SAFETY: null, or the M in the outermost frame of this thread.
    unsafe { THIS_M.get().as_ref() }.expect("inside of `run`")
}

/// The calling goroutine.
fn running<'a>() -> &'a G {
    // SAFETY: null, or what the loop holds while it runs it.
    unsafe { this_m().current.get().as_ref() }.expect("in a goroutine")
}

/// A handle to the calling goroutine.
fn this_g() -> GRef {
    let g: *const G = running();
    // SAFETY: every G stands in a `GRef`.
    unsafe { GRef::increment_strong_count(g) };
    // SAFETY: the count that we have just added.
    unsafe { GRef::from_raw(g) }
}

/// Runs `main` as a goroutine, until it ends.
fn run(main: impl FnOnce() + 'static) {
    let m = M {
        queue: RefCell::default(),
        current: Cell::new(null()),
        over: Cell::new(false),
    };
    THIS_M.set(&m);
    enqueue(G::new(|| {
        main();
        this_m().over.set(true);
    }));
    schedule(&m);
    THIS_M.set(null());
}

fn schedule(m: &M) {
    while let Some(g) = find_runnable(m) {
        execute(m, g);
    }
}

fn find_runnable(m: &M) -> Option<GRef> {
    if m.over.get() {
        return None;
    }
    let next = m.queue.borrow_mut().pop_front();
    Some(next.expect("all goroutines are asleep - deadlock!"))
}

fn execute(m: &M, g: GRef) {
    m.current.set(&*g);
    let switch = g.resume();
    m.current.set(null());
    match switch {
        Some(Switch::Yield) => enqueue(g),
        Some(Switch::Park) => (), // whoever wakes it has a handle
        None => (),
    }
}

fn enqueue(g: GRef) {
    this_m().queue.borrow_mut().push_back(g);
}

/// Starts a goroutine.
fn go(f: impl FnOnce() + 'static) {
    enqueue(G::new(f));
}

/// Lets all others go first.
fn yield_now() {
    running().suspend(Switch::Yield);
}

/// Waits for `ready`, for which the caller has put a handle where its waker finds it.
fn park() {
    running().suspend(Switch::Park);
}

/// Wakes a goroutine that has parked.
fn ready(g: GRef) {
    enqueue(g);
}

/// Waits until a count is zero.
#[derive(Default)]
struct WaitGroup {
    state: RefCell<(isize, Vec<GRef>)>,
}

impl WaitGroup {
    fn add(&self, delta: isize) {
        let mut state = self.state.borrow_mut();
        state.0 += delta;
        if state.0 == 0 {
            let waiters = std::mem::take(&mut state.1);
            drop(state);
            waiters.into_iter().for_each(ready);
        }
    }

    fn done(&self) {
        self.add(-1);
    }

    fn wait(&self) {
        let mut state = self.state.borrow_mut();
        if state.0 != 0 {
            state.1.push(this_g());
            drop(state);
            park();
        }
    }
}

/// A lock around a value. An unlock hands it to the first that waits.
#[derive(Default)]
struct Mutex<T> {
    state: RefCell<(bool, VecDeque<GRef>)>,
    value: UnsafeCell<T>,
}

impl<T> Mutex<T> {
    /// Calls `f` with the value, which nobody else has meanwhile.
    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let mut state = self.state.borrow_mut();
        if state.0 {
            state.1.push_back(this_g());
            drop(state);
            park();
        } else {
            state.0 = true;
            drop(state);
        }
        // SAFETY: we hold the lock.
        let result = f(unsafe { &mut *self.value.get() });
        let mut state = self.state.borrow_mut();
        let next = state.1.pop_front();
        state.0 = next.is_some();
        drop(state);
        next.into_iter().for_each(ready);
        result
    }
}

fn main() {
    run(|| {
        let all = Rc::new(WaitGroup::default());
        let sum = Rc::new(Mutex::default());
        for n in 1..=100 {
            all.add(1);
            let (all, sum) = (Rc::clone(&all), Rc::clone(&sum));
            go(move || {
                sum.with(|sum| *sum += n);
                yield_now();
                all.done();
            });
        }
        all.wait();
        println!("{}", sum.with(|sum: &mut u64| *sum));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_group_waits_and_a_mutex_is_held_over_a_yield() {
        run(|| {
            let all = Rc::new(WaitGroup::default());
            let sum = Rc::new(Mutex::default());
            for n in 0..100 {
                all.add(1);
                let (all, sum) = (Rc::clone(&all), Rc::clone(&sum));
                go(move || {
                    sum.with(|sum: &mut u32| {
                        let seen = *sum;
                        if n % 3 == 0 {
                            yield_now();
                        }
                        *sum = seen + 1;
                    });
                    all.done();
                });
            }
            all.wait();
            assert_eq!(sum.with(|sum| *sum), 100);
        });
    }

    #[test]
    #[should_panic(expected = "all goroutines are asleep - deadlock!")]
    fn a_deadlock_is_seen() {
        run(|| {
            let never = WaitGroup::default();
            never.add(1);
            never.wait();
        });
    }
}

//! Step 1: one thread, the switch, one queue, yield.
#![allow(unsafe_code, reason = "switches stacks")]

use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::VecDeque;
use std::ptr::null;
use std::rc::Rc;

use corosensei::{Coroutine, CoroutineResult, Yielder};

/// Why a goroutine gives the thread up.
enum Switch {
    Yield,
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

/// Runs `main` as a goroutine, and all that it starts.
fn run(main: impl FnOnce() + 'static) {
    let m = M {
        queue: RefCell::default(),
        current: Cell::new(null()),
    };
    THIS_M.set(&m);
    enqueue(G::new(main));
    schedule(&m);
    THIS_M.set(null());
}

fn schedule(m: &M) {
    while let Some(g) = find_runnable(m) {
        execute(m, g);
    }
}

fn find_runnable(m: &M) -> Option<GRef> {
    m.queue.borrow_mut().pop_front()
}

fn execute(m: &M, g: GRef) {
    m.current.set(&*g);
    let switch = g.resume();
    m.current.set(null());
    match switch {
        Some(Switch::Yield) => enqueue(g),
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

fn main() {
    run(|| {
        for name in ["a", "b", "c"] {
            go(move || {
                for turn in 1..=3 {
                    println!("{name}{turn}");
                    yield_now();
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goroutines_take_turns() {
        let log = Rc::new(RefCell::new(Vec::new()));
        let copy = Rc::clone(&log);
        run(move || {
            for i in 0..3 {
                let log = Rc::clone(&copy);
                go(move || {
                    for _ in 0..3 {
                        log.borrow_mut().push(i);
                        yield_now();
                    }
                });
            }
        });
        assert_eq!(*log.borrow(), [0, 1, 2, 0, 1, 2, 0, 1, 2]);
    }
}

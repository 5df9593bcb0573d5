//! Step 3: many threads and one queue; and why a goroutine may be woken before it is off its stack.
#![allow(unsafe_code, reason = "switches stacks")]

use std::cell::{Cell, UnsafeCell};
use std::collections::VecDeque;
use std::ptr::null;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::sync::{Arc, Condvar, Mutex as ThreadMutex};
use std::thread;

use corosensei::{Coroutine, CoroutineResult, Yielder};

/// Why a goroutine gives the thread up.
enum Switch {
    Yield,
    /// Until somebody calls `ready`.
    Park,
}

/// In a queue, or on its way into one; off its stack.
const RUNNABLE: u32 = 0;
/// On an M.
const RUNNING: u32 = 1;
/// Has said that it will park, and is still on its stack.
const PARKING: u32 = 2;
/// Parked: off its stack, in no queue.
const WAITING: u32 = 3;
/// Was woken before it was off its stack.
const READIED: u32 = 4;

/// A goroutine: a closure with a stack of its own.
struct G {
    status: AtomicU32,
    sched: Arc<Sched>,
    coroutine: UnsafeCell<Coroutine<(), Switch, ()>>,
    /// The way off its stack; set at its first run.
    way_out: Cell<*const Yielder<(), Switch>>,
}

type GRef = Arc<G>;

// SAFETY: the M that has taken it out of a queue has it alone; the queue's lock and the status
// word pass it on.
unsafe impl Send for G {}
// SAFETY: as above.
unsafe impl Sync for G {}

impl G {
    fn new(sched: &Arc<Sched>, f: impl FnOnce() + Send + 'static) -> GRef {
        let coroutine = Coroutine::new(move |way_out, ()| {
            running().way_out.set(way_out);
            f();
        });
        GRef::new(G {
            status: AtomicU32::new(RUNNABLE),
            sched: Arc::clone(sched),
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

/// What all threads share.
#[derive(Default)]
struct Sched {
    state: ThreadMutex<State>,
    /// The queue is no longer empty, or main has ended.
    more: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<GRef>,
    /// How many threads there are, and how many of them wait.
    ms: usize,
    idle: usize,
    /// Main has ended.
    over: bool,
}

/// One thread that runs goroutines.
struct M {
    sched: Arc<Sched>,
    current: Cell<*const G>,
}

thread_local! {
    static THIS_M: Cell<*const M> = const { Cell::new(null()) };
}

/// Not inlined: whoever has waited may be on another thread. The compiler does not know that, and
/// would keep the address of the thread-local.
#[inline(never)]
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

/// Runs `main` as a goroutine on so many threads, until it ends.
fn run(ms: usize, main: impl FnOnce() + Send + 'static) {
    let sched = Arc::new(Sched::default());
    sched.state.lock().unwrap().ms = ms;
    enqueue(G::new(&sched, || {
        main();
        let sched = &this_m().sched;
        sched.state.lock().unwrap().over = true;
        sched.more.notify_all();
    }));
    thread::scope(|s| {
        for _ in 0..ms {
            s.spawn(|| {
                let m = M {
                    sched: Arc::clone(&sched),
                    current: Cell::new(null()),
                };
                THIS_M.set(&m);
                schedule(&m);
            });
        }
    });
    sched.state.lock().unwrap().queue.clear(); // each holds the `Sched` that its queue is in
}

fn schedule(m: &M) {
    while let Some(g) = find_runnable(m) {
        execute(m, g);
    }
}

fn find_runnable(m: &M) -> Option<GRef> {
    let mut state = m.sched.state.lock().unwrap();
    while !state.over {
        if let Some(g) = state.queue.pop_front() {
            return Some(g);
        }
        state.idle += 1;
        if state.idle == state.ms {
            fatal("all goroutines are asleep - deadlock!");
        }
        state = m.sched.more.wait(state).unwrap();
        state.idle -= 1;
    }
    None
}

fn execute(m: &M, g: GRef) {
    g.status.store(RUNNING, Relaxed);
    m.current.set(&*g);
    let switch = g.resume();
    m.current.set(null());
    match switch {
        Some(Switch::Yield) => enqueue(g),
        Some(Switch::Park) => {
            // The commit: it is off its stack now. AcqRel pairs(park-commit): ready's.
            let done = g.status.compare_exchange(PARKING, WAITING, AcqRel, Acquire);
            if done == Err(READIED) {
                enqueue(g); // its waker came first
            }
        }
        None => (),
    }
}

fn enqueue(g: GRef) {
    g.status.store(RUNNABLE, Relaxed);
    let sched = Arc::clone(&g.sched);
    sched.state.lock().unwrap().queue.push_back(g);
    sched.more.notify_one();
}

fn fatal(words: &str) -> ! {
    eprintln!("fatal error: {words}");
    std::process::exit(2)
}

/// Starts a goroutine.
fn go(f: impl FnOnce() + Send + 'static) {
    enqueue(G::new(&this_m().sched, f));
}

/// Lets all others go first.
fn yield_now() {
    running().suspend(Switch::Yield);
}

/// The first of three steps of a wait: says that the calling goroutine will park. The second is the
/// caller's: it puts the handle where its waker finds it.
fn announce_park() -> GRef {
    let g = this_g();
    g.status.store(PARKING, Relaxed);
    g
}

/// The third: waits for `ready`.
fn park() {
    running().suspend(Switch::Park);
}

/// Wakes a goroutine that has announced a park.
fn ready(g: GRef) {
    // AcqRel pairs(park-commit): execute's.
    let early = g.status.compare_exchange(PARKING, READIED, AcqRel, Acquire);
    if early == Err(WAITING) {
        enqueue(g);
    }
}

/// Waits until a count is zero.
#[derive(Default)]
struct WaitGroup {
    state: ThreadMutex<(isize, Vec<GRef>)>,
}

impl WaitGroup {
    fn add(&self, delta: isize) {
        let mut state = self.state.lock().unwrap();
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
        let mut state = self.state.lock().unwrap();
        if state.0 != 0 {
            state.1.push(announce_park());
            drop(state);
            park();
        }
    }
}

/// A lock around a value. An unlock hands it to the first that waits.
#[derive(Default)]
struct Mutex<T> {
    state: ThreadMutex<(bool, VecDeque<GRef>)>,
    value: UnsafeCell<T>,
}

// SAFETY: one goroutine at a time has the value.
unsafe impl<T: Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    /// Calls `f` with the value, which nobody else has meanwhile.
    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let mut state = self.state.lock().unwrap();
        if state.0 {
            state.1.push_back(announce_park());
            drop(state);
            park();
        } else {
            state.0 = true;
            drop(state);
        }
        // SAFETY: we hold the lock.
        let result = f(unsafe { &mut *self.value.get() });
        let mut state = self.state.lock().unwrap();
        let next = state.1.pop_front();
        state.0 = next.is_some();
        drop(state);
        next.into_iter().for_each(ready);
        result
    }
}

fn main() {
    run(4, || {
        let all = Arc::new(WaitGroup::default());
        let sum = Arc::new(Mutex::default());
        for n in 1..=100 {
            all.add(1);
            let (all, sum) = (Arc::clone(&all), Arc::clone(&sum));
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
        for ms in [1, 2, 4] {
            run(ms, || {
                let all = Arc::new(WaitGroup::default());
                let sum = Arc::new(Mutex::default());
                for n in 0..1000 {
                    all.add(1);
                    let (all, sum) = (Arc::clone(&all), Arc::clone(&sum));
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
                assert_eq!(sum.with(|sum| *sum), 1000);
            });
        }
    }
}

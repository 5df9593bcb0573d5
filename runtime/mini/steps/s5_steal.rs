//! Step 5: stealing; Ms that sleep, Ms that wake them, and the last look.
#![allow(unsafe_code, reason = "switches stacks")]

use std::cell::{Cell, UnsafeCell};
use std::collections::VecDeque;
use std::ptr::null;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU32, fence};
use std::sync::{Arc, Mutex as ThreadMutex};
use std::thread::{self, Thread};

use corosensei::{Coroutine, CoroutineResult, Yielder};
use crossbeam_deque::{Injector, Stealer, Worker};

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

/// At every so many picks the global queue goes first, or two goroutines that keep each other in
/// the local queue could hide it for ever.
const GLOBAL_EVERY: u32 = 61;

/// What all threads share.
struct Sched {
    /// What has yielded, and main.
    global: Injector<GRef>,
    /// The thieves' ends of all local queues.
    stealers: Vec<Stealer<GRef>>,
    /// How many sleep.
    word: AtomicU32,
    /// Who sleeps.
    asleep: ThreadMutex<Vec<(usize, Thread)>>,
    /// Main has ended.
    over: AtomicBool,
}

impl Sched {
    fn has_work(&self) -> bool {
        !self.global.is_empty() || self.stealers.iter().any(|s| !s.is_empty())
    }

    /// After work was published: wakes one that looks for it.
    fn wakep(&self) {
        fence(SeqCst); // pairs(no-lost-work): sleep's
        if self.word.load(Relaxed) == 0 {
            return; // nobody sleeps
        }
        let mut asleep = self.asleep.lock().unwrap();
        if let Some((_, thread)) = asleep.pop() {
            self.word.fetch_sub(1, Relaxed);
            thread.unpark();
        }
    }
}

/// The queues of one thread.
struct P {
    /// What was started or woken last: it runs next.
    runnext: Cell<Option<GRef>>,
    local: Worker<GRef>,
    /// Picks, but for those from `runnext`.
    tick: Cell<u32>,
}

/// One thread that runs goroutines.
struct M {
    id: usize,
    sched: Arc<Sched>,
    p: P,
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
    let locals: Vec<_> = (0..ms).map(|_| Worker::new_fifo()).collect();
    let sched = Arc::new(Sched {
        global: Injector::new(),
        stealers: locals.iter().map(Worker::stealer).collect(),
        word: AtomicU32::new(0),
        asleep: ThreadMutex::default(),
        over: AtomicBool::new(false),
    });
    put_global(G::new(&sched, || {
        main();
        let sched = &this_m().sched;
        sched.over.store(true, Release); // pairs(over)
        for (_, thread) in sched.asleep.lock().unwrap().drain(..) {
            thread.unpark();
        }
    }));
    thread::scope(|s| {
        for (id, local) in locals.into_iter().enumerate() {
            let sched = Arc::clone(&sched);
            s.spawn(move || {
                let m = M {
                    id,
                    sched,
                    p: P {
                        runnext: Cell::default(),
                        local,
                        tick: Cell::new(0),
                    },
                    current: Cell::new(null()),
                };
                THIS_M.set(&m);
                schedule(&m);
            });
        }
    });
    while sched.global.steal().success().is_some() {} // each holds the `Sched` that its queue is in
}

fn schedule(m: &M) {
    while let Some(g) = find_runnable(m) {
        execute(m, g);
    }
}

fn find_runnable(m: &M) -> Option<GRef> {
    let tick = m.p.tick.get();
    m.p.tick.set(tick.wrapping_add(1));
    if tick.is_multiple_of(GLOBAL_EVERY) {
        let next = m.sched.global.steal().success();
        if next.is_some() {
            return next;
        }
    }
    if let Some(next) = m.p.runnext.take() {
        m.p.tick.set(tick); // not counted, as in Go
        return Some(next);
    }
    if let Some(next) = m.p.local.pop() {
        return Some(next);
    }
    while !m.sched.over.load(Acquire) {
        // pairs(over)
        if let Some(g) = look_around(m) {
            m.sched.wakep(); // in our hands, the others were in no queue
            return Some(g);
        }
        sleep(m);
    }
    None
}

/// A share of the global queue, or half of somebody's local queue.
fn look_around(m: &M) -> Option<GRef> {
    let global = m.sched.global.steal_batch_and_pop(&m.p.local);
    if let Some(g) = global.success() {
        return Some(g);
    }
    let all = m.sched.stealers.len();
    let others = (1..all).map(|i| &m.sched.stealers[(m.id + i) % all]);
    others
        .map(|other| other.steal_batch_and_pop(&m.p.local))
        .find_map(|stolen| stolen.success())
}

/// Sleeps until there may be work.
fn sleep(m: &M) {
    let sched = &m.sched;
    let lock = || sched.asleep.lock().unwrap();
    let at = |asleep: &[(usize, Thread)]| asleep.iter().position(|(id, _)| *id == m.id);
    let mut asleep = lock();
    asleep.push((m.id, thread::current()));
    sched.word.fetch_add(1, Relaxed);
    drop(asleep);
    fence(SeqCst); // pairs(no-lost-work): wakep's
    if sched.has_work() || sched.over.load(Acquire) {
        // The last look has found something, pairs(over).
        let mut asleep = lock();
        if let Some(at) = at(&asleep) {
            asleep.remove(at);
            sched.word.fetch_sub(1, Relaxed);
        }
    } else {
        let asleep = lock(); // two may find this at once: one says so
        if asleep.len() == sched.stealers.len() {
            fatal("all goroutines are asleep - deadlock!");
        }
    }
    while at(&lock()).is_some() {
        thread::park();
    }
}

fn execute(m: &M, g: GRef) {
    g.status.store(RUNNING, Relaxed);
    m.current.set(&*g);
    let switch = g.resume();
    m.current.set(null());
    match switch {
        Some(Switch::Yield) => put_global(g),
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

/// In front of the caller's own queue; what stood there goes to its end. Not inlined: a deque that
/// grows looks at a thread-local of crossbeam's.
#[inline(never)]
fn enqueue(g: GRef) {
    g.status.store(RUNNABLE, Relaxed);
    let p = &this_m().p;
    if let Some(kicked) = p.runnext.replace(Some(g)) {
        p.local.push(kicked);
        this_m().sched.wakep();
    }
}

fn put_global(g: GRef) {
    g.status.store(RUNNABLE, Relaxed);
    let sched = Arc::clone(&g.sched);
    sched.global.push(g);
    sched.wakep();
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
    run(1, || {
        let all = Arc::new(WaitGroup::default());
        let order = Arc::new(Mutex::default());
        for n in 0..10 {
            all.add(1);
            let (all, order) = (Arc::clone(&all), Arc::clone(&order));
            go(move || {
                order.with(|order: &mut Vec<u32>| order.push(n));
                yield_now();
                all.done();
            });
        }
        all.wait();
        println!("{:?}", order.with(|order| order.clone()));
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

    #[test]
    fn ten_goroutines_the_last_one_first() {
        let log = Arc::new(ThreadMutex::new(Vec::new()));
        let copy = Arc::clone(&log);
        run(1, move || {
            let all = Arc::new(WaitGroup::default());
            for i in 0..10 {
                all.add(1);
                let (all, log) = (Arc::clone(&all), Arc::clone(&copy));
                go(move || {
                    log.lock().unwrap().push(i);
                    all.done();
                });
            }
            all.wait();
        });
        assert_eq!(*log.lock().unwrap(), [9, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }

    /// Main starts them, and computes: the other thread steals them.
    #[test]
    fn work_is_stolen_from_a_thread_that_is_busy() {
        run(2, || {
            let count = Arc::new(AtomicU32::new(0));
            for _ in 0..10 {
                let count = Arc::clone(&count);
                go(move || _ = count.fetch_add(1, Relaxed));
            }
            while count.load(Relaxed) < 9 {
                thread::yield_now(); // not ours: the thread's
            }
        });
    }
}

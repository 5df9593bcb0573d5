//! What is used again by somebody else must not be taken for its last owner: Gs, above all, which
//! plain threads and goroutines get by turns, and identities in the last moments of a thread.

#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Mutex, Once, mpsc};
use std::time::Duration;

use gosched::channel::{Select, never, unbounded};
use gosched::thread::{self, Thread};
use support::{check, child, wait_for};

/// Free Gs of plain threads are a queue, and they are made so many at once.
const THREADS: usize = 64;

/// No message for the panics that are meant.
fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let words = info.payload_as_str().unwrap_or_default();
            if !words.contains("without completing") {
                before(info);
            }
        }));
    });
}

/// A thread that needs a G.
fn one_more_thread() {
    let waits = || {
        Select::new().recv(&never::<u8>());
    };
    std::thread::spawn(waits).join().unwrap();
}

/// Selects, and drops what was selected.
fn drop_one(sel: &mut Select<'_>) {
    let oper = sel.select();
    catch_unwind(AssertUnwindSafe(|| drop(oper))).unwrap_err();
}

/// A message that may be dropped by nobody else.
struct Mine(PhantomData<*const ()>);

static DROPPED: AtomicUsize = AtomicUsize::new(0);

impl Drop for Mine {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, SeqCst);
    }
}

/// The receive of one message, in a select that goes to others.
fn select_of_mine() -> Select<'static> {
    let (s, r) = unbounded();
    s.send(Mine(PhantomData)).unwrap();
    Box::leak(Box::new(s));
    let mut sel = Select::new();
    sel.recv(Box::leak(Box::new(r)));
    sel
}

#[test]
fn a_message_is_not_dropped_by_a_later_owner_of_the_g() {
    quiet();
    check(|| {
        let before = DROPPED.load(SeqCst);
        for _ in 0..20 {
            // The next goroutine gets the G of the one that has just ended.
            let mut sel = thread::spawn(select_of_mine).join().unwrap();
            thread::spawn(move || drop_one(&mut sel)).join().unwrap();
        }
        let mut sel = std::thread::spawn(select_of_mine).join().unwrap();
        (1..THREADS).for_each(|_| one_more_thread());
        std::thread::spawn(move || drop_one(&mut sel))
            .join()
            .unwrap();
        assert_eq!(DROPPED.load(SeqCst) - before, 0);
        drop_one(&mut select_of_mine()); // its own it drops
        assert_eq!(DROPPED.load(SeqCst) - before, 1);
    });
}

static OUTLIVED: AtomicBool = AtomicBool::new(false);
static OVER: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Goes on counting on its thread when that has given its G back.
struct Counts(Rc<()>);

impl Drop for Counts {
    fn drop(&mut self) {
        OUTLIVED.store(true, SeqCst);
        while !OVER.load(SeqCst) {
            drop(std::hint::black_box(Rc::clone(&self.0)));
        }
        COUNT.store(Rc::strong_count(&self.0), SeqCst);
    }
}

thread_local! {
    static COUNTS: RefCell<Option<Counts>> = const { RefCell::new(None) };
}

#[test]
fn a_count_is_not_changed_by_two_threads_at_once() {
    const N: usize = 20_000;
    quiet();
    let (s, r) = mpsc::channel();
    let a = std::thread::spawn(move || {
        let rc = Rc::new(());
        COUNTS.set(Some(Counts(Rc::clone(&rc)))); // before this thread has a G: destroyed after it
        let (tx, rx) = unbounded();
        (0..N).for_each(|_| tx.send(Rc::clone(&rc)).unwrap());
        Box::leak(Box::new(tx));
        let mut sel = Select::new();
        sel.recv(Box::leak(Box::new(rx)));
        s.send(sel).unwrap();
    });
    let mut sel: Select<'static> = r.recv().unwrap();
    wait_for("the destructor", || OUTLIVED.load(SeqCst));
    (1..THREADS).for_each(|_| one_more_thread());
    let b = std::thread::spawn(move || (0..N).for_each(|_| drop_one(&mut sel)));
    b.join().unwrap();
    OVER.store(true, SeqCst);
    a.join().unwrap();
    assert_eq!(
        COUNT.load(SeqCst),
        N + 1,
        "nobody but its own thread drops one"
    );
}

/// Destroyed on top of the frames of the thread that calls `exit`.
struct AtExit;

impl Drop for AtExit {
    fn drop(&mut self) {
        thread::park_timeout(Duration::from_millis(1));
        for i in 0..500u32 {
            thread::spawn(move || std::hint::black_box(i))
                .join()
                .unwrap();
        }
        for _ in 0..=THREADS {
            let grows = || gosched::stack::grow(usize::MAX, 1 << 20, one_more_thread);
            std::thread::spawn(grows).join().unwrap();
        }
        println!("all ran");
    }
}

thread_local! {
    static AT_EXIT: AtExit = const { AtExit };
}

#[test]
fn exit_on_a_segment_keeps_it() {
    const TEST: &str = "exit_on_a_segment_keeps_it";
    if child::role().is_some() {
        AT_EXIT.with(|_| ()); // before this thread has a G
        // SAFETY: nothing here is tied to an OS thread.
        unsafe { gosched::Builder::new().procs(1).run(|| ()) };
        gosched::stack::grow(usize::MAX, 1 << 20, || std::process::exit(0));
    }
    let ended = child::run(&mut child::again(TEST, "exit"), support::LIMIT);
    assert_eq!(ended.status, Some(0), "{ended}");
    assert!(ended.stdout.contains("all ran"), "{ended}");
}

/// Asks who it is when the thread's own identity has been destroyed, and waits to be woken.
struct Late(Cell<Option<(Thread, mpsc::Sender<Thread>)>>);

impl Drop for Late {
    fn drop(&mut self) {
        let (before, tell) = self.0.take().unwrap();
        let now = thread::current();
        assert_eq!((now.id(), now.name()), (before.id(), before.name()));
        thread::park_timeout(Duration::from_millis(1));
        tell.send(now).unwrap();
        thread::park();
        tell.send(thread::current()).unwrap();
        thread::park();
    }
}

thread_local! {
    static LATE: Late = const { Late(Cell::new(None)) };
}

static LAST: Mutex<Vec<Thread>> = Mutex::new(Vec::new());

#[test]
fn a_thread_knows_itself_to_its_very_end() {
    for _ in 0..20 {
        let (tell, hear) = mpsc::channel();
        let begin = move || {
            LATE.with(|late| late.0.set(Some((thread::current(), tell))));
            LAST.lock().unwrap().push(thread::current());
        };
        let named = std::thread::Builder::new().name("late".into());
        let thread = named.spawn(begin).unwrap();
        hear.recv().unwrap().unpark();
        hear.recv().unwrap();
        let older = LAST.lock().unwrap().pop().unwrap(); // as good as the one it has told
        older.unpark();
        thread.join().unwrap();
    }
}

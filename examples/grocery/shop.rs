//! The shop: what there is to buy, and how long it takes.
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use gosched::sync::Mutex;
use gosched::thread;

/// A column of the timeline.
pub(crate) const TICK: Duration = Duration::from_millis(5);
/// What to buy; ticks to fetch it, at the counter, and to bring it to the cart.
pub(crate) const LIST: [(&str, [u32; 3]); 5] = [
    ("cheese", [2, 12, 1]),
    ("fish", [2, 8, 1]),
    ("apples", [5, 0, 1]),
    ("bread", [3, 6, 1]),
    ("milk", [4, 0, 1]),
];

/// What happened.
pub(crate) struct Entry {
    pub(crate) item: usize,
    /// Who was busy with it (0 or 1); none: it waited at the counter.
    pub(crate) shopper: Option<usize>,
    pub(crate) from: Instant,
    pub(crate) to: Instant,
}

/// The same, with the OS thread that was busy.
type Note = (usize, Option<ThreadId>, Instant, Instant);
static NOTES: Mutex<Vec<Note>> = Mutex::new(Vec::new());

/// What happened since the last call, in order. There are as many shoppers as Ps. A shopper is a P and not
/// a thread: the P may go on with another thread. So a thread that was not there before is the shopper
/// that has nothing to do.
pub(crate) fn take_log(shoppers: usize) -> Vec<Entry> {
    let mut notes = std::mem::take(&mut *NOTES.lock().unwrap());
    notes.sort_by_key(|note| note.2);
    let mut last: Vec<(Option<ThreadId>, Instant)> = vec![(None, notes[0].2); shoppers];
    let mut who = |thread: Option<ThreadId>, from: Instant, to: Instant| {
        thread?;
        let same = last.iter().position(|one| one.0 == thread);
        let free = || (0..shoppers).min_by_key(|&i| (last[i].1 > from, last[i].0.is_some(), i));
        let shopper = same.or_else(free)?;
        last[shopper] = (thread, to);
        Some(shopper)
    };
    let entry = |(item, thread, from, to)| Entry {
        item,
        shopper: who(thread, from, to),
        from,
        to,
    };
    notes.into_iter().map(entry).collect()
}

/// Not inlined: the thread must be asked for anew, as after a wait it may be another.
#[inline(never)]
fn walk(item: usize, ticks: u32) {
    let from = Instant::now();
    while from.elapsed() < TICK * ticks {
        std::hint::spin_loop();
    }
    let me = std::thread::current().id();
    NOTES
        .lock()
        .unwrap()
        .push((item, Some(me), from, Instant::now()));
}

/// The clerk is none of our shoppers but a plain thread, which wakes the goroutine.
fn wait_at_counter(item: usize, ticks: u32) {
    let (from, me) = (Instant::now(), thread::current());
    std::thread::spawn(move || {
        std::thread::sleep(TICK * ticks);
        me.unpark();
    });
    thread::park();
    NOTES
        .lock()
        .unwrap()
        .push((item, None, from, Instant::now()));
}

pub(crate) fn buy(item: usize) {
    let [fetch, counter, bring] = LIST[item].1;
    walk(item, fetch);
    if counter > 0 {
        wait_at_counter(item, counter);
    }
    walk(item, bring);
}

//! The last step of a wake-up: the waker gives the G away.
//!
//! The store of the status gives the G away. A goroutine still belongs to the waker after the
//! store, until the waker has queued it. But a foreign thread may continue at once and end, and
//! at the next instruction its G may belong to another thread. So the waker reads the kind of the
//! G before the store; and a thread continues only when its note is set, which is the last thing
//! that its waker does. After that the waker uses only the note's address (Gs are never freed).
//! `core/sched/README.md#hand-back`.
#![forbid(unsafe_code)]

use crate::core::g::status::{Enqueue, Status};
use crate::core::sys::clock::Nanos;
use crate::core::sys::fatal::fatal;
use crate::core::sys::note::Note;

/// Called by the one waker of a wait. `Mine`: a goroutine, to be put into a run queue. `readied` is
/// called before a foreign thread can go on.
#[inline]
pub(crate) fn wake(
    status: &Status,
    note: &Note,
    is_thread: impl FnOnce() -> bool,
    readied: impl FnOnce(),
) -> Enqueue {
    let thread = is_thread(); // before the store that gives the G away
    match status.ready() {
        Enqueue::NotMine => Enqueue::NotMine, // it was not asleep yet, and sees to itself
        Enqueue::Mine if thread => {
            readied();
            note.wake();
            Enqueue::NotMine
        }
        Enqueue::Mine => Enqueue::Mine,
    }
}

/// Called by a foreign thread whose park is committed: sleeps until its waker has set the note.
pub(crate) fn sleep_thread(status: &Status, note: &Note) {
    let woken = sleep_thread_until(status, note, None);
    debug_assert!(woken);
}

/// As [`sleep_thread`]; false: the deadline passed first, and a waker may still come.
pub(crate) fn sleep_thread_until(
    status: &Status,
    note: &Note,
    deadline: Option<Nanos>,
) -> bool {
    if !note.sleep_until(deadline) {
        return false;
    }
    // One event for each wake-up, and each is waited for: there are no others.
    if !status.thread_woken() {
        fatal!("a thread was woken that nobody has readied");
    }
    true
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::core::base::atomic::AtomicU32;
    use crate::core::base::atomic::Ordering::Relaxed;
    use loom::sync::Arc;

    const THREAD: u32 = 1;
    const GOROUTINE: u32 = 0;

    /// What a waker knows of a foreign thread's G.
    struct Plain {
        status: Status,
        note: Note,
        kind: AtomicU32,
    }

    /// A thread waits, is woken, and ends; its G is a goroutine's at once, which parks, as
    /// goroutines do. `waker` is told what it has to do with the G that it has woken.
    fn a_thread_that_ends(wake: fn(&Plain) -> Enqueue) {
        loom::model(move || {
            let g = Arc::new(Plain {
                status: Status::dead(),
                note: Note::new(),
                kind: AtomicU32::new(THREAD),
            });
            g.status.set_running_thread();
            g.status.announce_park();
            let waker = Arc::clone(&g);
            let waker = loom::thread::spawn(move || {
                assert_eq!(wake(&waker), Enqueue::NotMine, "queued a plain thread");
            });
            if g.status.commit_park() == Enqueue::NotMine {
                sleep_thread(&g.status, &g.note);
            }
            g.status.run();
            g.status.died();
            g.kind.store(GOROUTINE, Relaxed);
            g.status.spawned();
            g.status.run();
            waker.join().unwrap();
            assert!(
                g.note.is_clear(),
                "a wake-up is left over for the G's next thread"
            );
        });
    }

    #[test]
    fn a_waker_lets_go_of_a_thread_that_ends() {
        a_thread_that_ends(|g| {
            let is_thread = || g.kind.load(Relaxed) == THREAD;
            wake(&g.status, &g.note, is_thread, || ())
        });
    }
}

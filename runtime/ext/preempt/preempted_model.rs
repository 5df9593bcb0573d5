//! A loom model of a preempted goroutine: its own thread, the M that picks it, and the safety
//! valve. The steps are those of `core/g/status.rs`; who calls them when is
//! `ext/preempt/preempt_signal.rs`, `ext/preempt/handoff.rs` and `ext/preempt/sysmon.rs`.
#![forbid(unsafe_code)]

use loom::sync::Arc;
use loom::sync::atomic::AtomicUsize;
use loom::sync::atomic::Ordering::SeqCst;

use crate::core::g::status::{Enqueue, Status};
use crate::core::sys::note::Note;
use crate::ext::stopped::{Bound, Stop};

/// A preempted goroutine as its M's thread, a picker and sysmon see it. The numbers count
/// who has it: 1 in all, whatever happens.
struct Stopped {
    status: Status,
    note: Note,
    /// In a queue.
    queued: AtomicUsize,
    /// In the hands of its own M, with a P.
    with_p: AtomicUsize,
    /// Picked as an ordinary runnable one.
    picked: AtomicUsize,
}

impl Stopped {
    fn new() -> Arc<Stopped> {
        let status = Status::dead();
        status.spawned();
        status.run();
        status.stopped(Stop::InHandler);
        Arc::new(Stopped {
            status,
            note: Note::new(),
            queued: AtomicUsize::new(1),
            with_p: AtomicUsize::new(0),
            picked: AtomicUsize::new(0),
        })
    }

    /// An M with a P takes it out of the queue, if it is there.
    fn pick(&self) {
        if self.queued.swap(0, SeqCst) == 0 {
            return;
        }
        match self.status.resume_bound() {
            Bound::Asleep => {
                self.with_p.store(1, SeqCst);
                self.note.wake();
            }
            Bound::Running => (),
            Bound::Runnable => {
                self.status.run();
                self.picked.store(1, SeqCst);
            }
        }
    }

    /// sysmon. Returns `true` if its M is awake now.
    fn valve(&self) -> bool {
        let opened = self.status.open_valve();
        if opened {
            self.note.wake();
        }
        opened
    }

    fn push(&self, mine: Enqueue) {
        if mine == Enqueue::Mine {
            assert_eq!(self.queued.swap(1, SeqCst), 0, "queued twice");
        }
    }

    fn owners(&self) -> usize {
        [&self.queued, &self.with_p, &self.picked]
            .map(|count| count.load(SeqCst))
            .iter()
            .sum()
    }
}

mod model {
    use super::*;

    /// Stopped in the handler. Picker and valve race; a goroutine that the valve let go enters
    /// the runtime, leaves its stack, and is picked up like any other.
    #[test]
    fn a_stopped_goroutine_goes_on_in_one_place() {
        loom::model(|| {
            let g = Stopped::new();
            let (picker, sysmon) = (Arc::clone(&g), Arc::clone(&g));
            let picker = loom::thread::spawn(move || picker.pick());
            let sysmon = loom::thread::spawn(move || sysmon.valve());
            g.note.sleep(); // one of them comes: the picker does, if the valve does not
            if g.with_p.load(SeqCst) == 0 {
                assert!(g.status.may_run_without_p());
                g.push(g.status.yielded_without_p());
            }
            picker.join().unwrap();
            sysmon.join().unwrap();
            assert_eq!(g.owners(), 1);
        });
    }

    /// Let go by the valve, it computes for too long, and is stopped again; then somebody
    /// gives it a P, whether it was still in its queue or not.
    #[test]
    fn a_goroutine_that_the_valve_let_go_is_stopped_again() {
        loom::model(|| {
            let g = Stopped::new();
            assert!(g.valve());
            g.note.sleep();
            let picker = Arc::clone(&g);
            let picker = loom::thread::spawn(move || picker.pick());
            g.push(g.status.stopped_without_p(Stop::InHandler));
            picker.join().unwrap();
            assert_eq!(g.owners(), 1);
            g.pick();
            g.note.sleep();
            assert_eq!((g.owners(), g.with_p.load(SeqCst)), (1, 1));
        });
    }

    /// Let go by the valve, it comes to the runtime's door and stops there, in a call that does not
    /// wait. The valve leaves it alone from then on; a picker gives it a P.
    #[test]
    fn a_goroutine_that_the_valve_let_go_stops_at_the_door() {
        loom::model(|| {
            let g = Stopped::new();
            assert!(g.valve());
            g.note.sleep();
            let (picker, sysmon) = (Arc::clone(&g), Arc::clone(&g));
            let picker = loom::thread::spawn(move || picker.pick());
            let sysmon = loom::thread::spawn(move || sysmon.valve());
            g.push(g.status.stopped_without_p(Stop::AtDoor));
            picker.join().unwrap();
            assert!(!sysmon.join().unwrap(), "the valve woke it without a P");
            assert_eq!(g.owners(), 1);
            g.pick();
            g.note.sleep();
            assert_eq!((g.owners(), g.with_p.load(SeqCst)), (1, 1));
        });
    }
}

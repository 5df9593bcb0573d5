//! A storm is recorded for a moment, and what was recorded is read back: by our reader, which puts all events
//! in an order in which each was possible, and by Go's, where it is there.
//!
//! `TRACES=all`: one moment after the other, for a long run by hand.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::thread::JoinHandle;
use std::time::Duration;

use gosched::trace;

use super::go_reader::{ask_go, scratch};

/// How long is recorded: a storm fills the memory for events in a fifth of a second.
const MOMENT: Duration = Duration::from_millis(5);
/// When that begins.
const BEFORE: Duration = Duration::from_millis(20);

/// Not one moment of each round only.
fn all() -> bool {
    std::env::var("TRACES").is_ok_and(|which| which == "all")
}

/// A plain thread that records what others do.
pub(crate) struct Reader {
    thread: JoinHandle<usize>,
    over: Arc<AtomicBool>,
}

impl Reader {
    /// It begins soon, if nothing else is recorded.
    pub(crate) fn start() -> Reader {
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            std::thread::sleep(BEFORE);
            let mut events = a_moment();
            while all() && !is_over.load(SeqCst) {
                events += a_moment();
            }
            events
        });
        Reader { thread, over }
    }

    /// How many events were read back.
    pub(crate) fn events(self) -> usize {
        self.over.store(true, SeqCst);
        match self.thread.join() {
            Ok(events) => events,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Records one, reads it back, and says how many events there were.
fn a_moment() -> usize {
    if trace::start().is_err() {
        return 0;
    }
    std::thread::sleep(MOMENT);
    let Some(recorded) = trace::stop() else {
        return 0; // it panics if something was not possible
    };
    assert_eq!(recorded.lost(), 0, "{recorded:?}");
    static FILES: AtomicUsize = AtomicUsize::new(0);
    let (process, n) = (std::process::id(), FILES.fetch_add(1, SeqCst));
    let file = scratch(&format!("storm-{process}-{n}.trace"));
    recorded.write(&file).unwrap();
    ask_go(&file);
    std::fs::remove_file(&file).unwrap(); // one that is refused stays
    recorded.events()
}

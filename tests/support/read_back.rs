//! A storm is recorded for a moment, and what was recorded is read back: by our reader, which puts all events
//! in an order in which each was possible, and by Go's, where it is there.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::JoinHandle;
use std::time::Duration;

use gosched::trace;

use super::go_reader::{ask_go, scratch};

/// How long is recorded: a storm fills the memory for events in a fifth of a second.
const MOMENT: Duration = Duration::from_millis(5);
/// When that begins.
const BEFORE: Duration = Duration::from_millis(20);

/// A plain thread that records what others do.
pub(crate) struct Reader(JoinHandle<Option<usize>>);

impl Reader {
    /// It begins soon, if nothing else is recorded.
    pub(crate) fn start() -> Reader {
        Reader(std::thread::spawn(|| {
            std::thread::sleep(BEFORE);
            trace::start().ok()?;
            std::thread::sleep(MOMENT);
            let recorded = trace::stop()?; // it panics if something was not possible
            assert_eq!(recorded.lost(), 0, "{recorded:?}");
            static FILES: AtomicUsize = AtomicUsize::new(0);
            let (process, n) = (std::process::id(), FILES.fetch_add(1, SeqCst));
            let file = scratch(&format!("storm-{process}-{n}.trace"));
            recorded.write(&file).unwrap();
            ask_go(&file);
            std::fs::remove_file(&file).unwrap(); // one that is refused stays
            Some(recorded.events())
        }))
    }

    /// How many events were read back.
    pub(crate) fn events(self) -> usize {
        match self.0.join() {
            Ok(events) => events.unwrap_or(0),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// At which of so many rounds the next storm is recorded: they take turns, and each is once.
pub(crate) fn next_turn(of: usize) -> usize {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    TURN.fetch_add(1, SeqCst) % of
}

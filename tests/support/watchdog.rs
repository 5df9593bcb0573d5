//! Turns a hang into a failure in seconds: a thread that dumps and aborts when a test does not
//! end in time. Knows nothing of the runtime but a function that prints its state.

use std::io::Write;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

/// Prints to stderr what is to be seen of a stuck program. Must not wait for it.
pub(crate) type Dump = fn();

/// Disarmed when dropped.
#[derive(Debug)]
pub(crate) struct Watchdog {
    disarm: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Aborts the process, with `what` and a dump, unless dropped within `limit`.
    pub(crate) fn new(what: &str, limit: Duration, dump: Dump) -> Watchdog {
        let what = what.to_owned();
        let (disarm, disarmed) = mpsc::channel();
        let watch = move || {
            if disarmed.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                bite(&what, limit, dump);
            }
        };
        let thread = std::thread::Builder::new()
            .name("watchdog".to_owned())
            .spawn(watch);
        let thread = thread.expect("a thread for the watchdog");
        Watchdog {
            disarm: Some(disarm),
            thread: Some(thread),
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.disarm.take());
        if let Some(thread) = self.thread.take() {
            // Cannot have panicked: it has only waited.
            let _ = thread.join();
        }
    }
}

/// Straight to stderr: the test harness keeps what `eprintln!` writes, and abort loses it.
fn say(words: &str) {
    // Nobody is left to hear of a closed stderr.
    let _ = std::io::stderr().write_all(words.as_bytes());
}

fn bite(what: &str, limit: Duration, dump: Dump) -> ! {
    say(&format!(
        "\nwatchdog: {what} did not end within {limit:?}; the goroutines:\n"
    ));
    // The dump itself may hang on what the test hangs on.
    let dumped = std::thread::spawn(dump);
    let patience = limit.clamp(Duration::from_secs(1), Duration::from_secs(10));
    let step = Duration::from_millis(10);
    let mut waited = Duration::ZERO;
    while !dumped.is_finished() && waited < patience {
        std::thread::sleep(step);
        waited += step;
    }
    if !dumped.is_finished() {
        say("watchdog: the dump does not end either\n");
    }
    say(&format!("watchdog: aborting: {what}\n"));
    std::process::abort()
}

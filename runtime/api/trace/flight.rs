//! The last part of what a program did, always at hand.
#![forbid(unsafe_code)]

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::api::trace::recorded::{StartError, Trace};
use crate::core::sched::start::assert_started;
use crate::ext::trace::file::FLIGHT;
use crate::ext::trace::session::{self, Flight};
use crate::ext::trace::together::Recording;

/// What a [`FlightRecorder`] keeps.
///
/// Go: trace.FlightRecorderConfig
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlightConfig {
    /// A snapshot has at least the events of so long before it, if there is room for them; what is
    /// older is left out.
    pub min_age: Duration,
    /// Memory for events; between 4 and 64 MiB. The program's own words ([`log`](super::log)) are not
    /// counted. It goes before `min_age`. A program that starts and
    /// wakes goroutines all the time fills about 100 MiB in a second.
    pub max_bytes: usize,
}

impl Default for FlightConfig {
    /// Ten seconds, 16 MiB.
    fn default() -> FlightConfig {
        FlightConfig {
            min_age: FLIGHT.min_age,
            max_bytes: FLIGHT.max_bytes,
        }
    }
}

/// Records all the time, and keeps the last part: to be looked at when something went wrong.
///
/// The memory for events is a ring, so it is bounded; the scheduler's events take no lock and no
/// allocation. A program that
/// dies writes its last part to a file with `GOSCHED=flight=FILE`, without this type.
///
/// There is one recording at a time in a process.
///
/// # Examples
/// ```
/// use gosched::trace::{FlightConfig, FlightRecorder};
///
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let flight = FlightRecorder::start(FlightConfig::default()).unwrap();
///     gosched::thread::spawn(|| ()).join().unwrap();
///     // Something took too long:
///     flight.write_to(std::env::temp_dir().join("slow.html")).unwrap();
///     flight.stop();
/// }) };
/// ```
///
/// Go: trace.FlightRecorder
#[derive(Debug)]
#[must_use = "it stops when it is dropped"]
pub struct FlightRecorder {
    on: bool,
}

impl FlightRecorder {
    /// Starts it. The world is stopped for a moment, to note how each goroutine is.
    ///
    /// # Errors
    /// When something is recorded already, or there is no memory.
    ///
    /// # Panics
    /// If the runtime has not been started.
    ///
    /// # Examples
    /// See [`FlightRecorder`].
    ///
    /// Go: FlightRecorder.Start
    #[track_caller]
    pub fn start(config: FlightConfig) -> Result<FlightRecorder, StartError> {
        assert_started();
        let flight = Flight {
            min_age: config.min_age,
            max_bytes: config.max_bytes,
        };
        session::begin(Some(flight))?;
        Ok(FlightRecorder { on: true })
    }

    /// What happened up to now. The recording goes on. The world is stopped for a moment.
    ///
    /// # Panics
    /// If what was recorded cannot have happened. That is a fault of gosched.
    #[must_use]
    #[track_caller]
    pub fn snapshot(&self) -> Trace {
        match session::snapshot() {
            Some(Ok(recording)) => Trace(recording),
            Some(Err(broken)) => panic!("{broken}"),
            None => Trace(Recording::default()), // the process dies, and has taken it
        }
    }

    /// Writes a [snapshot](FlightRecorder::snapshot) as the ending of the file's name says.
    ///
    /// # Errors
    /// As [`Trace::write`].
    ///
    /// Go: FlightRecorder.WriteTo
    pub fn write_to(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.snapshot().write(path)
    }

    /// Ends the recording, as dropping it does.
    ///
    /// Go: FlightRecorder.Stop
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for FlightRecorder {
    fn drop(&mut self) {
        if std::mem::take(&mut self.on) {
            session::stop_flight();
        }
    }
}

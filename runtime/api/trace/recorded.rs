//! A recording, from [`start`] to [`stop`], and the ways to look at it.
#![forbid(unsafe_code)]

use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::core::sched::start::assert_started;
use crate::ext::recording::format::Format;
use crate::ext::recording::record::Rule;
use crate::ext::recording::recorder;
use crate::ext::trace::file;
use crate::ext::trace::follow::follow;
use crate::ext::trace::session::{self, Refused};
use crate::ext::trace::together::Recording;

/// Why [`start`] did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// A recording runs already: this process has one at a time, of the beginning or in flight.
    AlreadyOn,
    /// The system has not the memory: 64 MiB.
    NoMemory,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StartError::AlreadyOn => "tracing is already enabled",
            StartError::NoMemory => "no memory for a trace",
        })
    }
}

impl std::error::Error for StartError {}

/// Starts a recording. It stops the world for a moment, to note how each goroutine is.
///
/// # Errors
/// When one runs already, or there is no memory.
///
/// # Panics
/// If the runtime has not been started.
///
/// # Examples
/// See [the module](crate::trace).
///
/// Go: trace.Start
#[track_caller]
pub fn start() -> Result<(), StartError> {
    assert_started();
    session::begin(None).map_err(StartError::from)
}

impl From<Refused> for StartError {
    fn from(why: Refused) -> StartError {
        match why {
            Refused::AlreadyOn => StartError::AlreadyOn,
            Refused::NoMemory => StartError::NoMemory,
        }
    }
}

/// Ends the recording; `None` if there is none, or only one in flight. It stops the world for a moment.
///
/// # Panics
/// If what was recorded cannot have happened. That is a fault of gosched.
///
/// # Examples
/// See [the module](crate::trace).
///
/// Go: trace.Stop
#[must_use]
#[track_caller]
pub fn stop() -> Option<Trace> {
    match session::end()? {
        Ok(recording) => Some(Trace(recording)),
        Err(broken) => panic!("{broken}"),
    }
}

/// Is something recorded?
///
/// Go: trace.IsEnabled
#[must_use]
pub fn is_enabled() -> bool {
    recorder::on()
}

/// What was recorded between [`start`] and [`stop`], or by a [`FlightRecorder`](crate::trace::FlightRecorder).
pub struct Trace(pub(super) Recording);

impl Trace {
    /// Writes it as the ending of the file's name says: see [the module](crate::trace#ways-to-look).
    ///
    /// # Errors
    /// Those of the file; `InvalidInput` for another ending.
    pub fn write(&self, path: impl AsRef<Path>) -> io::Result<()> {
        file::write(&self.0, &path.as_ref().to_string_lossy())
    }

    /// A page for a browser.
    #[must_use]
    pub fn to_html(&self) -> String {
        text(file::encode(Format::Html, &self.0))
    }

    /// A timeline for a terminal.
    #[must_use]
    pub fn to_text(&self) -> String {
        text(file::encode(Format::Text, &self.0))
    }

    /// Go's trace format, version 1.26.
    #[must_use]
    pub fn to_go(&self) -> Vec<u8> {
        file::encode(Format::Go, &self.0)
    }

    /// Perfetto's format.
    #[must_use]
    pub fn to_perfetto(&self) -> Vec<u8> {
        file::encode(Format::Perfetto, &self.0)
    }

    /// What ran on each P, in the order in which it began.
    ///
    /// # Examples
    /// ```
    /// use gosched::trace;
    ///
    /// # // SAFETY: nothing here is tied to an OS thread.
    /// unsafe { gosched::Builder::new().procs(1).run(|| {
    ///     trace::start().unwrap();
    ///     gosched::thread::spawn(|| ()).join().unwrap();
    ///     let runs = trace::stop().unwrap().runs();
    ///     assert_eq!(runs[1].chosen_by, Some("runnext")); // a new goroutine is the next one
    /// }) };
    /// ```
    #[must_use]
    pub fn runs(&self) -> Vec<Run> {
        let lives = follow(&self.0.steps, self.0.end);
        let runs = lives.runs.iter().map(|run| Run {
            goroutine: run.g,
            p: run.p,
            start: Duration::from_nanos(run.from),
            end: Duration::from_nanos(run.to),
            chosen_by: run.rule.map(Rule::name),
        });
        runs.collect()
    }

    /// How many events were recorded.
    #[must_use]
    pub fn events(&self) -> usize {
        self.0.steps.len()
    }

    pub(crate) fn left_out(&self) -> usize {
        self.0.left_out
    }

    /// How many events there was no room for. If there are any, the end of the recording is missing.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.0.lost
    }
}

/// A goroutine on a P, from when it was chosen to when it gave the P up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Run {
    /// Its number, as [`goroutine::id`](crate::goroutine::id) returns it.
    pub goroutine: u64,
    /// The P's number.
    pub p: u32,
    /// Since the beginning of the recording.
    pub start: Duration,
    /// As `start`.
    pub end: Duration,
    /// The rule that chose it: `runnext`, `local queue`, `global batch`, `steal` and so on. `None`: it ran
    /// when the recording began, or went on after its P was taken.
    pub chosen_by: Option<&'static str>,
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace")
            .field("events", &self.events())
            .field("lost", &self.lost())
            .finish_non_exhaustive()
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

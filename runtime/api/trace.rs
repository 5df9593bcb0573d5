//! Recording what the scheduler does, and looking at it: who ran when and where, who woke whom, who
//! stole what, and which rule chose each goroutine. Go's package runtime/trace.
//!
//! A whole program is recorded without a change to it: `GOSCHED=trace=run.html ./program`. Part of
//! one is recorded between [`start`] and [`stop`]:
//!
//! ```
//! use gosched::trace;
//!
//! # // SAFETY: nothing here is tied to an OS thread.
//! unsafe { gosched::run(|| {
//!     trace::start().unwrap();
//!     gosched::thread::spawn(|| trace::log("greeting", "hello")).join().unwrap();
//!     let recorded = trace::stop().unwrap();
//!     assert!(recorded.to_text().contains("goroutines"));
//!     recorded.write(std::env::temp_dir().join("run.html")).unwrap();
//! }) };
//! ```
//!
//! # Ways to look
//!
//! The ending of the file's name decides:
//!
//! | ending | what it is |
//! |---|---|
//! | `.html` | one page for a browser, which needs no network: lanes, arrows, and for each run the rule that chose it |
//! | `.trace` | for `go tool trace` |
//! | `.perfetto` | for <https://ui.perfetto.dev> |
//! | `.txt` | a timeline of 80 columns; `-` is the standard output |
//!
//! # What it costs
//!
//! While nothing is recorded, an event is a look at one byte. While something is, it is 24 bytes in a
//! buffer of the thread's own, without a lock and without an allocation. There is room for 2.8
//! million events (64 MiB); what comes after that is counted, and not recorded
//! ([`Trace::lost`]). `docs/tracing.md` has the figures.
//!
//! # Tasks, regions, logs
//!
//! [`log`], [`region`] and [`Task`] put the program's own words into the trace, as in Go. They do nothing
//! while nothing is recorded.
#![forbid(unsafe_code)]

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::core::m::enter::enter;
use crate::core::sched::start::assert_started;
use crate::ext::recording::emit;
use crate::ext::recording::format::Format;
use crate::ext::recording::record::{Note, Rule};
use crate::ext::recording::recorder;
use crate::ext::trace::file;
use crate::ext::trace::lives::follow;
use crate::ext::trace::names::Said;
use crate::ext::trace::session::{self, Recording};

/// Why [`start`] did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// A recording runs already: this process has one at a time.
    AlreadyOn,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tracing is already enabled")
    }
}

impl std::error::Error for StartError {}

/// Starts a recording. It stops the world for a moment, to note how each goroutine is.
///
/// # Errors
/// When one runs already.
///
/// # Panics
/// If the runtime has not been started.
///
/// # Examples
/// See [the module](self).
///
/// Go: trace.Start
#[track_caller]
pub fn start() -> Result<(), StartError> {
    assert_started();
    session::begin().map_err(|_| StartError::AlreadyOn)
}

/// Ends the recording; `None` if there is none. It stops the world for a moment.
///
/// # Panics
/// If what was recorded cannot have happened. That is a fault of gosched.
///
/// # Examples
/// See [the module](self).
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

/// What was recorded between [`start`] and [`stop`].
pub struct Trace(Recording);

impl Trace {
    /// Writes it as the ending of the file's name says: see [the module](self#ways-to-look).
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

fn say(note: Note, words: Said) {
    if recorder::on() {
        let number = session::say(words);
        let _inside = enter();
        emit::note(note, number);
    }
}

fn named(name: &str, task: u64) -> Said {
    Said {
        name: name.to_string(),
        task,
        ..Said::default()
    }
}

/// Puts a message into the trace. The category groups messages, and may be empty.
///
/// # Examples
/// See [the module](self).
///
/// Go: trace.Log
pub fn log(category: &str, message: &str) {
    log_of(0, category, message);
}

fn log_of(task: u64, category: &str, message: &str) {
    let text = message.to_string();
    say(
        Note::Log,
        Said {
            text,
            ..named(category, task)
        },
    );
}

/// A stretch of time in one goroutine, until the value is dropped.
#[derive(Debug)]
#[must_use = "the region ends when this is dropped"]
pub struct Region {
    name: String,
    task: u64,
}

impl Drop for Region {
    fn drop(&mut self) {
        say(Note::RegionEnd, named(&self.name, self.task));
    }
}

/// Begins a region, which ends when the value is dropped, in the same goroutine.
///
/// # Examples
/// ```
/// let _region = gosched::trace::region("parsing");
/// ```
///
/// Go: trace.StartRegion
#[doc(alias = "StartRegion")]
#[doc(alias = "WithRegion")]
pub fn region(name: &str) -> Region {
    region_of(0, name)
}

fn region_of(task: u64, name: &str) -> Region {
    say(Note::RegionBegin, named(name, task));
    Region {
        name: name.to_string(),
        task,
    }
}

/// Something that several goroutines may have a part in, until the value is dropped.
///
/// # Examples
/// ```
/// use gosched::trace::Task;
///
/// let order = Task::new("order");
/// order.log("number", "17");
/// let packing = order.task("packing");
/// let _region = packing.region("boxes");
/// ```
///
/// Go: trace.NewTask
#[derive(Debug)]
pub struct Task {
    id: u64,
}

static LAST_TASK: AtomicU64 = AtomicU64::new(0);

impl Task {
    /// A task that is no part of another.
    #[must_use = "the task ends when this is dropped"]
    pub fn new(name: &str) -> Task {
        Task::part_of(0, name)
    }

    /// A part of this task.
    #[must_use = "the task ends when this is dropped"]
    pub fn task(&self, name: &str) -> Task {
        Task::part_of(self.id, name)
    }

    fn part_of(parent: u64, name: &str) -> Task {
        let id = LAST_TASK.fetch_add(1, Relaxed) + 1;
        say(
            Note::TaskBegin,
            Said {
                parent,
                ..named(name, id)
            },
        );
        Task { id }
    }

    /// As [`log`], of this task.
    pub fn log(&self, category: &str, message: &str) {
        log_of(self.id, category, message);
    }

    /// As [`region`], of this task.
    pub fn region(&self, name: &str) -> Region {
        region_of(self.id, name)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        say(Note::TaskEnd, named("", self.id));
    }
}

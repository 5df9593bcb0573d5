//! The goroutines as data: `goroutines()`, what a dump shows.
#![forbid(unsafe_code)]

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use crate::api::stack::grow;
use crate::core::g::goroutine::GRef;
use crate::core::sys::clock::nanotime;
use crate::ext::allgs;
use crate::ext::diagnostics::dump::is_user;
use crate::ext::diagnostics::identity_table::with_name;
use crate::ext::diagnostics::stacks::{LOOKING, Line, lines_of};
use crate::ext::stopped::State;

/// What a goroutine does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GoroutineStatus {
    /// In a run queue.
    Runnable,
    /// On a thread.
    Running,
    /// It waits: [`GoroutineInfo::wait_reason`] says for what.
    Waiting,
    /// Stopped in the middle of its code, and in a run queue.
    Preempted,
}

/// What was known of a goroutine at one moment. See [`goroutines`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GoroutineInfo {
    /// Its number, which no other goroutine of the process ever has.
    pub id: u64,
    /// Its name, or the first 64 bytes of it.
    pub name: Option<String>,
    /// What it does.
    pub status: GoroutineStatus,
    /// Why it waits, in the words of dumps.
    pub wait_reason: Option<&'static str>,
    /// For how long it has waited, to about a second.
    pub waiting: Option<Duration>,
    /// The place of the call that started it.
    pub created_at: Option<&'static Location<'static>>,
    /// The number of the goroutine that started it; none if a plain thread did.
    pub created_by: Option<u64>,
}

/// A function on a goroutine's stack. See [`GoroutineInfo::backtrace`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GoroutineFrame {
    /// Its name, or `exe+0x1234` if the program has no symbols.
    pub function: String,
    /// The file, if there is debug information.
    pub file: Option<String>,
    /// The line in that file.
    pub line: Option<u32>,
}

impl fmt::Display for GoroutineFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.function)?;
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, " at {file}:{line}"),
            _ => Ok(()),
        }
    }
}

/// All goroutines that are alive, about the oldest first. Nothing is stopped for it, so each is
/// described as it was at a moment of its own.
///
/// # Examples
/// ```
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let parked = gosched::thread::spawn(gosched::thread::park);
///     gosched::thread::yield_now();
///     let all = gosched::goroutines();
///     assert_eq!(all.len(), 2);
///     for g in all.iter().filter(|g| g.wait_reason == Some("park")) {
///         println!("goroutine {} waits, started at {:?}", g.id, g.created_at);
///         for frame in g.backtrace().unwrap_or_default() {
///             println!("    {frame}");
///         }
///     }
///     parked.thread().unpark();
///     parked.join().unwrap();
/// }) };
/// ```
///
/// Go: runtime.GoroutineProfile
#[doc(alias = "GoroutineProfile")]
#[must_use]
pub fn goroutines() -> Vec<GoroutineInfo> {
    let mut all = Vec::new();
    allgs::for_each(|g| all.extend(info(g)));
    all
}

fn info(g: GRef) -> Option<GoroutineInfo> {
    let id = g.id();
    let status = match g.status.state() {
        State::Runnable => GoroutineStatus::Runnable,
        State::Running => GoroutineStatus::Running,
        State::Waiting => GoroutineStatus::Waiting,
        State::Preempted => GoroutineStatus::Preempted,
        State::Dead => return None,
    };
    let waits = status == GoroutineStatus::Waiting;
    let now = (nanotime() / 1_000_000_000) as u32;
    let parent = g.parent.peek();
    let info = GoroutineInfo {
        id,
        name: with_name(g, |name| name.map(str::to_owned)),
        status,
        wait_reason: waits.then(|| g.reason().as_str()),
        waiting: waits.then(|| Duration::from_secs(now.saturating_sub(g.since.peek()).into())),
        created_at: g.spawned_at.peek(),
        created_by: (parent != 0).then_some(parent),
    };
    (is_user(g) && g.id() == id).then_some(info) // it may have ended meanwhile
}

impl GoroutineInfo {
    /// Where it stands now, the innermost function first, without those of the runtime. `None`: it has
    /// ended, has not run yet, or runs at this moment; but the caller's own is always known.
    ///
    /// Looking for names takes milliseconds the first time. What is needed for names and lines is
    /// said at [`dump`](crate::dump).
    ///
    /// # Examples
    /// See [`goroutines`].
    #[must_use]
    pub fn backtrace(&self) -> Option<Vec<GoroutineFrame>> {
        let mut found = None;
        allgs::for_each(|g| {
            if is_user(g) && g.id() == self.id {
                found = Some(g);
            }
        });
        let g = found?;
        let lines = grow(LOOKING, LOOKING, || lines_of(g))?;
        let frame = |line| match line {
            Line::Function(symbol) => GoroutineFrame {
                function: symbol.name,
                line: symbol.place.as_ref().map(|(_, line)| *line),
                file: symbol.place.map(|(file, _)| file),
            },
            Line::LeftOut(n) => GoroutineFrame {
                function: format!("...{n} frames left out..."),
                file: None,
                line: None,
            },
        };
        (g.id() == self.id).then(|| lines.into_iter().map(frame).collect())
    }
}

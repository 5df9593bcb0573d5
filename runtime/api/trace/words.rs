//! The program's own words in a trace: logs, regions, tasks.
#![forbid(unsafe_code)]

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::core::m::enter::enter;
use crate::ext::recording::emit;
use crate::ext::recording::record::Note;
use crate::ext::recording::recorder;
use crate::ext::trace::names::Said;
use crate::ext::trace::said;

fn say(note: Note, words: Said) {
    if recorder::on() {
        let number = said::say(words);
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
/// See [the module](crate::trace).
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

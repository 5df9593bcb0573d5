//! What the numbers in a trace stand for: where a goroutine was started, and the program's words.
#![forbid(unsafe_code)]

use std::collections::HashMap;

/// A place in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// As tools show it: file and line.
    pub(crate) function: String,
    pub(crate) file: String,
    pub(crate) line: u64,
}

impl Place {
    pub(crate) fn new(file: &str, line: u32) -> Place {
        let short = file.rsplit('/').next().unwrap_or(file);
        Place {
            function: format!("{short}:{line}"),
            file: file.to_string(),
            line: u64::from(line),
        }
    }

    fn unknown() -> Place {
        Place::new("unknown", 1)
    }
}

/// What the program said: of a task, a region or a line of its log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Of a log: its category.
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) task: u64,
    pub(crate) parent: u64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) places: HashMap<u64, Place>,
    pub(crate) said: Vec<Said>,
}

impl Names {
    /// Where goroutine `g` was asked for.
    pub(crate) fn place(&self, g: u64) -> Place {
        self.places.get(&g).cloned().unwrap_or_else(Place::unknown)
    }

    /// The program's words number `n`.
    pub(crate) fn note(&self, n: u64) -> Said {
        let said = usize::try_from(n).ok().and_then(|n| self.said.get(n));
        said.cloned().unwrap_or_default()
    }
}

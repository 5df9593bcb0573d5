//! What the numbers in a trace stand for: where a goroutine was started, and the program's words.
#![forbid(unsafe_code)]

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::ext::recording::chunk::RECORDS;
use crate::ext::recording::recorder::CHUNKS;

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

/// What the program said, by numbers from 1 on. The oldest words go when there are too many: a flight
/// recording has no end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    all: VecDeque<Arc<Said>>,
    gone: u64,
}

/// Each event of the largest recording may have words.
const MOST_WORDS: usize = (CHUNKS * RECORDS) as usize;

impl Words {
    pub(crate) const fn new() -> Words {
        Words {
            all: VecDeque::new(),
            gone: 0,
        }
    }

    /// The number that the next words get.
    pub(crate) fn next(&self) -> u64 {
        self.gone + self.all.len() as u64 + 1
    }

    pub(crate) fn push(&mut self, words: Arc<Said>) {
        if self.all.len() == MOST_WORDS {
            self.all.pop_front();
            self.gone += 1;
        }
        self.all.push_back(words);
    }

    pub(crate) fn get(&self, n: u64) -> Option<Arc<Said>> {
        let i = n.checked_sub(self.gone + 1)?;
        self.all.get(usize::try_from(i).ok()?).cloned()
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) places: HashMap<u64, Place>,
    /// Of goroutines that have a name.
    pub(crate) given: HashMap<u64, String>,
    pub(crate) words: HashMap<u64, Arc<Said>>,
}

impl Names {
    /// Where goroutine `g` was asked for.
    pub(crate) fn place(&self, g: u64) -> Place {
        self.places.get(&g).cloned().unwrap_or_else(Place::unknown)
    }

    /// Its name, or where it was asked for.
    pub(crate) fn title(&self, g: u64) -> String {
        match self.given.get(&g) {
            Some(name) => name.clone(),
            None => self.place(g).function,
        }
    }

    /// The program's words number `n`.
    pub(crate) fn note(&self, n: u64) -> Arc<Said> {
        self.words.get(&n).cloned().unwrap_or_default()
    }
}

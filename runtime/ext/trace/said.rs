//! What the program says while it is recorded, and the names of its goroutines.
#![forbid(unsafe_code)]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::core::m::enter::enter;
use crate::ext::allgs;
use crate::ext::diagnostics::dump::is_user;
use crate::ext::diagnostics::identity_table::try_with_name;
use crate::ext::recording::emit;
use crate::ext::recording::place::place_of;
use crate::ext::recording::record::Note;
use crate::ext::recording::recorder;
use crate::ext::trace::names::{Names, Place, Said, Words};
use crate::ext::trace::order::Step;
use crate::ext::trace::possible::What;

static SAID: Mutex<Words> = Mutex::new(Words::new());

fn said() -> MutexGuard<'static, Words> {
    SAID.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A recording begins: nothing was said.
pub(super) fn forget() {
    let before = std::mem::take(&mut *said()); // dropped without the lock
    drop(before);
}

/// Where the goroutines that live were started, and their names.
pub(super) fn living() -> Names {
    let mut names = Names::default();
    allgs::for_each(|g| {
        if is_user(g)
            && let Some(at) = g.spawned_at.peek()
        {
            let place = Place::new(at.file(), at.line());
            names.places.insert(g.id(), place);
            // Who dies may have stopped a goroutine that holds the lock of its name.
            let name = try_with_name(g, |name| name.map(str::to_owned));
            names
                .given
                .extend(name.flatten().map(|name| (g.id(), name)));
        }
    });
    names
}

/// What the numbers in `steps` stand for: the places and names of goroutines, those that live, those that
/// `lived` before the recording ended, and those that were born or have ended meanwhile; and the words.
pub(super) fn names(steps: &[Step], lived: Names) -> Names {
    let mut names = lived;
    let living = living();
    names.places.extend(living.places);
    names.given.extend(living.given);
    for step in steps {
        match step.what {
            What::Note(note, number) => {
                let Some(words) = said().get(number) else {
                    continue;
                };
                if let (Note::Named, Some(g)) = (note, step.g) {
                    names.given.insert(g, words.name.clone());
                }
                names.words.insert(number, words);
            }
            What::Create { g, place, .. } => {
                if let Some(at) = place_of(place) {
                    names.places.insert(g, Place::new(at.file(), at.line()));
                }
            }
            _ => (),
        }
    }
    names
}

/// The number of some words of the program's; 0, which no words have, if events find no room any more.
pub(crate) fn say(words: Said) -> u64 {
    if recorder::is_full() {
        return 0;
    }
    let words = Arc::new(words);
    let mut said = said();
    said.push(words);
    said.next() - 1
}

/// The goroutine, which is the caller's, ends, and still has its name: a recording that runs is to know it.
/// One that ends before this is written has seen it before (`living`).
pub(crate) fn note_name(name: &str) {
    if recorder::on() {
        let name = name.to_owned();
        let number = say(Said {
            name,
            ..Said::default()
        });
        let _inside = enter();
        emit::note(Note::Named, number);
    }
}

//! A recording becomes a file: which of the ways to look is told by the file's ending.
#![forbid(unsafe_code)]

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::OnceLock;
use std::time::Duration;

use crate::ext::linux::stderr::BufferedStderr;
use crate::ext::recording::format::{Format, WANTED};
use crate::ext::recording::recorder;
use crate::ext::settings::config::{self, Debug};
use crate::ext::trace::death;
use crate::ext::trace::follow::follow;
use crate::ext::trace::order::Impossible;
use crate::ext::trace::session::{self, Flight, Refused};
use crate::ext::trace::together::{Recording, Tail};
use crate::ext::trace::where_left;
use crate::ext::trace::{go_wire, html, perfetto, pprof, timeline};

/// The bytes of a file.
pub(crate) fn encode(format: Format, recording: &Recording) -> Vec<u8> {
    let Recording {
        steps,
        names,
        end,
        lost,
        ..
    } = recording;
    match format {
        Format::Go => go_wire::encode(steps, names),
        Format::Text => timeline::draw(&follow(steps, *end), names, *lost).into_bytes(),
        Format::Html => html::page(&follow(steps, *end), names, *lost).into_bytes(),
        Format::Perfetto => perfetto::encode(&follow(steps, *end), names),
        Format::Profile => pprof::encode(&follow(steps, *end), names),
    }
}

/// Writes `recording` as the file's name says.
pub(crate) fn write(recording: &Recording, name: &str) -> io::Result<()> {
    let format = Format::of(name);
    let format = format.ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{name}: want {WANTED}"),
        )
    })?;
    let bytes = encode(format, recording);
    match name {
        "-" => io::stdout().lock().write_all(&bytes),
        _ => std::fs::write(name, bytes),
    }
}

/// The file that the whole program's recording goes to, at its end; or its last part, when it dies.
#[derive(Debug)]
struct Whole {
    name: String,
    flight: bool,
}

impl Whole {
    fn is_profile(&self) -> bool {
        Format::of(&self.name) == Some(Format::Profile)
    }
}

static WHOLE: OnceLock<Whole> = OnceLock::new();

/// What a flight recording of a whole program keeps.
pub(crate) const FLIGHT: Flight = Flight {
    min_age: Duration::from_secs(10),
    max_bytes: 16 << 20,
};

/// Records the program, if `GOSCHED` says so.
pub(crate) fn record_as_asked(debug: &Debug) {
    let file = |key| config::file_of(std::env::var_os("GOSCHED"), key);
    if debug.trace {
        file("trace")
            .into_iter()
            .for_each(|name| record_all(name, None));
    } else if debug.flight {
        file("flight")
            .into_iter()
            .for_each(|name| record_all(name, Some(FLIGHT)));
    }
}

/// The program is recorded from now on, when there is no goroutine yet.
fn record_all(name: String, flight: Option<Flight>) {
    let whole = Whole {
        name,
        flight: flight.is_some(),
    };
    if WHOLE.set(whole).is_err() {
        return;
    }
    where_left::want(WHOLE.get().is_some_and(Whole::is_profile));
    match session::begin_at_start(flight) {
        Ok(()) => death::prepare(write_at_death),
        Err(Refused::NoMemory) => say("there is no memory for a recording"),
        Err(Refused::AlreadyOn) => (),
    }
}

fn say(words: &str) {
    let _ = writeln!(BufferedStderr::new(), "gosched: {words}");
}

/// The process ends in an orderly way.
pub(crate) fn write_at_exit() {
    let Some(whole) = WHOLE.get().filter(|whole| !whole.flight) else {
        return;
    };
    // On a stack of its own, if there is a thread to be had: a goroutine that calls `exit` may have
    // a small one.
    let write = || write_whole(whole, Tail::Whole);
    match std::thread::Builder::new().spawn(write) {
        Ok(thread) => {
            let _ = thread.join(); // it has told why, if it panicked
        }
        Err(_) => write(),
    }
}

/// The process dies.
fn write_at_death() {
    if let Some(whole) = WHOLE.get() {
        write_whole(whole, Tail::Open);
    }
}

/// Memory for each event, while it becomes a file: a third more than was measured.
fn bytes_an_event(format: Format) -> usize {
    match format {
        Format::Go | Format::Profile | Format::Text => 200,
        Format::Html | Format::Perfetto => 500,
    }
}

/// A program that has no memory left aborts where it asks for some, with another status than its own. So
/// all is asked for before, at once, and given back.
fn has_room(name: &str) -> bool {
    let format = Format::of(name).unwrap_or(Format::Text);
    let events = recorder::events();
    let need = events * bytes_an_event(format);
    let found = Vec::<u8>::new().try_reserve_exact(need).is_ok();
    if !found {
        say(&format!(
            "no memory for the trace {name}: {events} events, for which {} MiB are needed",
            need >> 20
        ));
    }
    found
}

fn write_whole(whole: &Whole, tail: Tail) {
    if !has_room(&whole.name) {
        return;
    }
    let ended = session::end_at_exit(tail).map(|ended| end_with(ended, &whole.name));
    if let Some(Err(why)) = ended {
        say(&why);
    }
}

fn end_with(ended: Result<Recording, Impossible>, name: &str) -> Result<(), String> {
    let recording = ended.map_err(|wrong| wrong.to_string())?;
    write(&recording, name).map_err(|e| format!("cannot write the trace {name}: {e}"))
}

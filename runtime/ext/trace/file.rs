//! A recording becomes a file: which of the ways to look is told by the file's ending.
#![forbid(unsafe_code)]

use std::io::{self, Write as _};
use std::sync::OnceLock;

use crate::ext::diagnostics::deadlock;
use crate::ext::linux::stderr::BufferedStderr;
use crate::ext::recording::format::{Format, WANTED};
use crate::ext::trace::lives::follow;
use crate::ext::trace::order::Impossible;
use crate::ext::trace::session::{self, Recording};
use crate::ext::trace::{go_wire, html, perfetto, timeline};

/// The bytes of a file.
pub(crate) fn encode(format: Format, recording: &Recording) -> Vec<u8> {
    let Recording {
        steps,
        names,
        end,
        lost,
    } = recording;
    match format {
        Format::Go => go_wire::encode(steps, names),
        Format::Text => timeline::draw(&follow(steps, *end), names, *lost).into_bytes(),
        Format::Html => html::page(&follow(steps, *end), names, *lost).into_bytes(),
        Format::Perfetto => perfetto::encode(&follow(steps, *end), names),
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

/// The file that the whole program's recording goes to, at its end.
static WHOLE: OnceLock<String> = OnceLock::new();

/// The program is recorded from now on, when there is no goroutine yet, to its end.
pub(crate) fn record_all(name: String) {
    if WHOLE.set(name).is_ok() {
        deadlock::set_last_act(write_at_exit);
        session::begin_at_start();
    }
}

/// The process ends.
pub(crate) fn write_at_exit() {
    let Some(name) = WHOLE.get() else { return };
    // On a stack of its own, if there is a thread to be had: a goroutine that calls `exit` may have
    // a small one.
    let write = || session::end_at_exit().map(|ended| end_with(ended, name));
    let written = match std::thread::Builder::new().spawn(write) {
        Ok(thread) => thread.join().ok().flatten(),
        Err(_) => write(),
    };
    if let Some(Err(why)) = written {
        use std::fmt::Write as _;
        let _ = writeln!(BufferedStderr::new(), "gosched: {why}");
    }
}

fn end_with(ended: Result<Recording, Impossible>, name: &str) -> Result<(), String> {
    let recording = ended.map_err(|wrong| wrong.to_string())?;
    write(&recording, name).map_err(|e| format!("cannot write the trace {name}: {e}"))
}

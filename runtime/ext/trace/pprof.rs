//! The trace as a profile for `go tool pprof`: how long goroutines were blocked, and how long they could have
//! run, by where.
//!
//! Where is the stack that they left, if stacks were recorded; if not, where they were started. Only the
//! messages that it takes are written: `Profile`, `ValueType`, `Sample`, `Location`, `Function`.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, HashMap};

use miniz_oxide::deflate::compress_to_vec;

use crate::ext::diagnostics::stacks::shown;
use crate::ext::recording::stacks;
use crate::ext::trace::leb128;
use crate::ext::trace::lives::{Lives, State};
use crate::ext::trace::names::Names;
use crate::ext::trace::protobuf::Message;
use crate::ext::unwind::objects::objects;
use crate::ext::unwind::symbols::Symbols;

/// What a goroutine did, and where: a stack, or where it was started.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    stack: u16,
    started_at: (String, String, u64),
    reason: &'static str,
}

/// Waits, and how long they took; picks, and how long those waited for.
type Values = [u64; 4];
const TYPES: [(&str, &str); 4] = [
    ("waits", "count"),
    ("blocked", "nanoseconds"),
    ("picks", "count"),
    ("runnable", "nanoseconds"),
];
const BLOCKED: usize = 1;

/// Writes the profile, compressed as `pprof` expects it.
pub(crate) fn encode(lives: &Lives, names: &Names) -> Vec<u8> {
    gzip(&profile(lives, names))
}

fn samples(lives: &Lives, names: &Names) -> BTreeMap<Key, Values> {
    let mut samples: BTreeMap<Key, Values> = BTreeMap::new();
    for (&g, life) in &lives.gs {
        let place = names.place(g);
        let mut add = |stack, reason, at: usize, time| {
            let started_at = match stack {
                0 => (place.function.clone(), place.file.clone(), place.line),
                _ => (String::new(), String::new(), 0),
            };
            let key = Key {
                stack,
                started_at,
                reason,
            };
            let values = samples.entry(key).or_default();
            values[at] += 1;
            values[at + 1] += time;
        };
        let mut last = 0;
        for span in &life.spans {
            let time = span.to - span.from;
            last = if span.stack == 0 { last } else { span.stack };
            match span.state {
                State::Waiting(reason) => add(last, reason.as_str(), 0, time),
                State::Runnable => add(last, "runnable", 2, time),
                State::Running(_) | State::Lost => (),
            }
        }
    }
    samples
}

fn profile(lives: &Lives, names: &Names) -> Vec<u8> {
    let mut tables = Tables::default();
    let mut out = Message::default();
    let value_type = |tables: &mut Tables, (name, unit): (&str, &str)| {
        let (name, unit) = (tables.text(name), tables.text(unit));
        Message::default().number(1, name).number(2, unit)
    };
    for one in TYPES {
        out = out.message(1, &value_type(&mut tables, one));
    }
    let objects = objects();
    let mut symbols = Symbols::new(&objects);
    for (key, values) in samples(lives, names) {
        let locations = tables.locations(&key, &mut symbols);
        let label = Message::default()
            .number(1, tables.text("reason"))
            .number(2, tables.text(key.reason));
        let sample = Message::default()
            .bytes(1, &packed(&locations))
            .bytes(2, &packed(&values))
            .message(3, &label);
        out = out.message(2, &sample);
    }
    let period = value_type(&mut tables, TYPES[BLOCKED]);
    let default = tables.text(TYPES[BLOCKED].0);
    out.0.extend_from_slice(&tables.rest.0);
    for text in tables.texts() {
        out = out.text(6, &text);
    }
    out.number(10, lives.end)
        .message(11, &period)
        .number(12, 1)
        .number(14, default)
        .0
}

fn packed(numbers: &[u64]) -> Vec<u8> {
    let mut out = Vec::new();
    numbers.iter().for_each(|&n| leb128::push(&mut out, n));
    out
}

/// What samples name by numbers: texts, functions and lines, each once.
#[derive(Default)]
struct Tables {
    texts: HashMap<String, u64>,
    locations: HashMap<(String, String, u64), u64>,
    /// The messages about locations and functions.
    rest: Message,
}

impl Tables {
    fn text(&mut self, text: &str) -> u64 {
        if text.is_empty() {
            return 0;
        }
        let next = self.texts.len() as u64 + 1;
        *self.texts.entry(text.to_owned()).or_insert(next)
    }

    /// All, by their numbers; the first is empty.
    fn texts(&self) -> Vec<String> {
        let mut all: Vec<_> = self
            .texts
            .iter()
            .map(|(text, &n)| (n, text.clone()))
            .collect();
        all.push((0, String::new()));
        all.sort_unstable();
        all.into_iter().map(|(_, text)| text).collect()
    }

    fn locations(&mut self, key: &Key, symbols: &mut Symbols<'_>) -> Vec<u64> {
        let frames = stacks::stack(key.stack);
        if frames.is_empty() {
            let (function, file, line) = key.started_at.clone();
            return vec![self.location(function, file, line)];
        }
        let shown = shown(&frames, symbols).into_iter().map(|symbol| {
            let (file, line) = symbol.place.unwrap_or_default();
            (symbol.name, file, u64::from(line))
        });
        shown
            .map(|(name, file, line)| self.location(name, file, line))
            .collect()
    }

    /// A location has one function here, and both have the same number.
    fn location(&mut self, name: String, file: String, line: u64) -> u64 {
        let next = self.locations.len() as u64 + 1;
        let (name_text, file_text) = (self.text(&name), self.text(&file));
        let number = *self.locations.entry((name, file, line)).or_insert(next);
        if number == next {
            let at = Message::default().number(1, number).number(2, line);
            let location = Message::default().number(1, number).message(4, &at);
            let function = Message::default()
                .number(1, number)
                .number(2, name_text)
                .number(3, name_text)
                .number(4, file_text);
            let rest = std::mem::take(&mut self.rest);
            self.rest = rest.message(4, &location).message(5, &function);
        }
        number
    }
}

/// RFC 1952: ten bytes, the deflated data, a checksum and a length.
fn gzip(data: &[u8]) -> Vec<u8> {
    const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut out = HEAD.to_vec();
    out.extend(compress_to_vec(data, 6));
    out.extend(crc32(data).to_le_bytes());
    out.extend((data.len() as u32).to_le_bytes());
    out
}

fn crc32(data: &[u8]) -> u32 {
    let byte = |crc: u32, &byte: &u8| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    };
    !data.iter().fold(u32::MAX, byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_gzip_s() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}

//! The names of functions, and their lines, for the addresses of frames.
//!
//! std resolves them, as in the backtraces of panics. So a program has what those have: lines with
//! debug information, names without, and nothing if it was stripped.
#![forbid(unsafe_code)]

use std::backtrace::Backtrace;
use std::collections::HashMap;

use crate::ext::unwind::objects::Object;
use crate::ext::unwind::replay::{Empty, NAME, as_if_from};

/// A function of a frame: one that was inlined into another is a frame of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Symbol {
    pub(crate) name: String,
    /// File and line.
    pub(crate) place: Option<(String, u32)>,
}

/// What was resolved for one report.
pub(crate) struct Symbols<'a> {
    objects: &'a [Object],
    empty: Empty,
    known: HashMap<usize, Vec<Symbol>>,
    here: String,
}

impl<'a> Symbols<'a> {
    pub(crate) fn new(objects: &'a [Object]) -> Symbols<'a> {
        let here = std::env::current_dir().unwrap_or_default();
        Symbols {
            objects,
            empty: Empty::new(),
            known: HashMap::new(),
            here: format!("{}/", here.display()),
        }
    }

    /// A path as short as it can be: from the working directory.
    pub(crate) fn shorten(&self, path: &mut String) {
        if let Some(rest) = path.strip_prefix(&self.here) {
            *path = rest.to_owned();
        }
    }

    /// The functions at an address, the innermost first. Without a name: an object and an offset.
    pub(crate) fn at(&mut self, at: usize) -> &[Symbol] {
        let Symbols {
            objects,
            empty,
            known,
            here,
        } = self;
        known.entry(at).or_insert_with(|| {
            let mut text = String::new();
            let mut capture = || text = format!("{:?}", Backtrace::force_capture());
            as_if_from(objects, at, empty, &mut capture);
            let mut found = parse(&text, here);
            if found.is_empty() {
                found.push(Symbol {
                    name: unnamed(objects, at),
                    place: None,
                });
            }
            found
        })
    }
}

/// As `addr2line` can use it.
fn unnamed(objects: &[Object], at: usize) -> String {
    match objects.iter().find(|o| o.has_code_at(at)) {
        Some(object) => {
            let name = match object.name.as_str() {
                "" => "exe",
                name => name,
            };
            format!("{name}+{:#x}", at - object.base)
        }
        None => format!("{at:#x}"),
    }
}

/// Reads std's list: `[{ fn: "a::b", file: "c.rs", line: 7 }, ...]`. What comes before our own frame is
/// the way to it. It leaves the working directory away.
fn parse(text: &str, here: &str) -> Vec<Symbol> {
    let own = |entry: &str| {
        entry
            .split('"')
            .next()
            .is_some_and(|name| name.ends_with(NAME))
    };
    let entries: Vec<&str> = text
        .split("{ fn: ")
        .skip(1)
        .map(|e| e.trim_start_matches('"'))
        .collect();
    let Some(last) = entries.iter().rposition(|entry| own(entry)) else {
        return Vec::new();
    };
    let named = entries[last + 1..]
        .iter()
        .filter(|e| !e.starts_with("<unknown>"));
    named
        .map(|entry| {
            let (name, rest) = entry.split_once('"').unwrap_or((entry, ""));
            let file = rest
                .split_once("file: \"")
                .and_then(|(_, r)| r.split_once('"'));
            let place = file.and_then(|(file, rest)| {
                let digits = rest.split_once("line: ")?.1;
                let digits = digits.split(|c: char| !c.is_ascii_digit()).next()?;
                let file = match file.strip_prefix("./") {
                    Some(inside) => format!("{here}{inside}"),
                    None => file.to_owned(),
                };
                Some((file, digits.parse().ok()?))
            });
            Symbol {
                name: name.to_owned(),
                place,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext::unwind::objects::objects;

    #[test]
    fn a_function_is_found_by_its_address() {
        let all = objects();
        let mut symbols = Symbols::new(&all);
        let at = a_function_is_found_by_its_address as fn() as usize;
        let found = symbols.at(at + 1);
        assert!(
            found
                .last()
                .unwrap()
                .name
                .ends_with("a_function_is_found_by_its_address"),
            "{found:?}"
        );
        let (file, line) = found.last().unwrap().place.clone().unwrap();
        assert!(file.ends_with("symbols.rs") && line > 90, "{found:?}");
    }

    #[test]
    fn what_is_no_code_has_its_address() {
        assert_eq!(Symbols::new(&[]).at(0x77)[0].name, "0x77");
    }

    #[test]
    fn std_s_list_is_read() {
        let text = "Backtrace [{ fn: \"a::arch_x86_64::as_called_by\" }, { fn: \"b::{{closure}}\", file: \
                    \"./b.rs\", line: 7 }, { fn: \"<c as D>::e\" }, { fn: <unknown> }]";
        let found = parse(text, "/w/");
        let first = ("b::{{closure}}".to_owned(), Some(("/w/b.rs".to_owned(), 7)));
        assert_eq!((found[0].name.clone(), found[0].place.clone()), first);
        assert_eq!(
            (found[1].name.as_str(), &found[1].place),
            ("<c as D>::e", &None)
        );
        assert_eq!(found.len(), 2);
    }
}

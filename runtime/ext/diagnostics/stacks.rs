//! The stacks of many goroutines: looked at once, equal ones named once.
//!
//! A report about a million goroutines must end: so many are walked, and so many different stacks
//! get names. The rest is counted.
//!
//! Go: traceback.go tracebackothers; runtime/pprof writeGoroutineStacks groups by stack.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::fmt;

use crate::core::g::goroutine::{G, GRef};
use crate::core::m::current::this_m;
use crate::ext::diagnostics::blame::{Wait, circles, wait_of, write_circle};
use crate::ext::unwind::objects::{Object, objects};
use crate::ext::unwind::saved::{Frames, frames_of, own_frames};
use crate::ext::unwind::symbols::{Symbol, Symbols};

/// Goroutines whose stacks are walked for a report: about 10 us each.
const WALKED: usize = 10_000;
/// Different stacks that get names: about a millisecond each.
const NAMED: usize = 500;

/// How much stack it takes to look for names in debug information.
pub(crate) const LOOKING: usize = 512 << 10;

/// Where the runtime's own source was when it was compiled.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/runtime/");

/// A line of a stack: a function, or how many frames are left out here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Function(Symbol),
    LeftOut(usize),
}

/// A stack, and whose it was first.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) first: u64,
    pub(crate) lines: Vec<Line>,
}

/// See the file's header.
pub(crate) struct Stacks {
    groups: Vec<Group>,
    /// The number of a goroutine's group, by its id.
    of: HashMap<u64, usize>,
    /// Who waits for each other.
    circles: Vec<Vec<Wait>>,
}

impl Stacks {
    /// Looks at all that `each` calls its argument with. Allocates, and takes locks of std and of the
    /// dynamic linker.
    pub(crate) fn collect(each: impl FnOnce(&mut dyn FnMut(GRef))) -> Stacks {
        let objects = objects();
        let mut groups: HashMap<Frames, usize> = HashMap::new();
        let mut in_order = Vec::new();
        let mut of = HashMap::new();
        let me = this_m().and_then(|m| m.curg());
        let mut waits = Vec::new();
        each(&mut |g| {
            let id = g.id();
            waits.extend(wait_of(g));
            if of.len() >= WALKED {
                return;
            }
            let Some(frames) = walked(&objects, g, me) else {
                return;
            };
            let next = in_order.len();
            let number = *groups.entry(frames).or_insert_with_key(|frames| {
                in_order.push((id, frames.clone()));
                next
            });
            of.insert(id, number);
        });
        let mut symbols = Symbols::new(&objects);
        let groups = in_order
            .into_iter()
            .map(|(first, frames)| Group {
                first,
                lines: lines(&frames, &mut symbols),
            })
            .take(NAMED)
            .collect();
        Stacks {
            groups,
            of,
            circles: circles(&waits),
        }
    }

    /// A line about each circle of goroutines that wait for each other.
    pub(crate) fn write_circles(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for circle in &self.circles {
            writeln!(out)?;
            write_circle(circle, out)?;
        }
        Ok(())
    }

    /// The stack of the goroutine with this id, and a number that equal stacks share.
    pub(crate) fn of(&self, id: u64) -> Option<(usize, &Group)> {
        let number = *self.of.get(&id)?;
        Some((number, self.groups.get(number)?))
    }
}

/// The calling goroutine's stack is walked from here.
fn walked(objects: &[Object], g: GRef, me: Option<&G>) -> Option<Frames> {
    match me.is_some_and(|me| me.same(g)) {
        true => Some(own_frames(objects, g)),
        false => frames_of(objects, g),
    }
}

/// One goroutine's.
pub(crate) fn lines_of(g: GRef) -> Option<Vec<Line>> {
    let objects = objects();
    let me = this_m().and_then(|m| m.curg());
    let frames = walked(&objects, g, me)?;
    Some(lines(&frames, &mut Symbols::new(&objects)))
}

fn lines(frames: &Frames, symbols: &mut Symbols<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |lines: &mut Vec<Line>, at: &usize| {
        lines.extend(symbols.at(*at).iter().cloned().map(Line::Function));
    };
    frames.inner.iter().for_each(|at| add(&mut lines, at));
    if frames.left_out > 0 {
        lines.push(Line::LeftOut(frames.left_out));
    }
    frames.outer.iter().for_each(|at| add(&mut lines, at));
    if std::env::var_os("RUST_BACKTRACE").is_none_or(|how| how != "full") {
        lines = trim(lines);
    }
    for line in &mut lines {
        if let Line::Function(Symbol {
            place: Some((file, _)),
            ..
        }) = line
        {
            symbols.shorten(file);
        }
    }
    lines
}

/// The functions at these addresses that are not the runtime's own, the innermost first.
pub(crate) fn shown(frames: &[usize], symbols: &mut Symbols<'_>) -> Vec<Symbol> {
    let inner = frames.to_vec();
    let frames = Frames {
        inner,
        ..Frames::default()
    };
    let functions = lines(&frames, symbols)
        .into_iter()
        .filter_map(|line| match line {
            Line::Function(symbol) => Some(symbol),
            Line::LeftOut(_) => None,
        });
    functions.collect()
}

/// Whose function it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The runtime's, or of what it is made of.
    Runtime,
    /// std's: part of either.
    Std,
    Program,
}

fn whose(line: &Line) -> Whose {
    let Line::Function(Symbol { name, place }) = line else {
        return Whose::Program;
    };
    // A function that was inlined has a name without its module in some builds, but it has a file.
    if let Some((file, _)) = place {
        return if file.starts_with(SOURCES) || file.contains("/corosensei-") {
            Whose::Runtime
        } else if file.contains("/rustc/") || file.contains("/library/std/") {
            Whose::Std
        } else {
            Whose::Program
        };
    }
    // `<gosched::channel::Receiver<T> as core::iter::Iterator>::next`
    let name = name.trim_start_matches(['<', '&']);
    let begins = |of: &[&str]| of.iter().any(|of| name.starts_with(of));
    if begins(&["gosched::", "corosensei::", "stack_call_trampoline"]) {
        Whose::Runtime
    } else if begins(&["core::", "std::", "alloc::", "__rust", "_Unwind", "exe+"]) {
        Whose::Std
    } else {
        Whose::Program
    }
}

/// Without the runtime's own frames: how the goroutine went to sleep, how it was started, how it came
/// to a larger stack. What std calls next to them goes with them. Go: traceback.go showframe.
fn trim(lines: Vec<Line>) -> Vec<Line> {
    let is = |what: Whose| move |line: &Line| whose(line) == what;
    if !lines.iter().any(is(Whose::Program)) {
        return lines; // a goroutine that is nothing but a `park`, or there are no names
    }
    let of_program = |a: &Line, b: &Line| is(Whose::Program)(a) == is(Whose::Program)(b);
    let runs = lines.chunk_by(of_program);
    let shown = runs.filter(|run| !run.iter().any(is(Whose::Runtime)));
    shown.flatten().cloned().collect()
}

/// As `gosched` writes it into a paragraph of a report.
pub(crate) fn write(lines: &[Line], out: &mut dyn fmt::Write) -> fmt::Result {
    for line in lines {
        match line {
            Line::Function(Symbol { name, place }) => {
                writeln!(out, "\tat {name}")?;
                if let Some((file, line)) = place {
                    writeln!(out, "\t   {file}:{line}")?;
                }
            }
            Line::LeftOut(n) => writeln!(out, "\t...{n} frames left out...")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trimmed(names: &[&str]) -> Vec<String> {
        let line = |name: &&str| {
            Line::Function(Symbol {
                name: (*name).to_owned(),
                place: None,
            })
        };
        let lines = trim(names.iter().map(line).collect());
        let mut text = String::new();
        write(&lines, &mut text).unwrap();
        text.lines()
            .map(|l| l.trim_start_matches("\tat ").to_owned())
            .collect()
    }

    #[test]
    fn the_program_s_frames_stand_first_and_last() {
        let stack = [
            "corosensei::unwind::switch",
            "gosched::core::sched::park::park",
            "core::ops::function::FnOnce::call_once",
            "<gosched::ext::chan::Receiver<T> as core::iter::Iterator>::next",
            "core::iter::Iterator::fold",
            "shop::sum",
            "gosched::api::stack::grow",
            "shop::main::{{closure}}",
            "std::panicking::catch_unwind",
            "gosched::core::sched::exit::body",
        ];
        assert_eq!(trimmed(&stack), ["shop::sum", "shop::main::{{closure}}"]);
        assert_eq!(trimmed(&stack[..4]), stack[..4]);
        assert_eq!(trimmed(&["shop::a", "core::b"]), ["shop::a", "core::b"]);
    }
}

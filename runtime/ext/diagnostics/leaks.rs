//! Goroutines that are still blocked when `run` returns: where they started, where they wait.
//!
//! Go: runtime/pprof, the profile `goroutineleak`; Go finds what can never be woken, this lists all that
//! wait.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::fmt;
use std::panic::Location;

use crate::core::base::owner_cell::OwnerCell;
use crate::core::g::goroutine::GRef;
use crate::core::g::wait_reason::WaitReason;
use crate::core::sys::clock::nanotime;
use crate::ext::allgs;
use crate::ext::diagnostics::dump::is_user;
use crate::ext::diagnostics::stacks::{self, Stacks};
use crate::ext::stopped::State;

static WANTED: OwnerCell<bool> = OwnerCell::zero();

/// Before the first goroutine.
pub(crate) fn want(report: bool) {
    WANTED.set(report);
}

pub(crate) fn wanted() -> bool {
    WANTED.peek()
}

/// So many numbers are listed of goroutines that are alike.
const LISTED: usize = 10;

/// What makes two of them alike: why they wait, where, and where they were started.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Kind {
    reason: &'static str,
    stack: Option<usize>,
    started: Option<&'static Location<'static>>,
}

#[derive(Default)]
struct Alike {
    ids: Vec<u64>,
    parents: Vec<u64>,
    /// In seconds, of the one that waits longest, and of the one that waits shortest.
    longest: u32,
    shortest: u32,
}

/// One that sleeps will wake up by itself; a `run` of another thread's is no leak either.
fn is_blocked(g: GRef) -> bool {
    let mains =
        g.spawned_at.peek().is_some() && g.parent.peek() == 0 && g.reason() == WaitReason::Run;
    is_user(g)
        && g.status.state() == State::Waiting
        && g.reason() != WaitReason::Sleep
        && !mains
}

/// Writes the list, if there is anything to list. Allocates.
pub(crate) fn report(out: &mut dyn fmt::Write) -> fmt::Result {
    let mut blocked = Vec::new();
    let stacks = Stacks::collect(|each| {
        allgs::for_each(|g| {
            if is_blocked(g) {
                each(g);
                blocked.push(g);
            }
        });
    });
    let now = (nanotime() / 1_000_000_000) as u32;
    let mut groups: Vec<(Kind, Alike)> = Vec::new();
    let mut by_kind: HashMap<Kind, usize> = HashMap::new();
    for g in blocked.iter().filter(|g| is_blocked(g)) {
        let kind = Kind {
            reason: g.reason().as_str(),
            stack: stacks.of(g.id()).map(|(number, _)| number),
            started: g.spawned_at.peek(),
        };
        let index = *by_kind.entry(kind).or_insert_with(|| {
            groups.push((
                kind,
                Alike {
                    shortest: u32::MAX,
                    ..Alike::default()
                },
            ));
            groups.len() - 1
        });
        let alike = &mut groups[index].1;
        let waited = now.saturating_sub(g.since.peek());
        alike.ids.push(g.id());
        alike.parents.push(g.parent.peek());
        (alike.longest, alike.shortest) =
            (alike.longest.max(waited), alike.shortest.min(waited));
    }
    let count: usize = groups.iter().map(|(_, alike)| alike.ids.len()).sum();
    if count == 0 {
        return Ok(());
    }
    groups.sort_by_key(|(_, alike)| std::cmp::Reverse(alike.ids.len()));
    writeln!(
        out,
        "gosched: still blocked when `run` returned: {}",
        goroutines(count)
    )?;
    for (kind, alike) in &groups {
        writeln!(out)?;
        alike.write(kind, &stacks, out)?;
    }
    stacks.write_circles(out)
}

fn goroutines(count: usize) -> String {
    match count {
        1 => "1 goroutine".to_owned(),
        n => format!("{n} goroutines"),
    }
}

impl Alike {
    fn write(&self, kind: &Kind, stacks: &Stacks, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "{} [{}", goroutines(self.ids.len()), kind.reason)?;
        match (self.shortest, self.longest) {
            // The clock counts whole seconds: 1 may be no time at all.
            (_, 0 | 1) => writeln!(out, "]:")?,
            (a, b) if a == b => writeln!(out, ", {b} s]:")?,
            (a, b) => writeln!(out, ", {a} to {b} s]:")?,
        }
        let first = self.ids[0];
        if let Some((_, group)) = stacks.of(first) {
            stacks::write(&group.lines, out)?;
        }
        if let Some(at) = kind.started {
            let one = self.parents.iter().all(|parent| *parent == self.parents[0]);
            match self.parents[0] {
                parent if one && parent != 0 => {
                    writeln!(out, "\tcreated by goroutine {parent} at {at}")?;
                }
                _ => writeln!(out, "\tcreated at {at}")?,
            }
        }
        let ids: Vec<String> = self.ids.iter().take(LISTED).map(u64::to_string).collect();
        let more = if self.ids.len() > LISTED { ", ..." } else { "" };
        writeln!(out, "\tgoroutines: {}{more}", ids.join(", "))
    }
}

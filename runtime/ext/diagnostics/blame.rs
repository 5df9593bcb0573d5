//! Who has what a goroutine waits for; and who waits in a circle.
//!
//! Of a join it is always known. The holder of a lock is known in builds with `debug_assertions`: see
//! `core/wait/owner.rs`. Who will send on a channel nobody knows.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::fmt;

use crate::core::g::goroutine::GRef;
use crate::core::g::wait_reason::WaitReason;
use crate::core::wait::owner::{BEHIND_A_WORD, Owner};
use crate::core::wait::raw_mutex;
use crate::ext::linux::peek::peek;
use crate::ext::locks::raw_rwlock;
use crate::ext::net::poll_desc::place_of_fd;
use crate::ext::stopped::State;

/// A goroutine waits for another one to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(crate) who: u64,
    for_what: &'static str,
    pub(crate) whom: u64,
}

/// Whom this goroutine waits for.
pub(crate) fn wait_of(g: GRef) -> Option<Wait> {
    let what = g.waits_for.peek();
    if g.status.state() != State::Waiting || what == 0 {
        return None;
    }
    let owner = |from: Option<usize>| peek(what.wrapping_add(from?)).filter(|id| *id != 0);
    let (for_what, whom) = match g.reason() {
        WaitReason::Join => ("to join", Some(what as u64)),
        WaitReason::MutexLock => ("for a Mutex held by", owner(raw_mutex::OWNER)),
        WaitReason::RwLockRead => (
            "to read what is written by",
            owner(raw_rwlock::WRITER_OF_READER),
        ),
        WaitReason::OnceWait => (
            "for a Once that is run by",
            owner(Owner::KNOWN.then_some(BEHIND_A_WORD)),
        ),
        _ => return None,
    };
    Some(Wait {
        who: g.id(),
        for_what,
        whom: whom?,
    })
}

/// `waits for: 0x7f.. (held by goroutine 9)`.
pub(crate) fn write_wait(g: GRef, out: &mut dyn fmt::Write) -> fmt::Result {
    let what = g.waits_for.peek();
    let wait = wait_of(g);
    match (g.reason(), wait) {
        _ if what == 0 => Ok(()),
        (WaitReason::Join, _) => writeln!(out, "\twaits for: goroutine {what}"),
        (WaitReason::IoWait, _) => match peek(place_of_fd(what)) {
            Some(fd) => writeln!(out, "\twaits for: {what:#x} (descriptor {})", fd as u32),
            None => writeln!(out, "\twaits for: {what:#x}"),
        },
        (_, Some(wait)) if wait.whom == wait.who => {
            writeln!(out, "\twaits for: {what:#x} (held by itself)")
        }
        (_, Some(wait)) => writeln!(
            out,
            "\twaits for: {what:#x} (held by goroutine {})",
            wait.whom
        ),
        (_, None) => writeln!(out, "\twaits for: {what:#x}"),
    }
}

/// Every circle among these waits, once each.
pub(crate) fn circles(waits: &[Wait]) -> Vec<Vec<Wait>> {
    let by_who: HashMap<u64, Wait> = waits.iter().map(|wait| (wait.who, *wait)).collect();
    // The number of the round in which a goroutine was passed.
    let mut passed: HashMap<u64, usize> = HashMap::new();
    let mut found = Vec::new();
    for (round, wait) in waits.iter().enumerate() {
        let mut way = Vec::new();
        let mut next = Some(*wait);
        while let Some(wait) = next {
            match passed.get(&wait.who) {
                None => {
                    passed.insert(wait.who, round);
                    way.push(wait);
                    next = by_who.get(&wait.whom).copied();
                }
                Some(before) => {
                    if *before == round
                        && let Some(from) = way.iter().position(|w| w.who == wait.who)
                    {
                        found.push(way.split_off(from));
                    }
                    break;
                }
            }
        }
    }
    found
}

/// `goroutine 7 waits for a Mutex held by 9, which waits to join 7`.
pub(crate) fn write_circle(circle: &[Wait], out: &mut dyn fmt::Write) -> fmt::Result {
    for (i, wait) in circle.iter().enumerate() {
        match i {
            0 => write!(out, "goroutine {} waits", wait.who)?,
            _ => write!(out, ", which waits")?,
        }
        match wait.whom == wait.who {
            true => write!(out, " {} itself", wait.for_what)?,
            false => write!(out, " {} {}", wait.for_what, wait.whom)?,
        }
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(waits: &[(u64, &'static str, u64)]) -> String {
        let waits: Vec<Wait> = waits
            .iter()
            .map(|&(who, for_what, whom)| Wait {
                who,
                for_what,
                whom,
            })
            .collect();
        let mut text = String::new();
        for circle in circles(&waits) {
            write_circle(&circle, &mut text).unwrap();
        }
        text
    }

    #[test]
    fn circles_are_found_once_and_ways_into_them_are_not() {
        let (lock, join) = ("for a Mutex held by", "to join");
        assert_eq!(text(&[(1, join, 2), (2, join, 3)]), "");
        assert_eq!(
            text(&[(1, join, 7), (9, join, 7), (7, lock, 9), (4, lock, 4)]),
            "goroutine 7 waits for a Mutex held by 9, which waits to join 7\n\
             goroutine 4 waits for a Mutex held by itself\n"
        );
    }
}

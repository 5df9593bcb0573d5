//! Who may use whom: the order of the `mod` lines, in lib.rs for folders and in each mod.rs
//! for the files of a folder. A file may use what is listed above it. A `pub use` in a mod.rs
//! may name what lies above, to show it to users in a place that they know: no code depends on
//! it, for whoever takes that name is judged by the file it comes from.

use crate::tree::{File, PathUse, Tree, paths};

/// What the core still takes from the extras by name. Each of these is to become a hook, or to go
/// with the field that needs it; the list only gets shorter ([`owed_and_paid`]).
const OWED: &[(&str, &str)] = &[
    ("core/g/context.rs", "ext::linux::thread_stack"),
    ("core/g/goroutine.rs", "ext::timers::runtime_timer"),
    ("core/m/machine.rs", "ext::linux::cpu_timer"),
    ("core/m/machine.rs", "ext::linux::tls_ranges"),
    ("core/m/machine.rs", "ext::placement::tied"),
    ("core/p/processor.rs", "ext::timers::heap"),
    ("core/sched/body.rs", "ext::diagnostics::identity_table"),
    ("core/sched/find.rs", "ext::placement::tied_gs"),
    ("core/sched/find.rs", "ext::timers::sched_timers"),
    ("core/sched/find.rs", "ext::timers::timer_waiter"),
    ("core/sched/idle.rs", "ext::diagnostics::deadlock"),
    ("core/sched/idle.rs", "ext::timers::sched_timers"),
    ("core/sched/park.rs", "ext::diagnostics::deadlock"),
    ("core/sched/park.rs", "ext::diagnostics::exit_watcher"),
    ("core/sched/park.rs", "ext::timers::sched_timers"),
    ("core/sched/schedt.rs", "ext::timers::timer_waiter"),
    ("core/sched/schedule.rs", "ext::diagnostics::exit_watcher"),
    ("core/sched/schedule.rs", "ext::growth::overflow"),
    ("core/sched/schedule.rs", "ext::linux::inherited"),
    ("core/sched/schedule.rs", "ext::placement::locked_thread"),
    ("core/sched/schedule.rs", "ext::placement::tied_gs"),
    ("core/sched/schedule.rs", "ext::preempt::handoff"),
    ("core/sched/schedule.rs", "ext::preempt::preempt_signal"),
    ("core/sched/schedule.rs", "ext::thread_locals::tls_guard"),
    ("core/sched/spawn.rs", "ext::diagnostics::identity_table"),
    ("core/sched/spawner.rs", "ext::diagnostics::sigquit"),
    ("core/sched/spawner.rs", "ext::linux::helper"),
    ("core/sched/spawner.rs", "ext::linux::thread_stack"),
    ("core/sched/start.rs", "ext::diagnostics::deadlock"),
    ("core/sched/start.rs", "ext::diagnostics::schedtrace"),
    ("core/sched/start.rs", "ext::diagnostics::sigquit"),
    ("core/sched/start.rs", "ext::growth::overflow"),
    ("core/sched/start.rs", "ext::linux::inherited"),
    ("core/sched/start.rs", "ext::linux::membarrier"),
    ("core/sched/start.rs", "ext::placement::locked_thread"),
    ("core/sched/start.rs", "ext::preempt::preempt_signal"),
    ("core/sched/start.rs", "ext::preempt::sysmon"),
    ("core/sched/start.rs", "ext::settings::config"),
    ("core/sched/start.rs", "ext::settings::default_procs"),
    ("core/sched/start.rs", "ext::thread_locals::tls_guard"),
    ("core/sched/start.rs", "ext::world::stop_world"),
    ("core/sched/starved.rs", "ext::diagnostics::deadlock"),
    ("core/wait/sched_api.rs", "ext::settings::config"),
];

/// Is it one of those?
fn is_owed(file: &File, target: &[String]) -> bool {
    let target = target.join("::");
    let is = |(from, to): &(&str, &str)| *from == file.path && target.starts_with(to);
    OWED.iter().any(is)
}

/// What stands in [`OWED`] and is not needed any more.
pub(crate) fn owed_and_paid(tree: &Tree) -> Vec<String> {
    let used: Vec<(&str, String)> = tree
        .files
        .iter()
        .flat_map(|file| {
            let paths = paths(&file.lexed.tokens(), &file.module).into_iter();
            paths.map(|path| (&*file.path, resolve(tree, &path.target).join("::")))
        })
        .collect();
    let needed =
        |from: &str, to: &str| used.iter().any(|(f, t)| *f == from && t.starts_with(to));
    let paid = OWED.iter().filter(|(from, to)| !needed(from, to));
    paid.map(|(from, to)| {
        format!("tests/tidy/layers.rs: runtime/{from} has no `{to}`: take it off")
    })
    .collect()
}

pub(crate) fn check(tree: &Tree) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in tree.files.iter().filter(|f| !f.is_lib()) {
        if let Some((name, parent)) = file.module.split_last() {
            let listed = tree
                .folders
                .get(parent)
                .is_some_and(|f| f.children.contains(name));
            if !listed {
                complaints.push(format!("{}: no `mod` line names it", Tree::at(file, 0)));
                continue;
            }
        }
        for path in paths(&file.lexed.tokens(), &file.module) {
            if !file.lexed.test[path.line]
                && !path.is_macro
                && !shows(file, &path)
                && !is_owed(file, &resolve(tree, &path.target))
                && let Some(why) = wrong(tree, file, &path)
            {
                complaints.push(format!("{}: {why}", Tree::at(file, path.line)));
            }
        }
    }
    complaints
}

/// A `pub use` of a mod.rs.
fn shows(file: &File, path: &PathUse) -> bool {
    file.is_mod() && path.exported
}

/// Why this file must not use this path.
fn wrong(tree: &Tree, file: &File, path: &PathUse) -> Option<String> {
    let target = resolve(tree, &path.target);
    let common = target
        .iter()
        .zip(&file.module)
        .take_while(|(a, b)| a == b)
        .count();
    let Some(own) = file.module.get(common) else {
        return None; // itself, something in it, or a module below it
    };
    let shown = path.target.join("::");
    let Some(other) = target.get(common) else {
        return Some(format!(
            "`{shown}` is the folder it lies in: name the file that is meant"
        ));
    };
    let place = match common {
        0 => "lib.rs".to_owned(),
        _ => format!("{}/mod.rs", file.module[..common].join("/")),
    };
    let order = &tree.folders.get(&file.module[..common])?.children;
    let at = |name: &String| order.iter().position(|child| child == name);
    match (at(other), at(own)) {
        (Some(other), Some(own)) if other < own => None,
        (Some(_), _) => Some(format!(
            "`{shown}`: {place} lists `{other}` after `{own}`, so it is above"
        )),
        (None, _) => Some(format!(
            "`{shown}`: {place} has no `{other}`, or it lies above"
        )),
    }
}

/// Follows re-exports, so that a short name counts as the file it comes from.
fn resolve(tree: &Tree, path: &[String]) -> Vec<String> {
    let mut path = path.to_vec();
    for _ in 0..8 {
        let hit = (0..path.len()).find_map(|i| {
            let folder = tree.folders.get(&path[..i])?;
            if folder.children.contains(&path[i]) {
                return None;
            }
            let target = folder.exports.get(&path[i])?;
            Some(
                target
                    .iter()
                    .chain(&path[i + 1..])
                    .cloned()
                    .collect::<Vec<_>>(),
            )
        });
        match hit {
            Some(better) if better != path => path = better,
            _ => break,
        }
    }
    path
}

#[cfg(test)]
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let mut all = vec![
        (
            "lib.rs",
            "mod base;\npub mod sys;\nmod g;\npub use g::list::List;\nfn run() {}",
        ),
        (
            "base/mod.rs",
            "pub(crate) mod prim;\npub(crate) mod choice;",
        ),
        ("sys/mod.rs", "pub(crate) mod futex;"),
        (
            "g/mod.rs",
            "mod status;\nmod list;\npub(crate) use status::Status;\n\
                      pub(crate) use self::list::List as Gs;",
        ),
    ];
    all.extend_from_slice(files);
    check(&crate::tree::of(&all))
}

#[test]
fn what_is_listed_above_may_be_used() {
    let code = "use crate::base::{choice, prim::X};\nuse super::status;\n\
                use super::Status; use crate::g::Status as S;\n\
                fn f() { crate::sys::futex::wait(); self::g(); crate::m!() }\n\
                // crate::sched\n#[cfg(test)]\nmod tests { use super::*; use crate::run; }";
    assert_eq!(found(&[("g/list.rs", code)]), [""; 0]);
}

#[test]
fn an_upward_use_is_found_in_every_spelling() {
    for bad in [
        "use crate::g::status::X;",
        "use crate::{base, g::status::X};",
        "fn f() { crate::g::status::x() }",
        "fn f(x: Vec<crate::g::status::X>) {}",
        "use super::super::g::status;",
        "use crate::List;",
        "pub(crate) use crate::g::Status;",
        "use crate::run;",
        "macro_rules! m { () => { $crate::g::x() } }",
    ] {
        let found = found(&[("sys/futex.rs", bad)]);
        assert_eq!(found.len(), 1, "{bad}: {found:?}");
        assert!(
            found[0].starts_with("runtime/sys/futex.rs:1: `"),
            "{found:?}"
        );
    }
}

#[test]
fn a_later_sibling_is_found_in_every_spelling() {
    for bad in [
        "use crate::g::list::List;",
        "use super::list;",
        "use super::Gs;",
        "use crate::g::Gs;",
        "use super::*;",
        "fn f() { super::list::f() }",
        "mod inner { use super::super::list; }",
    ] {
        let found = found(&[("g/status.rs", bad)]);
        assert_eq!(found.len(), 1, "{bad}: {found:?}");
    }
}

#[test]
fn a_folder_may_show_what_lies_above_but_nobody_below_may_take_it_there() {
    let sys = (
        "sys/mod.rs",
        "pub(crate) mod futex;\npub use crate::g::list::List;",
    );
    let user = "use crate::sys::List;";
    assert_eq!(found(&[sys, ("g/list.rs", user)]), [""; 0]);
    assert_eq!(found(&[sys, ("g/status.rs", user)]).len(), 1);
    let private = (
        "sys/mod.rs",
        "pub(crate) mod futex;\nuse crate::g::list::List;",
    );
    assert_eq!(found(&[private]).len(), 1);
}

#[test]
fn a_file_without_a_mod_line_is_found() {
    assert_eq!(
        found(&[("g/lost.rs", "")]),
        ["runtime/g/lost.rs:1: no `mod` line names it"]
    );
}

//! Who may use whom: the order of the `mod` lines, in lib.rs for folders and in each mod.rs
//! for the files of a folder. A file may use what is listed above it. A `pub use` in a mod.rs
//! may name what lies above, to show it to users in a place that they know: no code depends on
//! it, for whoever takes that name is judged by the file it comes from.

use crate::tree::{File, PathUse, Tree, paths};

/// The only file of the core that names the extras: by re-exports, so that all of them stand there.
const HOOKS: &str = "core/hooks.rs";

/// In that file, or a name that it shows.
fn is_hook(file: &File, path: &PathUse) -> bool {
    let shows = file.path == HOOKS && path.exported && path.target[0] == "ext";
    shows
        || path
            .target
            .starts_with(&["core".to_owned(), "hooks".to_owned()])
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
                && !is_hook(file, &path)
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

//! A value on cache lines of its own: what others write does not take its line away, and it takes no other
//! value's line along. `docs/scaling.md` says which values need that.
#![forbid(unsafe_code)]

use std::ops::Deref;

/// 128 bytes: processors fetch lines of 64 in pairs.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Alone<T>(pub(crate) T);

impl<T> Deref for Alone<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

/// For tests: a row of `docs/scaling.md` for each cache line in which fields of a struct begin. The page must
/// have these rows.
#[cfg(all(test, not(loom)))]
macro_rules! assert_lines {
    ($of:ty: $($($field:ident).+),* $(,)?) => {
        crate::core::base::alone::assert_rows(
            stringify!($of).split('<').next().unwrap(),
            &[$((stringify!($($field).+), std::mem::offset_of!($of, $($field).+))),*],
        )
    };
}
#[cfg(all(test, not(loom)))]
pub(crate) use assert_lines;

#[cfg(all(test, not(loom)))]
#[track_caller]
pub(crate) fn assert_rows(name: &str, fields: &[(&str, usize)]) {
    let page = include_str!("../../../docs/scaling.md");
    let mut lines = std::collections::BTreeMap::<usize, Vec<(usize, &str)>>::new();
    for &(field, at) in fields {
        lines.entry(at / 64).or_default().push((at, field));
    }
    let mut missing = String::new();
    for (line, mut fields) in lines {
        fields.sort_unstable();
        let names: Vec<String> = fields
            .iter()
            .map(|(_, field)| format!("`{field}`"))
            .collect();
        let row = format!("| `{name}` | {} | {} |", 64 * line, names.join(", "));
        if !page.contains(&row) {
            missing += &format!("{row}\n");
        }
    }
    assert!(missing.is_empty(), "docs/scaling.md has not:\n{missing}");
}

//! The table of test programs in `tests/README.md`: one row for each.

use crate::names::first_cell;

/// The programs `tests/*.rs` that have no row or two, and rows that name no program. `files` are
/// all files of the repository.
pub(crate) fn rows(page: &str, files: &[String]) -> Vec<String> {
    let programs: Vec<&str> = files.iter().filter_map(|f| program(f)).collect();
    let named: Vec<&str> = page.lines().filter_map(first_cell).collect();
    let wrong_count =
        |program: &&&str| named.iter().filter(|name| name == program).count() != 1;
    let unlisted = programs
        .iter()
        .filter(wrong_count)
        .map(|program| format!("tests/README.md: {program} needs exactly one row"));
    let gone = named
        .iter()
        .filter(|name| !programs.contains(name))
        .map(|name| format!("tests/README.md: there is no tests/{name}.rs"));
    unlisted.chain(gone).collect()
}

fn program(file: &str) -> Option<&str> {
    let name = file.strip_prefix("tests/")?.strip_suffix(".rs")?;
    (!name.contains('/')).then_some(name)
}

#[test]
fn programs_without_a_row_and_rows_without_a_program_are_found() {
    let files: Vec<String> = ["tests/a.rs", "tests/b.rs", "tests/support/c.rs", "src/d.rs"]
        .map(String::from)
        .into();
    assert_eq!(rows("| `a` | x |\n| `b` | y |\n", &files), [""; 0]);
    assert_eq!(rows("| `a` | x |\n", &files).len(), 1);
    assert_eq!(
        rows("| `a` | x |\n| `b` | y |\n| `a` | z |\n", &files).len(),
        1
    );
    assert_eq!(
        rows("| `a` | x |\n| `b` | y |\n| `c` | z |\n", &files).len(),
        1
    );
}

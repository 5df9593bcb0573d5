//! The tour says how many files its stops open, and how many its table of the walk goes through: it
//! shall not say less than it does.

use std::collections::BTreeSet;

/// Wrong if the page does not say what its `Open` paragraphs add up to.
pub(crate) fn files(page: &str) -> Vec<String> {
    let stops = page.split("## Side trips").next().unwrap_or(page);
    let mut open = BTreeSet::new();
    for paragraph in stops.split("\n\n").filter(|p| p.starts_with("Open `")) {
        let words = paragraph.split('`').skip(1).step_by(2);
        open.extend(words.filter(|word| word.ends_with(".rs")));
    }
    let (channels, scheduler): (Vec<&str>, Vec<&str>) =
        open.iter().partition(|file| file.contains("/chan/"));
    let says = format!(
        "open {} files of the scheduler and {} of channels",
        scheduler.len(),
        channels.len()
    );
    match page.contains(&says) {
        true => Vec::new(),
        false => vec![format!("docs/tour.md: its stops {says}")],
    }
}

/// So many files at most from `go(f)` to the end of the goroutine: what a reader keeps in mind in an hour.
const MOST: usize = 18;

/// Wrong if the section with the table does not say how many files the table names, or if they are
/// too many.
pub(crate) fn table(page: &str) -> Vec<String> {
    let mut sections = page.split("\n## ");
    let Some(section) = sections.find(|s| s.starts_with("The walk in a table")) else {
        return vec!["docs/tour.md: there is no table of the walk".to_owned()];
    };
    let rows = section.lines().filter(|line| line.starts_with('|'));
    let words = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    let files: BTreeSet<&str> = words.filter(|word| word.ends_with(".rs")).collect();
    if files.len() > MOST {
        let n = files.len();
        return vec![format!(
            "docs/tour.md: the walk has {n} files, more than {MOST}"
        )];
    }
    let says = format!("goes through {} files", files.len());
    match section.contains(&says) {
        true => Vec::new(),
        false => vec![format!("docs/tour.md: the walk {says}")],
    }
}

#[test]
fn a_wrong_count_of_the_table_is_found() {
    let page = "# T\n\n## The walk in a table\n\nIt goes through 2 files.\n\n\
                | 1 | `a.rs` `f`; `b.rs` `g` |\n| 2 | `a.rs` `h` |\n\n## Next\n| `c.rs` |\n";
    assert_eq!(table(page), [""; 0]);
    assert_eq!(table(&page.replace("2 files", "3 files")).len(), 1);
    assert_eq!(table("# T\n").len(), 1);
    let many: String = (0..=MOST).map(|i| format!("| `{i}.rs` |\n")).collect();
    let page = format!(
        "\n## The walk in a table\nIt goes through {} files.\n{many}",
        MOST + 1
    );
    assert_eq!(table(&page).len(), 1);
}

#[test]
fn a_wrong_count_is_found() {
    let page = "Stops open 2 files of the scheduler and 1 of channels.\n\n\
                Open `core/a.rs` `f`;\n`ext/chan/b.rs` `g`.\n\nSee `core/d.rs`.\n\n\
                Open `core/a.rs` `h`; `core/c.rs` `i`.\n\n## Side trips\n\nOpen `core/e.rs` `j`.";
    assert_eq!(files(page), [""; 0]);
    assert_eq!(files(&page.replace("open 2", "open 1")).len(), 1);
}

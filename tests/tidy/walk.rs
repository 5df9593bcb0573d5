//! The tour says how many files its stops open: it shall not say less than it does.

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

#[test]
fn a_wrong_count_is_found() {
    let page = "Stops open 2 files of the scheduler and 1 of channels.\n\n\
                Open `core/a.rs` `f`;\n`ext/chan/b.rs` `g`.\n\nSee `core/d.rs`.\n\n\
                Open `core/a.rs` `h`; `core/c.rs` `i`.\n\n## Side trips\n\nOpen `core/e.rs` `j`.";
    assert_eq!(files(page), [""; 0]);
    assert_eq!(files(&page.replace("open 2", "open 1")).len(), 1);
}

//! Signs of life on stderr, for what takes longer than a second. Nothing is drawn where stderr is no
//! terminal.
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A line that turns until it is dropped or finished: for what nobody can count.
pub fn spinner(what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}").expect("a template");
    let line = ProgressBar::new_spinner().with_style(style);
    line.set_message(what.to_owned());
    if !line.is_hidden() {
        // A thread of its own, and as long as there is one that might act, no deadlock is told.
        line.enable_steady_tick(Duration::from_millis(100));
    }
    line
}

/// A bar that fills up to `count`.
pub fn bar(what: &str, count: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos} of {human_len}");
    let bar = ProgressBar::new(count).with_style(style.expect("a template"));
    bar.set_message(what.to_owned());
    bar
}

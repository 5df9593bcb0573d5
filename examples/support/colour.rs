//! A colour for each goroutine, so that the eye finds it again.
use anstyle::{AnsiColor, Color, Style};

/// Colours that can be read on a light and on a dark background.
const COLOURS: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Yellow,
    AnsiColor::Magenta,
    AnsiColor::Green,
    AnsiColor::Blue,
    AnsiColor::Red,
];

/// `text` in the colour of goroutine `who`. Print it with this crate's `println`, which takes the
/// colours out where nobody can see them.
pub fn paint(who: usize, text: impl std::fmt::Display) -> String {
    let colour = Color::Ansi(COLOURS[who % COLOURS.len()]);
    let style = Style::new().fg_color(Some(colour));
    format!("{style}{text}{style:#}")
}

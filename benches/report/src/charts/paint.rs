//! Colours and letters. The page's style gives each of these colours its light and its dark
//! value, by the attribute: so they are names rather than colours (see `style.css`).

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Letters and axes; lines behind; goroutines; OS threads; mini.
pub(crate) const INK: RGBColor = RGBColor(1, 1, 1);
pub(crate) const GRID: RGBColor = RGBColor(2, 2, 2);
pub(crate) const GO: RGBColor = RGBColor(3, 3, 3);
pub(crate) const OS: RGBColor = RGBColor(4, 4, 4);
pub(crate) const MINI: RGBColor = RGBColor(5, 5, 5);

pub(crate) const WIDTH: u32 = 420;

pub(crate) fn letters(size: u32, color: RGBColor, at: HPos) -> TextStyle<'static> {
    TextStyle {
        color: color.to_backend_color(),
        pos: Pos::new(at, VPos::Center),
        ..("sans-serif", size).into()
    }
}

/// Lets the page decide how large the picture is, and says to those who cannot see what it shows.
pub(crate) fn finish(svg: &str, height: u32, label: &str) -> String {
    let size = format!(r#"width="{WIDTH}" height="{height}""#);
    svg.replacen(&size, &format!(r#"role="img" aria-label="{label}""#), 1)
}

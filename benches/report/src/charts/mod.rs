//! The pictures, as SVG text that stands in the page. Drawn about as wide as a phone: on a wide
//! screen several stand side by side, and letters need not shrink.

mod paint;
mod pairs;
mod growth;

pub(crate) use growth::growth;
pub(crate) use pairs::{Pair, pairs};

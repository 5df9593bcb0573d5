//! What the examples share: a colour for each goroutine, timelines, and a line that lives while one
//! waits. Where stdout is no terminal, or `NO_COLOR` is set, the text is plain.
#![forbid(unsafe_code)]

mod colour;
mod live;
mod timeline;
mod top;

pub use anstream::println;
pub use colour::paint;
pub use live::{bar, spinner};
pub use timeline::Timeline;
pub use top::top;

//! What the examples share: a colour for each goroutine, timelines, a line that lives while one
//! waits, and how a server ends. Where stdout is no terminal, or `NO_COLOR` is set, the text is
//! plain. A terminal that is too narrow gets more lines.
#![forbid(unsafe_code)]

mod colour;
mod fit;
mod live;
mod server;
mod timeline;
mod top;

pub use colour::paint;
pub use fit::{columns, print_line, wrapped};
pub use live::{bar, spinner};
pub use server::{cannot_accept, status, wake_accept};
pub use timeline::Timeline;
pub use top::top;

/// As std's, with colours where they can be seen, and no line wider than the terminal.
#[macro_export]
macro_rules! println {
    ($($what:tt)*) => {
        $crate::print_line(&::std::format!($($what)*))
    };
}

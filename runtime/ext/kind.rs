//! What a G is used for: a goroutine or a foreign thread.
#![forbid(unsafe_code)]

/// What kind of thing a G stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Goroutine = 0,
    /// A plain OS thread that blocks on one of our primitives: it has a G to wait in.
    Thread = 1,
}

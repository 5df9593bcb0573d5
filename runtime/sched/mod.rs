//! Who runs next.

pub(crate) mod state;
pub(crate) mod threads;
pub(crate) mod wake;
pub(crate) mod ready;
pub(crate) mod park;

//! The API of the core alone: the same as mini's, without channels.

pub(crate) mod run;
pub mod thread;

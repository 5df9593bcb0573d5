//! The API of the core alone: what mini has, but channels.

pub(crate) mod run;
pub mod thread;

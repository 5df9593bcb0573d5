//! What Unix systems have.

pub mod net;
pub mod process;

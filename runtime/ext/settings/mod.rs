//! What the environment says, and how many Ps there are when nobody says.

pub(crate) mod config;
pub(crate) mod default_procs;

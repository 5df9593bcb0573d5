//! The settings in the environment, and the default number of Ps.

pub(crate) mod config;
pub(crate) mod default_procs;

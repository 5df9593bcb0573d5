//! The threads that Ms are made of: one thread starts all others, and bears it when the system refuses.

pub(crate) mod incarnation;
pub(crate) mod allm;
pub(crate) mod refused;
pub(crate) mod waiting_ps;
pub(crate) mod runtime_threads;
pub(crate) mod hold;
pub(crate) mod distance;
pub(crate) mod spawner;
pub(crate) mod starved;

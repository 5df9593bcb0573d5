//! The threads of Ms: one thread, the spawner, starts all others, and handles it when the system
//! refuses one.

pub(crate) mod incarnation;
pub(crate) mod allm;
pub(crate) mod refused;
pub(crate) mod waiting_ps;
pub(crate) mod runtime_threads;
pub(crate) mod hold;
pub(crate) mod distance;
pub(crate) mod spawner;
pub(crate) mod starved;

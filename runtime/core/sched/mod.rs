//! Who runs next. The protocols and their proofs are in `core/sched/README.md`.

pub(crate) mod schedt;
pub(crate) mod wake;
pub(crate) mod park;
pub(crate) mod exit;
pub(crate) mod idle;
pub(crate) mod find;
pub(crate) mod schedule;
pub(crate) mod start;
pub(crate) mod spawn;

//! Returns the memory of unused stacks to the system.

pub(crate) mod residency;
pub(crate) mod trim;
pub(crate) mod aging;
pub(crate) mod scavenger;

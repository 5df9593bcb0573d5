//! Stopping the world, and the number of Ps.

pub(crate) mod stop_for_world;
pub(crate) mod stop_world;
pub(crate) mod trim_parked;
pub(crate) mod resizer;

//! Timers: a 4-ary heap for each P, changed lazily from everywhere. See `README.md`.
//!
//! A source: it hands back what is due as data ([`fire::Fire`]) and readies nobody.

pub(crate) mod word;
#[cfg(not(loom))]
pub(crate) mod shared;
#[cfg(not(loom))]
pub(crate) mod fire;
#[cfg(not(loom))]
pub(crate) mod node;
#[cfg(not(loom))]
pub(crate) mod array;
#[cfg(not(loom))]
pub(crate) mod keeper;
#[cfg(not(loom))]
pub(crate) mod heap;
pub(crate) mod sleeper;
#[cfg(all(test, not(loom)))]
mod tests;

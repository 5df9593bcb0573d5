//! Timers: a 4-ary heap for each P, changed lazily from everywhere. See `README.md`.
//!
//! A source: it hands back what is due as data ([`fire::Fire`]) and readies nobody.

pub(crate) mod word;
pub(crate) mod shared;
pub(crate) mod fire;
pub(crate) mod node;
pub(crate) mod array;
pub(crate) mod keeper;
pub(crate) mod heap;
pub(crate) mod sleeper;
#[cfg(all(test, not(loom)))]
mod tests;

//! Fuzz targets: bytes become a run of operations on one of the runtime's own data structures,
//! beside a simple model. `fuzz/` searches for bytes that make them differ; the test in
//! `corpus.rs` runs the kept ones, and fresh random ones, wherever tests run.

mod input;
mod ring;
mod tree;
mod timers;
#[cfg(test)]
mod corpus;

#[cfg(fuzzing)]
pub use ring::ring;
#[cfg(fuzzing)]
pub use timers::timers;
#[cfg(fuzzing)]
pub use tree::tree;

//! The processor: the right to run goroutines, with all that goes with it.

#[cfg(not(loom))]
pub(crate) mod processor;
pub(crate) mod idle;

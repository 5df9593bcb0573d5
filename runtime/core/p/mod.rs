//! The processor: the right to run goroutines, with a run queue and caches.

#[cfg(not(loom))]
pub(crate) mod owner;
pub(crate) mod ring;
#[cfg(not(loom))]
pub(crate) mod yielded;
#[cfg(not(loom))]
pub(crate) mod run_queue;
#[cfg(not(loom))]
pub(crate) mod processor;
pub(crate) mod idle_word;

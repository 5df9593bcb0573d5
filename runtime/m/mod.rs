//! The machine: an OS thread that runs goroutines, and the door into the runtime.

pub(crate) mod words;
pub(crate) mod machine;
pub(crate) mod current;
pub(crate) mod foreign;
pub(crate) mod enter;

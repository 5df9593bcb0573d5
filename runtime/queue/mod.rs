//! Where runnable goroutines wait: each P's own queue, and the one that all Ps share.

pub(crate) mod owner;
pub(crate) mod ring;
pub(crate) mod local;

//! The workloads on goroutines.

pub(crate) use gosched::{channel, sync, thread};

#[path = "channels.rs"]
pub(crate) mod channels;
#[path = "crowd.rs"]
pub(crate) mod crowd;
#[path = "tasks.rs"]
pub(crate) mod tasks;

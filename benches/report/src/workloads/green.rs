//! The workloads on goroutines.

pub(crate) use gosched::{channel, sync, thread};

#[path = "channels.rs"]
pub(crate) mod channels;
#[path = "crowd.rs"]
pub(crate) mod crowd;
#[path = "meetings.rs"]
pub(crate) mod meetings;
#[path = "tasks.rs"]
pub(crate) mod tasks;

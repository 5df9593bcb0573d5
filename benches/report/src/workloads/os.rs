//! The same source on OS threads.

pub(crate) use crossbeam_channel as channel;
pub(crate) use std::{sync, thread};

#[path = "channels.rs"]
pub(crate) mod channels;
#[path = "crowd.rs"]
pub(crate) mod crowd;
#[path = "meetings.rs"]
pub(crate) mod meetings;
#[path = "tasks.rs"]
pub(crate) mod tasks;

//! What `channels.rs`, `networks.rs` and `meetings.rs` are made of, on goroutines.

pub(super) use gosched::channel;
pub(super) use gosched::sync::RwLock;
pub(super) use gosched::thread::{scope, sleep, spawn};

/// Starts a task that nobody joins.
pub(super) fn start(f: impl FnOnce() + Send + 'static) {
    gosched::go(f);
}

#[path = "channels.rs"]
pub(super) mod channels;
#[path = "meetings.rs"]
pub(super) mod meetings;
#[path = "networks.rs"]
pub(super) mod networks;

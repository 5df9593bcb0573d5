//! The public items of `std::sync`, `std::thread`, `std::sync::mpsc` and crossbeam-channel, one
//! by one, with their signatures and traits: the same lines compile against the original and
//! against ours. What they do is asked in `same_as_std.rs`, `channel.rs` and `select.rs`.
//!
//! Not there, as they are deprecated or the system's: `sleep_ms`, `park_timeout_ms`,
//! `wait_timeout_ms`, `ONCE_INIT`, `JoinHandleExt`.

#![allow(
    clippy::type_complexity,
    clippy::extra_unused_lifetimes,
    clippy::borrow_interior_mutable_const,
    reason = "signatures are the point here"
)]

mod std_s {
    use std::thread_local as local;
    use std::{sync, thread};

    include!("same_api/locks.rs");
    include!("same_api/once.rs");
    include!("same_api/mpsc.rs");
    include!("same_api/thread.rs");
}

mod ours {
    use gosched::goroutine_local as local;
    use gosched::{sync, thread};

    include!("same_api/locks.rs");
    include!("same_api/once.rs");
    include!("same_api/mpsc.rs");
    include!("same_api/thread.rs");
}

mod crossbeam_s {
    use crossbeam_channel as channel;

    include!("same_api/channel.rs");
}

mod ours_again {
    use gosched::channel;

    include!("same_api/channel.rs");
}

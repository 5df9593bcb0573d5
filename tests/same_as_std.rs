//! What programs may expect of `std::sync`, `std::net` and `std::process`, asked of std itself and of ours: from plain
//! threads, and from goroutines at 1, 2 and 4 Ps. Only the imports differ.

#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

mod the_real_one {
    use std::os::unix::net as unix;
    use std::{net, process, sync, thread};

    fn run(body: impl Fn() + Send + Sync) {
        body();
    }

    include!("same_as_std/locks.rs");
    include!("same_as_std/once.rs");
    include!("same_as_std/mpsc.rs");
    include!("same_as_std/net.rs");
    include!("same_as_std/process.rs");
}

mod ours_from_threads {
    use gosched::os::unix::net as unix;
    use gosched::{net, process, sync};
    use std::thread;

    fn run(body: impl Fn() + Send + Sync) {
        body();
    }

    include!("same_as_std/locks.rs");
    include!("same_as_std/once.rs");
    include!("same_as_std/mpsc.rs");
    include!("same_as_std/net.rs");
    include!("same_as_std/process.rs");
}

mod ours_from_goroutines {
    use crate::support::check as run;
    use gosched::os::unix::net as unix;
    use gosched::{net, process, sync, thread};

    include!("same_as_std/locks.rs");
    include!("same_as_std/once.rs");
    include!("same_as_std/mpsc.rs");
    include!("same_as_std/net.rs");
    include!("same_as_std/process.rs");
}

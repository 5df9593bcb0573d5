//! The workloads on may. Its channels have no bounds, so a sender never waits; its `select!`
//! starts a coroutine for each case, which is not what is measured here: it has none.
#![allow(unsafe_code, reason = "may's spawn")]

use std::time::Duration;

use may::coroutine::{self, JoinHandle, sleep};
use may::sync::Mutex;

use crate::system::per;
use crate::workloads::timed;

mod locks;
mod messages;
mod tasks;
#[path = "fair.rs"]
mod fair;

pub(crate) fn run(id: &str, procs: usize, n: u64) -> Option<f64> {
    may::config().set_workers(procs);
    let id = id.to_owned();
    let main = spawn(move || {
        let work = tasks::find(&id)
            .or_else(|| locks::find(&id))
            .or_else(|| messages::find(&id));
        match work {
            Some(work) => Some(per(work(n), n)),
            None => fair::run(&id, procs, n),
        }
    });
    main.join().expect("the workload ends well")
}

fn spawn<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    // SAFETY: no workload keeps a value that is tied to an OS thread across a wait, and the
    // stacks are large enough for all of them.
    unsafe { coroutine::spawn(f) }
}

/// A hundred pairs at once, with `n` turns in all.
fn hundred(n: u64, pair: fn(u64)) -> Duration {
    timed(|| {
        let all: Vec<_> = (0..100)
            .map(|_| spawn(move || pair(n.div_ceil(100))))
            .collect();
        all.into_iter().for_each(|h| h.join().unwrap());
    })
}

/// may has nothing for calls that block.
fn blocking<R>(f: impl FnOnce() -> R) -> R {
    f()
}

//! The workloads of `benches/workloads`, as they are, and those that only we have.
#![allow(unsafe_code, reason = "the door into the runtime")]

use gosched::sync::Mutex;
use gosched::thread::{sleep, spawn};
use gosched::{blocking, gomaxprocs};

use crate::system::per;
use crate::workloads::{ROWS, on_goroutines};

#[path = "fair.rs"]
mod fair;

pub(crate) fn run(id: &str, procs: usize, n: u64) -> Option<f64> {
    if let Some(row) = ROWS.iter().find(|row| row.id == id) {
        return Some(per(on_goroutines(row.goroutines, procs, n), n));
    }
    // SAFETY: nothing that is tied to an OS thread lives across a wait.
    unsafe {
        gosched::run(|| {
            gomaxprocs(procs);
            fair::run(id, procs, n)
        })
    }
}

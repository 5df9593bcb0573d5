//! The workloads on OS threads: std's, and crossbeam's channels.
#![allow(unsafe_code, reason = "sched_setaffinity")]

use std::sync::Mutex;
use std::thread::{sleep, spawn};

use crate::system::per;
use crate::workloads::ROWS;

#[path = "fair.rs"]
mod fair;

pub(crate) fn run(id: &str, procs: usize, n: u64) -> Option<f64> {
    use_cpus(procs);
    match ROWS.iter().find(|row| row.id == id) {
        Some(row) => Some(per((row.threads)(n), n)),
        None => fair::run(id, procs, n),
    }
}

/// A thread may block.
fn blocking<R>(f: impl FnOnce() -> R) -> R {
    f()
}

/// The first `n` CPUs that this process has, for it and for all threads that it starts.
fn use_cpus(n: usize) {
    let size = size_of::<libc::cpu_set_t>();
    // SAFETY: all zeros is a valid, empty set.
    let mut all: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: it gets a set of ours, and its size.
    unsafe { libc::sched_getaffinity(0, size, &raw mut all) };
    let mut left = n;
    for cpu in 0..libc::CPU_SETSIZE as usize {
        // SAFETY: the number is below the set's size.
        if unsafe { libc::CPU_ISSET(cpu, &all) } {
            if left == 0 {
                // SAFETY: as above.
                unsafe { libc::CPU_CLR(cpu, &mut all) };
            } else {
                left -= 1;
            }
        }
    }
    // SAFETY: as above.
    unsafe { libc::sched_setaffinity(0, size, &raw const all) };
}

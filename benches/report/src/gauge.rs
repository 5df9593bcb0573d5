//! What the kernel says about this process: memory, threads, context switches, CPU time.
#![allow(unsafe_code, reason = "getrusage, alarm, affinity")]

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Counters that only grow; `since` gives what happened between two of them.
#[derive(Clone, Copy)]
pub(crate) struct Usage {
    /// Of CPU, all threads together.
    pub(crate) nanos: u64,
    /// The kernel took a CPU from one thread and gave it to another.
    pub(crate) switches: u64,
}

impl Usage {
    pub(crate) fn now() -> Usage {
        // SAFETY: all zeros is a valid `rusage`.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        // SAFETY: it gets a `rusage` of ours.
        unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
        let nanos =
            |t: libc::timeval| t.tv_sec as u64 * 1_000_000_000 + t.tv_usec as u64 * 1000;
        Usage {
            nanos: nanos(usage.ru_utime) + nanos(usage.ru_stime),
            switches: (usage.ru_nvcsw + usage.ru_nivcsw) as u64,
        }
    }

    pub(crate) fn since(self, before: Usage) -> Usage {
        Usage {
            nanos: self.nanos - before.nanos,
            switches: self.switches - before.switches,
        }
    }
}

static MOST_THREADS: AtomicU64 = AtomicU64::new(0);
static LOOKS: AtomicBool = AtomicBool::new(true);

/// Workloads call this when their tasks are alive, so that the threads are counted then.
pub(crate) fn look() {
    if LOOKS.load(Relaxed) {
        MOST_THREADS.fetch_max(status("Threads:"), Relaxed);
    }
}

/// A look takes a tenth of a millisecond: much of a timeline.
pub(crate) fn look_no_more() {
    LOOKS.store(false, Relaxed);
}

/// The most OS threads that a `look` saw.
pub(crate) fn most_threads() -> u64 {
    MOST_THREADS.load(Relaxed)
}

/// Bytes: resident memory and page tables, and the kernel's stack for each thread (16 KiB on
/// x86-64 and aarch64), which no line of /proc shows by process.
pub(crate) fn memory() -> u64 {
    (status("VmRSS:") + status("VmPTE:") + 16 * status("Threads:")) * 1024
}

fn status(key: &str) -> u64 {
    number_after("/proc/self/status", key)
}

/// Free memory of the machine, in bytes.
pub(crate) fn memory_free() -> u64 {
    number_after("/proc/meminfo", "MemAvailable:") * 1024
}

fn number_after(file: &str, key: &str) -> u64 {
    let text = fs::read_to_string(file).expect("Linux has /proc");
    let mut words = text.split_whitespace().skip_while(|&word| word != key);
    words.nth(1).and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// From now on this process, and the threads that it will start, run on one CPU: the last one that
/// it may use.
pub(crate) fn stay_on_one_cpu() -> std::io::Result<()> {
    const SIZE: usize = size_of::<libc::cpu_set_t>();
    // SAFETY: all zeros is an empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: it gets a set of ours, and its size.
    if unsafe { libc::sched_getaffinity(0, SIZE, &raw mut set) } != 0 {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: the numbers are below the size of a set.
    let last = (0..8 * SIZE).rfind(|&cpu| unsafe { libc::CPU_ISSET(cpu, &set) });
    // SAFETY: as above.
    let mut one: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    unsafe { libc::CPU_SET(last.unwrap_or(0), &mut one) };
    // SAFETY: it only reads the set.
    if unsafe { libc::sched_setaffinity(0, SIZE, &raw const one) } != 0 {
        return Err(std::io::Error::last_os_error());
    }
    Ok(())
}

/// Which part of all CPU time somebody used during a second in which we slept. The time that a host
/// took from this virtual machine counts.
pub(crate) fn busy() -> f64 {
    let before = cpu_times();
    std::thread::sleep(std::time::Duration::from_secs(1));
    let after = cpu_times();
    let [idle, all] = [0, 1].map(|i| after[i].saturating_sub(before[i]) as f64);
    if all > 0.0 { 1.0 - idle / all } else { 0.0 }
}

/// Time in which nobody had anything to do, and all time, over all CPUs.
fn cpu_times() -> [u64; 2] {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    // user nice system idle iowait irq softirq steal
    let fields: Vec<u64> = line
        .split_whitespace()
        .skip(1)
        .take(8)
        .filter_map(|field| field.parse().ok())
        .collect();
    let idle = fields.iter().skip(3).take(2).sum();
    [idle, fields.iter().sum()]
}

/// Ends this process after so many seconds, whatever it does then.
pub(crate) fn give_up_after(seconds: u32) {
    // SAFETY: no preconditions; nobody handles SIGALRM, so it ends the process.
    unsafe { libc::alarm(seconds) };
}

//! What is measured, and what came of it.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::resident::resident;

/// Bytes of a request, and of its answer.
pub(crate) const SIZE: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Requests and answers over TCP.
    Echo,
    /// The same, with a time limit on each read.
    Deadline,
    /// The same, over Unix sockets.
    Unix,
    /// Two UDP sockets.
    Udp,
    /// Connecting, accepting, closing.
    Connect,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Connections that ask all the time.
    pub(crate) busy: usize,
    /// Connections that say nothing.
    pub(crate) idle: usize,
}

impl Workload {
    pub(crate) fn all() -> [Workload; 9] {
        let new = |name, kind, busy, idle| Workload {
            name,
            kind,
            busy,
            idle,
        };
        [
            new("echo-one", Kind::Echo, 1, 0),
            new("echo-64", Kind::Echo, 64, 0),
            new("echo-1000", Kind::Echo, 1000, 0),
            new("echo-9000", Kind::Echo, 9000, 0),
            new("idle-1000", Kind::Echo, 64, 1000),
            new("deadline-64", Kind::Deadline, 64, 0),
            new("unix-64", Kind::Unix, 64, 0),
            new("udp-one", Kind::Udp, 1, 0),
            new("connect", Kind::Connect, 16, 0),
        ]
    }
}

/// What one client has seen.
pub(crate) type Times = Vec<u32>;

/// Until when the answers count. Clients that are there before it is known ask, and do not count.
static END: OnceLock<Instant> = OnceLock::new();

/// From now on the answers count.
pub(crate) fn begin(time: Duration) -> Instant {
    let now = Instant::now();
    END.set(now + time).expect("one measurement a process");
    now
}

/// Asks until the time is over; each answer's time in nanoseconds.
#[derive(Debug)]
pub(crate) struct Clock {
    last: Instant,
    times: Times,
}

impl Clock {
    pub(crate) fn new() -> Clock {
        Clock {
            last: Instant::now(),
            times: Times::new(),
        }
    }

    /// One more answer. Returns `false` if the time is over.
    pub(crate) fn tick(&mut self) -> bool {
        let now = Instant::now();
        let Some(end) = END.get() else {
            self.last = now;
            return true;
        };
        let took = (now - self.last).as_nanos();
        self.times.push(took.try_into().unwrap_or(u32::MAX));
        self.last = now;
        now < *end
    }

    pub(crate) fn times(self) -> Times {
        self.times
    }
}

/// Of one measurement.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// The slowest connection's answers, as a part of the mean.
    pub(crate) slowest: f64,
    /// Resident bytes of a connection, both ends together.
    pub(crate) bytes: f64,
    pub(crate) threads: f64,
    /// CPU time of an answer, in nanoseconds.
    pub(crate) cpu: f64,
}

impl Outcome {
    pub(crate) fn new(
        workload: &Workload,
        clients: Vec<Times>,
        took: Duration,
        then: &Now,
    ) -> Outcome {
        let now = cpu();
        let counts = clients.iter().map(Vec::len);
        let (least, total): (usize, usize) = (counts.clone().min().unwrap_or(0), counts.sum());
        let mut all: Vec<u32> = clients.iter().flatten().copied().collect();
        all.sort_unstable();
        let at = |percent: usize| {
            all.get(all.len() * percent / 100)
                .map_or(0.0, |&t| f64::from(t))
        };
        let connections = (workload.busy + workload.idle) as f64;
        Outcome {
            per_second: total as f64 / took.as_secs_f64(),
            p50: at(50),
            p99: at(99),
            slowest: least as f64 * clients.len() as f64 / total.max(1) as f64,
            bytes: then.bytes / connections,
            threads: then.threads,
            cpu: (now - then.cpu) / total.max(1) as f64,
        }
    }

    fn numbers(&self) -> [f64; 7] {
        let Outcome {
            per_second,
            p50,
            p99,
            slowest,
            bytes,
            threads,
            cpu,
        } = *self;
        [per_second, p50, p99, slowest, bytes, threads, cpu]
    }
}

/// What the process has at a moment.
#[derive(Debug)]
pub(crate) struct Now {
    bytes: f64,
    threads: f64,
    cpu: f64,
}

impl Now {
    /// Memory is that at the end, when every task has run; threads, the most.
    pub(crate) fn with_memory_of(self, later: Now) -> Now {
        Now {
            cpu: self.cpu,
            threads: self.threads.max(later.threads),
            ..later
        }
    }

    pub(crate) fn after(resident_before: f64) -> Now {
        Now {
            bytes: resident().expect("there is a /proc") - resident_before,
            threads: std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count) as f64,
            cpu: cpu(),
        }
    }
}

/// CPU time of this process, in nanoseconds.
fn cpu() -> f64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the place is ours.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut now) };
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.numbers().iter().try_for_each(|n| write!(f, "{n} "))
    }
}

impl FromStr for Outcome {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Outcome> {
        let numbers: Result<Vec<f64>, _> = text.split_whitespace().map(str::parse).collect();
        let [per_second, p50, p99, slowest, bytes, threads, cpu] = numbers?[..] else {
            anyhow::bail!("not seven numbers: {text}");
        };
        Ok(Outcome {
            per_second,
            p50,
            p99,
            slowest,
            bytes,
            threads,
            cpu,
        })
    }
}

/// The rows of the table for one workload: medians of each system.
pub(crate) fn rows<const N: usize>(workload: &Workload, systems: [&[Outcome]; N]) -> String {
    let names = [
        "per second",
        "p50 us",
        "p99 us",
        "slowest",
        "KiB each",
        "threads",
        "CPU us",
    ];
    let scale = [1.0, 1e-3, 1e-3, 1.0, 1.0 / 1024.0, 1.0, 1e-3];
    let digits = [0, 1, 1, 2, 1, 0, 1];
    let mut text = String::new();
    for (i, name) in names.iter().enumerate() {
        if workload.kind == Kind::Connect && !matches!(i, 0..=2 | 5 | 6) {
            continue;
        }
        let cell = |outcomes: &[Outcome]| {
            let mut values: Vec<f64> =
                outcomes.iter().map(|o| o.numbers()[i] * scale[i]).collect();
            values.sort_by(f64::total_cmp);
            let median = values.get(values.len() / 2);
            median.map_or("-".into(), |value| format!("{value:.*}", digits[i]))
        };
        let first = if i == 0 { workload.name } else { "" };
        let cells = systems.map(cell).join(" | ");
        text += &format!("| {first} | {name} | {cells} |\n");
    }
    text
}

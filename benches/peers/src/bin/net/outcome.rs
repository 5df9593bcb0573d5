//! What is measured, and what came of it.

use std::fmt;
use std::io::Write as _;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::resident::resident_of;

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
    /// `Echo` whose clients are a process of their own, the same for all systems (`from_outside.rs`).
    Serve,
    /// As `Serve`: the server computes for each request of one connection, and another asks now and then.
    Beside,
}

impl Kind {
    /// The clients are another process.
    pub(crate) fn is_from_outside(self) -> bool {
        matches!(self, Kind::Serve | Kind::Beside)
    }
}

/// A request that begins with this is answered after some computing.
pub(crate) const COMPUTE: u8 = 1;
/// For so long.
const COMPUTES: Duration = Duration::from_millis(5);
/// One that begins with this is answered at once.
pub(crate) const AT_ONCE: u8 = 7;

/// By a server, before it answers.
pub(crate) fn compute_for(request: &[u8]) {
    if request[0] == COMPUTE {
        let begin = Instant::now();
        while begin.elapsed() < COMPUTES {
            std::hint::spin_loop();
        }
    }
}

/// A server says where it is.
pub(crate) fn announce(port: u16) {
    println!("{port}");
    std::io::stdout().flush().expect("somebody listens");
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
    pub(crate) fn all() -> [Workload; 13] {
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
            new("serve-64", Kind::Serve, 64, 0),
            new("serve-1000", Kind::Serve, 1000, 0),
            new("serve-10000", Kind::Serve, 10_000, 0),
            new("beside", Kind::Beside, 1, 0),
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
    /// The time that took longest, in nanoseconds.
    pub(crate) longest: f64,
}

impl Outcome {
    pub(crate) fn new(
        workload: &Workload,
        clients: Vec<Times>,
        took: Duration,
        then: &Now,
    ) -> Outcome {
        let now = cpu_of(then.pid);
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
            longest: all.last().map_or(0.0, |&t| f64::from(t)),
        }
    }

    fn numbers(&self) -> [f64; 8] {
        let Outcome {
            per_second,
            p50,
            p99,
            slowest,
            bytes,
            threads,
            cpu,
            longest,
        } = *self;
        [per_second, p50, p99, slowest, bytes, threads, cpu, longest]
    }
}

/// What a process has at a moment.
#[derive(Debug)]
pub(crate) struct Now {
    /// 0: this one.
    pid: i32,
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
        Now::of(0, resident_before)
    }

    pub(crate) fn of(pid: i32, resident_before: f64) -> Now {
        let name = match pid {
            0 => "self".into(),
            pid => pid.to_string(),
        };
        let tasks = std::fs::read_dir(format!("/proc/{name}/task"));
        Now {
            pid,
            bytes: resident_of(&name).expect("there is a /proc") - resident_before,
            threads: tasks.map_or(0, Iterator::count) as f64,
            cpu: cpu_of(pid),
        }
    }
}

/// CPU time of a process, in nanoseconds.
fn cpu_of(pid: i32) -> f64 {
    let mut clock = 0;
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the place is ours.
    let answer = unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) };
    assert_eq!(answer, 0, "the process is there");
    // SAFETY: the place is ours.
    unsafe { libc::clock_gettime(clock, &raw mut now) };
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
        let [per_second, p50, p99, slowest, bytes, threads, cpu, longest] = numbers?[..] else {
            anyhow::bail!("not eight numbers: {text}");
        };
        Ok(Outcome {
            per_second,
            p50,
            p99,
            slowest,
            bytes,
            threads,
            cpu,
            longest,
        })
    }
}

/// A row of the table.
struct Figure {
    name: &'static str,
    digits: usize,
    of: fn(&Outcome) -> f64,
}

#[rustfmt::skip]
const FIGURES: [Figure; 9] = [
    Figure { name: "per second", digits: 0, of: |o| o.per_second },
    Figure { name: "p50 us", digits: 1, of: |o| o.p50 * 1e-3 },
    Figure { name: "p99 us", digits: 1, of: |o| o.p99 * 1e-3 },
    Figure { name: "slowest", digits: 2, of: |o| o.slowest },
    Figure { name: "KiB each", digits: 1, of: |o| o.bytes / 1024.0 },
    Figure { name: "threads", digits: 0, of: |o| o.threads },
    Figure { name: "CPU us", digits: 1, of: |o| o.cpu * 1e-3 },
    // Two Ms get half of a machine on which something else runs, and 64 threads nearly all of it: this
    // says whether a figure is one of a quiet machine.
    Figure { name: "CPUs used", digits: 2, of: |o| o.per_second * o.cpu * 1e-9 },
    Figure { name: "longest us", digits: 1, of: |o| o.longest * 1e-3 },
];

/// The rows of the table for one workload: medians of each system.
pub(crate) fn rows<const N: usize>(workload: &Workload, systems: [&[Outcome]; N]) -> String {
    let mut text = String::new();
    for (i, figure) in FIGURES.iter().enumerate() {
        let said = match workload.kind {
            Kind::Connect => matches!(i, 0..=2 | 5..=7),
            Kind::Beside => matches!(i, 0..=2 | 8),
            _ => i < 8,
        };
        if !said {
            continue;
        }
        let cell = |outcomes: &[Outcome]| {
            let mut values: Vec<f64> = outcomes.iter().map(figure.of).collect();
            values.sort_by(f64::total_cmp);
            let median = values.get(values.len() / 2);
            median.map_or("-".into(), |value| format!("{value:.*}", figure.digits))
        };
        let first = if i == 0 { workload.name } else { "" };
        let cells = systems.map(cell).join(" | ");
        text += &format!("| {first} | {} | {cells} |\n", figure.name);
    }
    text
}

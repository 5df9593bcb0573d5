//! Metrics by name, as Go's `runtime/metrics` has them for the scheduler.
//!
//! Go: package runtime/metrics.
#![forbid(unsafe_code)]

use crate::core::g::goroutine::GRef;
use crate::core::m::machine::M;
use crate::core::sched::schedt::SCHED;
use crate::ext::diagnostics::dump::is_user;
use crate::ext::stopped::State;
use crate::ext::threads::allm;
use crate::ext::world::stop_world;
use crate::ext::{allgs, latency, mutex_wait};

/// What a metric says.
///
/// # Examples
/// See [`read`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A number of things.
    Count(u64),
    /// An amount, such as seconds.
    Amount(f64),
    /// How often something was how much.
    Histogram(Histogram),
}

/// How often a value was in each of some ranges.
///
/// # Examples
/// See [`read`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Histogram {
    /// Where each range begins, and where the last one ends: one more than there are counts.
    pub buckets: Vec<f64>,
    /// How many values were in each range.
    pub counts: Vec<u64>,
}

impl Histogram {
    /// How many values there are.
    ///
    /// # Examples
    /// See [`read`].
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The end of the range in which the value is that `share` of all (0 to 1) do not exceed; none if
    /// there are no values.
    ///
    /// # Examples
    /// See [`read`].
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let wanted = (share * self.total() as f64).max(1.0);
        let mut seen = 0;
        self.counts
            .iter()
            .zip(self.buckets.iter().skip(1))
            .find_map(|(count, end)| {
                seen += count;
                (*count > 0 && seen as f64 >= wanted).then_some(*end)
            })
    }

    /// The values that came since `before`, an earlier one of the same metric.
    ///
    /// # Examples
    /// See [`read`].
    #[must_use]
    pub fn since(&self, before: &Histogram) -> Histogram {
        let pairs = self.counts.iter().zip(&before.counts);
        Histogram {
            buckets: self.buckets.clone(),
            counts: pairs.map(|(now, then)| now.saturating_sub(*then)).collect(),
        }
    }
}

/// A metric's name, and what it is.
///
/// # Examples
/// See [`all`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Description {
    /// Its name, with the unit behind the colon. A later version may have more names; these stay.
    pub name: &'static str,
    /// What it counts.
    pub description: &'static str,
    /// It never becomes less.
    pub cumulative: bool,
}

const fn metric(
    name: &'static str,
    cumulative: bool,
    description: &'static str,
) -> Description {
    Description {
        name,
        description,
        cumulative,
    }
}

const ALL: &[Description] = &[
    metric(
        "/sched/gomaxprocs:threads",
        false,
        "How many goroutines may run at the same time.",
    ),
    metric(
        "/sched/goroutines-created:goroutines",
        true,
        "Goroutines ever started.",
    ),
    metric(
        "/sched/goroutines/not-in-go:goroutines",
        false,
        "Goroutines whose thread is in a system call, as far as the runtime has noticed.",
    ),
    metric(
        "/sched/goroutines/runnable:goroutines",
        false,
        "Goroutines in run queues.",
    ),
    metric(
        "/sched/goroutines/running:goroutines",
        false,
        "Goroutines that run.",
    ),
    metric(
        "/sched/goroutines/waiting:goroutines",
        false,
        "Goroutines that wait for something.",
    ),
    metric("/sched/goroutines:goroutines", false, "Goroutines alive."),
    metric(
        "/sched/latencies:seconds",
        true,
        "How long goroutines waited in run queues, counted from the first time that this is read: \
         one wait of eight is timed, and counts as eight.",
    ),
    metric(
        "/sched/threads/total:threads",
        false,
        "Threads of the runtime that run goroutines.",
    ),
    metric(
        "/sync/mutex/wait/total:seconds",
        true,
        "How long goroutines have slept for a Mutex, or for another writer of an RwLock.",
    ),
];

/// All metrics, in the order of their names.
///
/// # Examples
/// ```
/// for metric in gosched::metrics::all() {
///     println!("{}: {}", metric.name, metric.description);
/// }
/// ```
///
/// Go: metrics.All
#[must_use]
pub fn all() -> &'static [Description] {
    ALL
}

/// A metric's value now; none if there is no metric of this name.
///
/// It is read while goroutines run, so two metrics are of slightly different moments. Only the first
/// read of `/sched/latencies:seconds` stops the world, for a moment: from then on waits are timed, which
/// costs some nanoseconds at each; before that it costs nothing. The counts by state look at every
/// goroutine (some ten milliseconds for a million).
///
/// # Examples
/// ```
/// use gosched::metrics::{self, Value};
///
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let Some(Value::Histogram(before)) = metrics::read("/sched/latencies:seconds") else {
///         panic!("it is there");
///     };
///     for _ in 0..100 {
///         gosched::thread::spawn(|| ()).join().unwrap();
///     }
///     if let Some(Value::Histogram(now)) = metrics::read("/sched/latencies:seconds") {
///         println!("{} waits, 99 of 100 within {:?} s", now.total(), now.since(&before).quantile(0.99));
///     }
///     assert_eq!(metrics::read("/sched/goroutines:goroutines"), Some(Value::Count(1)));
/// }) };
/// ```
///
/// Go: metrics.Read
#[must_use]
pub fn read(name: &str) -> Option<Value> {
    Some(match name {
        "/sched/gomaxprocs:threads" => Value::Count(SCHED.procs().into()),
        "/sched/goroutines-created:goroutines" => Value::Count(SCHED.created()),
        "/sched/goroutines/not-in-go:goroutines" => in_state(In::Kernel),
        "/sched/goroutines/runnable:goroutines" => in_state(In::Queue),
        "/sched/goroutines/running:goroutines" => in_state(In::Thread),
        "/sched/goroutines/waiting:goroutines" => in_state(In::Wait),
        "/sched/goroutines:goroutines" => Value::Count(SCHED.goroutines()),
        "/sched/latencies:seconds" => Value::Histogram(latencies()),
        "/sched/threads/total:threads" => Value::Count(SCHED.m_count.peek().into()),
        "/sync/mutex/wait/total:seconds" => Value::Amount(seconds(mutex_wait::total())),
        _ => return None,
    })
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

fn latencies() -> Histogram {
    if latency::begin() && SCHED.is_started() {
        stop_world::stopped(|rt| {
            let me = rt.m().and_then(|m| m.curg());
            allgs::for_each(|g| {
                match g.status.state() {
                    State::Waiting | State::Preempted => latency::watch(g),
                    State::Runnable => {
                        g.waits_for.set(0); // that was what it has waited for
                        latency::watch(g);
                    }
                    // The caller; or in the kernel, without a P: it is told when it comes out.
                    State::Running if me.is_some_and(|me| me.same(g)) => latency::watch(g),
                    State::Running | State::Dead => (),
                }
            });
        });
    }
    let starts = (0..latency::BUCKETS).map(|i| seconds(latency::lower_bound(i)));
    Histogram {
        buckets: starts.chain([f64::INFINITY]).collect(),
        counts: latency::counts().to_vec(),
    }
}

/// Where a goroutine is.
#[derive(PartialEq, Eq)]
enum In {
    Queue,
    Thread,
    Kernel,
    Wait,
}

fn in_state(wanted: In) -> Value {
    let mut count = 0;
    allgs::for_each(|g| count += u64::from(is_user(g) && place(g) == wanted));
    Value::Count(count)
}

fn place(g: GRef) -> In {
    match g.status.state() {
        State::Waiting => In::Wait,
        State::Runnable | State::Preempted | State::Dead => In::Queue,
        State::Running => {
            let m = allm::m_of(g.last_m.load(std::sync::atomic::Ordering::Relaxed));
            let away = |m: &M| m.blocking.peek() || m.retake.is_lost();
            match m.is_some_and(away) {
                true => In::Kernel,
                false => In::Thread,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_a_value_and_names_are_in_order() {
        assert!(ALL.is_sorted_by_key(|metric| metric.name));
        for metric in ALL {
            assert!(read(metric.name).is_some(), "{}", metric.name);
        }
        assert_eq!(read("/sched/nothing:things"), None);
        let page = include_str!("../../docs/metrics.md");
        let rows = page.lines().filter(|line| line.starts_with("| `/"));
        assert_eq!(rows.count(), ALL.len());
        for metric in ALL {
            assert!(
                page.contains(&format!("| `{}` |", metric.name)),
                "{}",
                metric.name
            );
        }
    }

    #[test]
    fn quantiles_are_ends_of_ranges() {
        let histogram = |counts: &[u64]| Histogram {
            buckets: vec![0.0, 1.0, 2.0, f64::INFINITY],
            counts: counts.to_vec(),
        };
        let some = histogram(&[6, 3, 1]);
        assert_eq!(
            (some.quantile(0.5), some.quantile(0.9)),
            (Some(1.0), Some(2.0))
        );
        assert_eq!(some.quantile(1.0), Some(f64::INFINITY));
        assert_eq!(histogram(&[0, 0, 0]).quantile(0.5), None);
        assert_eq!(some.since(&histogram(&[6, 1, 1])).quantile(0.0), Some(2.0));
    }
}

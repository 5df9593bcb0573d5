//! Functions about the runtime as a whole: the number of goroutines, the number of Ps, dumps.
#![forbid(unsafe_code)]

use crate::api::stack::grow;
use crate::core::g::goroutine::GRef;
use crate::core::p::processor::MAX_PS;
use crate::core::sched::schedt::SCHED;
use crate::core::sched::start::assert_started;
use crate::ext::allgs;
use crate::ext::diagnostics::dump::{Caller, dump_all, is_user};
use crate::ext::diagnostics::stacks::{LOOKING, Stacks};
use crate::ext::linux::stderr::BufferedStderr;
use crate::ext::thread_locals::tls_guard;
use crate::ext::world::resizer;
use crate::ext::world::trim_parked;

/// How many goroutines are alive.
///
/// # Examples
/// ```
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let other = gosched::thread::spawn(gosched::thread::park);
///     assert_eq!(gosched::num_goroutine(), 2); // it, and this one
///     other.thread().unpark();
///     other.join().unwrap();
/// }) };
/// ```
///
/// Go: runtime.NumGoroutine
#[must_use]
pub fn num_goroutine() -> usize {
    SCHED.goroutines() as usize
}

/// Sets how many goroutines run at the same time, and returns the old number. With 0 it changes
/// nothing.
///
/// Changing it stops the world: it waits until every running goroutine has come to a point
/// where it can be stopped.
///
/// Until it is called for the first time, the number is that of the variable `GOMAXPROCS` or of
/// [`Builder::procs`](crate::Builder::procs). Where these do not say, the runtime does: as many as
/// CPUs may be used by the affinity mask, but not more than the limit of the process's cgroup for
/// CPU time, rounded up, where a limit of less than two counts as two. It looks every second,
/// unless the program is idle, and follows what has changed. A [key of
/// `GOSCHED`](crate#keys-of-gosched) turns that off; [`set_default_gomaxprocs`] turns it on again after
/// a number was set.
///
/// # Panics
/// If the runtime has not been started, or `n` is above 1024.
///
/// # Examples
/// ```
/// // SAFETY: nothing in the closure is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let before = gosched::gomaxprocs(2);
///     assert_eq!(gosched::gomaxprocs(0), 2);
///     gosched::gomaxprocs(before);
/// }) };
/// ```
///
/// Go: runtime.GOMAXPROCS
#[track_caller]
pub fn gomaxprocs(n: usize) -> usize {
    assert_started();
    assert!(n <= MAX_PS, "gomaxprocs({n}): want at most {MAX_PS}");
    match n {
        0 => SCHED.procs() as usize,
        _ => resizer::set(n as u32) as usize,
    }
}

/// Lets the runtime say again how many goroutines run at the same time, after the variable
/// `GOMAXPROCS`, [`Builder::procs`](crate::Builder::procs) or [`gomaxprocs`] has said it; and it
/// looks at once how many CPUs may be used now.
///
/// # Panics
/// If the runtime has not been started.
///
/// # Examples
/// ```
/// // SAFETY: nothing in the closure is tied to an OS thread.
/// unsafe { gosched::Builder::new().procs(1).run(|| {
///     gosched::set_default_gomaxprocs();
///     assert!(gosched::gomaxprocs(0) <= std::thread::available_parallelism().unwrap().get().max(2));
/// }) };
/// ```
///
/// Go: runtime.SetDefaultGOMAXPROCS
#[track_caller]
pub fn set_default_gomaxprocs() {
    assert_started();
    resizer::set_default();
}

fn each_user(each: &mut dyn FnMut(GRef)) {
    allgs::for_each(|g| {
        if is_user(g) {
            each(g);
        }
    });
}

/// Writes every goroutine to standard error: id, state or wait reason and how many minutes it has
/// waited, name, what it waits for and who has that, where it stands in the program, where it was
/// started, and how deep its stack has been. For watchdogs and debuggers: it stops nothing, so it
/// shows a blur.
///
/// The functions of the runtime at both ends of a stack are left out, unless `RUST_BACKTRACE=full`. Of
/// a goroutine that runs at this moment no functions are shown, except of the caller. Names need
/// what the backtraces of panics need: symbols, and lines need debug information. A cycle of
/// goroutines that wait for each other is named at the end (`docs/deadlock.md`).
///
/// SIGQUIT (`Ctrl-\`) does the same and ends the process with status 2, as in Go, unless the
/// program has a handler of its own for it.
///
/// # Examples
/// ```
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     gosched::dump();
/// }) };
/// ```
#[doc(alias = "Stack")]
#[doc(alias = "traceback")]
pub fn dump() {
    // std looks for names in the debug information, which takes more stack than a goroutine may have.
    let stacks = grow(LOOKING, LOOKING, || Stacks::collect(each_user));
    dump_all(&mut BufferedStderr::new(), Caller::Ordinary, Some(&stacks));
}

/// Gives the memory of idle stacks back to the system, as far as that goes: of free ones, and what
/// parked goroutines have below their stack pointers from deeper times. The answer is an estimate
/// of the bytes.
///
/// The runtime does this by itself, in the background, for stacks that were not used for some
/// seconds; parked goroutines are looked at only here, while the world is stopped for moments.
///
/// A goroutine that waits while it stands on a stack of another library's (a coroutine's, a fiber's)
/// keeps all of its own. Such a stack must not be an array in a goroutine's own frame: it would look
/// like the goroutine's stack, and what lies below it like nobody's.
///
/// # Examples
/// ```
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     gosched::thread::spawn(|| [1_u8; 64 << 10].len()).join().unwrap();
///     gosched::trim();
/// }) };
/// ```
///
/// Go: debug.FreeOSMemory, for stacks
#[doc(alias = "FreeOSMemory")]
pub fn trim() -> usize {
    trim_parked::trim()
}

/// A snapshot of the runtime's counters.
///
/// # Examples
/// See [`metrics`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metrics {
    /// Ps: how many goroutines run at the same time. Go: `/sched/gomaxprocs:threads`
    pub gomaxprocs: usize,
    /// Goroutines alive. Go: `/sched/goroutines:goroutines`
    pub goroutines: usize,
    /// Goroutines ever started. Go: `/sched/goroutines-created:goroutines`
    pub created: u64,
    /// OS threads of the runtime that run goroutines. Go: `/sched/threads/total:threads`
    pub threads: usize,
    /// Those of them that sleep because there is nothing to do.
    pub threads_idle: usize,
    /// Those of them that look for work.
    pub threads_spinning: usize,
    /// Ps without work.
    pub idle_procs: usize,
    /// Goroutines in the global queue.
    pub global_queue: usize,
    /// Stacks that carry a goroutine.
    pub stacks_live: usize,
    /// Bytes of memory in all stacks, free ones too, counting one page for each that has not been
    /// given back: a lower bound. Go: `/memory/classes/heap/stacks:bytes`
    pub stack_bytes: usize,
    /// Stacks looked through for addresses of thread-locals, before their goroutine moved to
    /// another OS thread.
    pub tls_scans: u64,
    /// Those in which there was one.
    pub tls_taints: u64,
    /// Goroutines that had to wait for the thread they last ran on, for this or another reason.
    pub tls_pins: u64,
}

/// The runtime's counters now.
///
/// # Examples
/// ```
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let metrics = gosched::metrics();
///     assert!(metrics.goroutines >= 1 && metrics.threads >= 1);
/// }) };
/// ```
///
/// Go: runtime/metrics
#[doc(alias = "ReadMetrics")]
#[doc(alias = "ReadMemStats")]
#[must_use]
pub fn metrics() -> Metrics {
    let idle = SCHED.idle.load();
    let stacks = crate::ext::stackalloc::stats();
    let guard = tls_guard::counts();
    let kept: usize = SCHED.all_ps().map(|p| p.stacks_kept()).sum();
    Metrics {
        gomaxprocs: SCHED.procs() as usize,
        goroutines: num_goroutine(),
        created: SCHED.created(),
        threads: SCHED.m_count.peek() as usize,
        threads_idle: SCHED.idle_ms.len() as usize + usize::from(SCHED.timer_waiter.is_taken()),
        threads_spinning: idle.spinning() as usize,
        idle_procs: idle.idle_ps() as usize,
        global_queue: SCHED.global_len() as usize,
        stacks_live: stacks.live.saturating_sub(kept),
        stack_bytes: stacks.resident_bytes,
        tls_scans: guard.scans,
        tls_taints: guard.taints,
        tls_pins: guard.pins,
    }
}

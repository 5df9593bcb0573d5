//! What tests of the running scheduler share: [`check`] runs a body at 1, 2 and 4 Ps under a
//! watchdog and then looks whether everything is back.
//!
//! A test program says `mod support;` and `use support::check;`.

#![allow(dead_code, reason = "each test program uses its part")]
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

pub(crate) mod child;
pub(crate) mod cputime;
pub(crate) mod go_reader;
pub(crate) mod in_order;
pub(crate) mod latch;
pub(crate) mod read_back;
pub(crate) mod ruled;
pub(crate) mod watchdog;
pub(crate) mod ways;

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::panic::{set_hook, take_hook};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use watchdog::Watchdog;

/// Every test program checks that the runtime does not allocate where it must not.
#[global_allocator]
static ALLOCATOR: ruled::Ruled = ruled::Ruled;

/// The numbers of Ps at which every body runs.
pub(crate) const PS: [usize; 3] = [1, 2, 4];

/// How long a body may take at one number of Ps. Generous: a hang waits, nothing else does.
pub(crate) const LIMIT: Duration = Duration::from_secs(40);

/// There is one runtime, and the number of Ps is its: one test at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs `body` as the main goroutine at 1, 2 and 4 Ps.
///
/// After each run: no goroutine is left, every stack is back, no M is lost. The body must
/// promise what `gosched::run` demands: no thread-bound value alive across a suspension.
#[track_caller]
pub(crate) fn check(body: impl Fn() + Send + Sync) {
    check_at(&PS, LIMIT, body);
}

/// As [`check`], at these numbers of Ps and with this limit for each.
#[track_caller]
pub(crate) fn check_at(ps: &[usize], limit: Duration, body: impl Fn() + Send + Sync) {
    check_body(ps, limit, &body);
}

/// One copy for all bodies: a copy for each, with the runtime's inside, takes long to compile.
#[track_caller]
fn check_body(ps: &[usize], limit: Duration, body: &(dyn Fn() + Send + Sync)) {
    check_body_outside(ps, limit, &|| {
        // SAFETY: promised by the writer of the test, see `check`.
        let ended = catch_unwind(AssertUnwindSafe(|| unsafe { gosched::run(body) }));
        if let Err(payload) = ended {
            // The harness shows what this thread prints, and no other.
            for panic in PANICS.lock().unwrap().iter() {
                eprintln!("{panic}");
            }
            resume_unwind(payload);
        }
    });
}

/// As [`check`], but `body` runs on the test's own thread and enters the runtime itself.
#[track_caller]
pub(crate) fn check_outside(body: impl Fn()) {
    check_outside_at(&PS, LIMIT, body);
}

/// As [`check_outside`], at these numbers of Ps and with this limit for each.
#[track_caller]
pub(crate) fn check_outside_at(ps: &[usize], limit: Duration, body: impl Fn()) {
    check_body_outside(ps, limit, &body);
}

#[track_caller]
fn check_body_outside(ps: &[usize], limit: Duration, body: &dyn Fn()) {
    let place = Location::caller();
    // A test that failed before this one has told its story.
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: nothing in there.
    unsafe { gosched::run(|| ()) };
    KEEP_PANICS.call_once(keep_panics);
    PANICS.lock().unwrap().clear();
    let before = gosched::gomaxprocs(0);
    for &n in ps {
        let what = format!("the test at {place}, {n} Ps");
        let _dog = Watchdog::new(&what, limit, dump);
        gosched::gomaxprocs(n);
        let start = gosched::metrics();
        body();
        all_back(&what, &start);
    }
    gosched::gomaxprocs(before);
}

/// What goroutines said when they panicked: most of that is what tests want, and only noise.
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());
static KEEP_PANICS: Once = Once::new();

fn keep_panics() {
    let before = take_hook();
    set_hook(Box::new(move |info| {
        if !thread_name().starts_with("gosched-m") {
            return before(info);
        }
        let trace = std::backtrace::Backtrace::capture();
        let text = format!(
            "goroutine {:?}: {info}\n{trace}",
            gosched::thread::current()
        );
        let mut panics = PANICS.lock().unwrap();
        if panics.len() == 10 {
            panics.remove(0);
        }
        panics.push(text);
    }));
}

/// The calling thread's, as the kernel has it: std knows nothing of the runtime's threads.
fn thread_name() -> String {
    let mut name = [0u8; 16];
    // SAFETY: 16 bytes of ours, which is what it asks for.
    let ok = unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    assert_eq!(ok, 0);
    let bytes = name.into_iter().take_while(|byte| *byte != 0);
    String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned()
}

/// What the watchdog shows.
fn dump() {
    // Past the harness, which would keep it.
    let _ = writeln!(std::io::stderr(), "{:?}", gosched::metrics());
    // What hangs is often what waits for one that panicked. Whoever holds the lock will not be waited for.
    for panic in PANICS.try_lock().as_deref().into_iter().flatten() {
        let _ = writeln!(std::io::stderr(), "{panic}");
    }
    gosched::dump();
}

/// A goroutine that has just ended may still be on its way into the free list: wait for it.
#[track_caller]
fn all_back(what: &str, start: &gosched::Metrics) {
    wait_for(&format!("{what}: goroutines left behind"), || {
        gosched::metrics().goroutines <= start.goroutines
    });
    wait_for(&format!("{what}: stacks not given back"), || {
        gosched::metrics().stacks_live <= start.stacks_live
    });
    wait_for(
        &format!("{what}: an M that is neither idle nor gone"),
        || {
            let now = gosched::metrics();
            now.threads == now.threads_idle
        },
    );
    wait_for(&format!("{what}: a P that is not idle"), || {
        let now = gosched::metrics();
        now.idle_procs == now.gomaxprocs
    });
    let now = gosched::metrics();
    assert_eq!(
        now.threads_spinning, 0,
        "{what}: spinning without a P: {now:?}"
    );
    assert_eq!(
        now.global_queue, 0,
        "{what}: work in the global queue: {now:?}"
    );
}

/// Waits for a condition from a plain thread; fails loudly, with a dump, when it does not come.
#[track_caller]
pub(crate) fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        if Instant::now() >= end {
            gosched::dump();
            panic!("{what}: still, after 20 s; {:?}", gosched::metrics());
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Waits for a condition from a goroutine, letting others run; fails loudly as [`wait_for`].
#[track_caller]
pub(crate) fn yield_until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < end, "{what}: still not, after 20 s");
        gosched::thread::yield_now();
    }
}

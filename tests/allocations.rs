//! How often things ask for memory: Go's ceilings for contexts, and selects that leave nothing
//! behind. Counted for the whole process, so one test at a time.
#![allow(
    unsafe_code,
    reason = "a global allocator; gosched::run is the unsafe door"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gosched::channel::{bounded, select};
use gosched::context::{background, with_cancel, with_timeout, with_value};
use gosched::thread::{spawn, yield_now};

/// The system's, with a count.
struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static LIVE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Relaxed);
        LIVE.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs `body` as the main goroutine at one P.
fn alone(body: impl FnOnce() + Send) {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: nothing in these bodies is tied to a thread.
    unsafe { gosched::Builder::new().procs(1).run(body) };
}

/// Allocations of one call of `f`: of a hundred the mean, once it is warm.
fn count(f: impl Fn()) -> usize {
    (0..10).for_each(|_| f());
    let before = CALLS.load(Relaxed);
    (0..100).for_each(|_| f());
    (CALLS.load(Relaxed) - before) / 100
}

/// Go: TestAllocs, with its limits.
#[test]
fn contexts_allocate_no_more_than_gos() {
    alone(|| {
        let root = background();
        let rows: [(&str, usize, &dyn Fn()); 5] = [
            ("background", 0, &|| drop(background())),
            ("with_value", 3, &|| {
                let ctx = with_value(&root, "key", 1);
                assert_eq!(ctx.value(&"key"), Some(&1));
            }),
            ("with_cancel", 5, &|| {
                let (ctx, cancel) = with_cancel(&root);
                cancel.cancel();
                assert!(ctx.done().recv().is_err());
            }),
            ("with_timeout, expired", 12, &|| {
                let (ctx, _cancel) = with_timeout(&root, Duration::from_millis(1));
                assert!(ctx.done().recv().is_err());
            }),
            ("with_timeout, cancelled", 8, &|| {
                let (ctx, cancel) = with_timeout(&root, Duration::from_secs(5));
                cancel.cancel();
                assert!(ctx.done().recv().is_err());
            }),
        ];
        for (what, limit, f) in rows {
            let n = count(f);
            println!("{what}: {n}, Go's limit {limit}");
            assert!(n <= limit, "{what}: {n} allocations, Go's limit is {limit}");
        }
    });
}

/// Go: test/chan/select2.go. A select that was chosen through one channel leaves nothing in the
/// other's queue.
#[test]
fn selects_leave_no_memory_behind() {
    const N: usize = 100_000;
    alone(|| {
        let ((left, a), (right, b)) = (bounded::<usize>(0), bounded::<usize>(0));
        let receiver = spawn(move || {
            let mut sum = 0;
            for _ in 0..2 * N {
                select! {
                    recv(a) -> n => sum += n.unwrap(),
                    recv(b) -> n => sum += n.unwrap(),
                }
            }
            sum
        });
        let pass = || {
            for i in 0..N {
                let to = if i % 3 == 0 { &left } else { &right };
                to.send(i).unwrap();
            }
            yield_now();
        };
        pass();
        let (live, calls) = (LIVE.load(Relaxed), CALLS.load(Relaxed));
        pass();
        let more = LIVE.load(Relaxed).saturating_sub(live);
        let calls = CALLS.load(Relaxed) - calls;
        assert_eq!(receiver.join().unwrap(), N * (N - 1));
        assert!(more <= 110_000, "{more} bytes more after the second pass");
        assert!(calls < 100, "{calls} allocations in {N} selects");
    });
}

/// A goroutine whose handle is only joined, and that does not ask who it is, costs its result's place
/// and nothing else.
#[test]
fn a_spawn_allocates_once() {
    alone(|| {
        assert_eq!(count(|| spawn(|| ()).join().unwrap()), 1);
        assert_eq!(count(|| spawn(yield_now).join().unwrap()), 1);
        let asks = || _ = spawn(|| gosched::thread::current().id()).join().unwrap();
        assert!((2..=3).contains(&count(asks)), "{}", count(asks));
    });
}

//! A suspension that ends on another thread, unless the runtime forbids it.
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64};
use std::time::{Duration, Instant};

pub static MOVED: AtomicU64 = AtomicU64::new(0);
pub static STAYED: AtomicU64 = AtomicU64::new(0);
/// The cases lock themselves to their thread: they suspend, and that is all.
pub static LOCKED: AtomicBool = AtomicBool::new(false);

/// The kernel's id of this thread; not to be cached, unlike anything in a thread-local.
pub fn tid() -> i64 {
    // SAFETY: no preconditions.
    unsafe { libc::syscall(libc::SYS_gettid) }
}

/// A value that nobody has had before.
pub fn next() -> i64 {
    static NEXT: AtomicI64 = AtomicI64::new(1);
    NEXT.fetch_add(1, Relaxed)
}

/// Suspends until the caller has moved to another thread, or was kept on its own.
///
/// A hog takes the caller's thread and wakes the caller from there, so the other thread steals
/// it. The hog goes on until the caller runs, or was seen to be pinned: then the caller needs
/// the thread that the hog has.
#[inline(never)]
pub fn migrate() {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let before = tid();
        let pins = gosched::metrics().tls_pins;
        suspend_behind_hog(pins);
        if LOCKED.load(Relaxed) {
            assert_eq!(tid(), before);
            STAYED.fetch_add(1, Relaxed);
            return;
        }
        if tid() != before {
            MOVED.fetch_add(1, Relaxed);
            return;
        }
        if gosched::metrics().tls_pins != pins {
            STAYED.fetch_add(1, Relaxed);
            return;
        }
        assert!(Instant::now() < end, "neither moved nor pinned in 20 s");
    }
}

#[inline(never)]
fn suspend_behind_hog(pins: u64) {
    let back = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&back);
    let me = gosched::thread::current();
    gosched::go(move || {
        me.unpark();
        let end = Instant::now() + Duration::from_millis(100);
        while !seen.load(Acquire) && gosched::metrics().tls_pins == pins && Instant::now() < end
        {
            std::hint::spin_loop();
        }
    });
    gosched::thread::park();
    back.store(true, Release);
}

//! `lock_os_thread` for goroutines that need a thread of their own, and `blocking` for calls that
//! are known to block.
#![forbid(unsafe_code)]

use crate::core::m::current::this_m;
use crate::core::m::enter::enter;
use crate::ext::placement::locked_thread;
use crate::ext::preempt::handoff::give_up_if_missed;

/// Wires the calling goroutine to its OS thread: until as many calls of [`unlock_os_thread`] it
/// runs on this thread and no other goroutine does, but those that cannot run anywhere else: they
/// were there before, and hold addresses of its thread-locals. For thread-local state of libraries, for
/// thread-wide settings of the kernel. A goroutine that ends locked takes its thread with it, as soon
/// as nobody needs it any more.
///
/// On a plain thread, nothing.
///
/// # Panics
/// After 65,535 nested calls.
///
/// # Examples
/// ```
/// // SAFETY: nothing in the closure is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     gosched::lock_os_thread();
///     let before = std::thread::current().id();
///     gosched::thread::yield_now();
///     assert_eq!(before, std::thread::current().id());
///     gosched::unlock_os_thread();
/// }) };
/// ```
///
/// Go: runtime.LockOSThread
#[track_caller]
pub fn lock_os_thread() {
    locked_thread::lock();
}

/// Undoes one [`lock_os_thread`]. Without one, nothing.
///
/// # Examples
/// See [`lock_os_thread`].
///
/// Go: runtime.UnlockOSThread
pub fn unlock_os_thread() {
    locked_thread::unlock();
}

/// Runs `f`, which is known to block in the kernel: other goroutines that wait get the processor at
/// once. Those that become runnable meanwhile get it within some tens of microseconds. Calls that
/// block without this wrapper are found as well, only later.
///
/// # Examples
/// ```
/// # use std::time::Duration;
/// // SAFETY: nothing in the closure is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     gosched::blocking(|| std::thread::sleep(Duration::from_millis(1)));
/// }) };
/// ```
///
/// Go: proc.go entersyscallblock, exitsyscall
#[doc(alias = "entersyscall")]
pub fn blocking<R>(f: impl FnOnce() -> R) -> R {
    /// Puts back the mark that was there, also when `f` panics: calls nest.
    struct Marked {
        before: bool,
    }
    impl Drop for Marked {
        fn drop(&mut self) {
            mark(self.before);
        }
    }
    give_up_if_missed(&enter());
    // Now, as the way in may have to wait for a P, and would wait with the mark of one in the kernel.
    let _marked = Marked { before: mark(true) };
    // `f` may suspend and come back on another M: the mark is only a hint, and the M that ran
    // us clears it at the switch.
    f()
}

/// What the mark was.
fn mark(blocking: bool) -> bool {
    this_m().is_some_and(|m| {
        let before = m.blocking.get();
        m.blocking.set(blocking);
        before
    })
}

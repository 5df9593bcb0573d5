//! `run` and `Builder::run`, the entry to the runtime. The first call starts the runtime of the
//! process.
//!
//! Go: proc.go main, schedinit.
#![allow(
    unsafe_code,
    reason = "the one unsafe door of the crate; its contract is the caller's"
)]

use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::api::builder::Builder;
use crate::api::thread::goexit::is_goexit;
use crate::api::thread::join::Packet;
use crate::api::thread::last_words;
use crate::api::thread::local::end_locals;
use crate::api::thread::panic;
use crate::core::g::wait_reason::WaitReason;
use crate::core::sched::schedt::SCHED;
use crate::core::sched::spawn::spawn;
use crate::ext::diagnostics::leaks;
use crate::ext::kind::Kind;
use crate::ext::life::{Birth, PlaceOfBirth};
use crate::ext::linux::stderr::BufferedStderr;
use crate::ext::stackalloc::promise::main_class;
use crate::ext::world::resizer;

impl Builder {
    /// Lets goroutines move to another OS thread even when their stacks hold addresses of the
    /// old one's thread-locals.
    ///
    /// # Safety
    /// The compiler may keep the address of a thread-local across a call that may wait; it does
    /// so in ordinary safe code (`docs/thread-locals.md`). No code that runs in a goroutine may
    /// use a thread-local both before and after such a call. This includes libraries and std.
    pub unsafe fn without_tls_guard(mut self) -> Builder {
        self.no_guard = true;
        self
    }

    /// As [`run`], with these settings.
    ///
    /// # Panics
    /// If a setting, `GOMAXPROCS` or `GOSCHED` is wrong; and as [`run`].
    ///
    /// # Safety
    /// As for [`run`].
    #[track_caller]
    pub unsafe fn run<F, R>(self, f: F) -> R
    where
        F: FnOnce() -> R + Send,
        R: Send,
    {
        self.start();
        resizer::install();
        panic::install_hook();
        last_words::wait_at_exit();
        // SAFETY: the caller's promise.
        unsafe { run_main(f) }
    }
}

/// Runs `f` as a goroutine and returns its value. The first call starts the runtime, with Go's
/// defaults; see [`Builder`] for others.
///
/// Goroutines that outlive `f` continue in the background until the process ends: the runtime is
/// never torn down. `run` may be called again, from any thread, also at the same time. When every
/// goroutine is asleep forever while `f` has not returned, the process ends with Go's deadlock
/// report and status 2.
///
/// Last words are not lost: when `f` has returned while a goroutine panics, or while anything
/// else is being reported that ends the process, `run` waits for that, and so does the process's
/// exit (`std::process::exit`, the end of `main`). A panic whose hook prints is given ten seconds,
/// one that unwinds two, one that was caught none.
///
/// The first call sets a panic hook in front of the one that is there: panics of goroutines are
/// printed with the goroutine's number and name, those of plain threads as before. A hook that is
/// set later gets them all; if it does not call the one before it, `run` waits for a panic only
/// from when it has come to its goroutine's root.
///
/// # Panics
/// With the panic of `f`, if it panics.
///
/// # Safety
/// The caller makes a promise for every goroutine of the process, for as long as the process lives:
/// there is one runtime, and after this call `go`, `spawn` and `after_func`, which are safe, start
/// goroutines from every thread.
///
/// When a call of this crate that *may wait* returns, the goroutine may continue on another OS
/// thread: after a receive, a send, a lock, a join, a sleep, a yield and so on, even if the call did
/// not have to wait. `docs/thread-locals.md` lists all calls that may wait, and the calls that do not
/// (`go`, `try_send`, the drop of a sender, `goroutine::id` and so on).
///
/// The promise is that no goroutine keeps any of these across a call that may wait:
///
/// 1. a borrow of a `thread_local!`, that is, a wait inside of `LocalKey::with`;
/// 2. a value that is reached through a thread-local and the heap: an `Rc` cloned out of a
///    thread-local, or a reference into a `Box` that a thread-local holds;
/// 3. a guard of a lock that is bound to its thread, such as `std::io::StdoutLock` or
///    `std::sync::MutexGuard`;
/// 4. a context that a library keeps for each thread, such as the guard of an entered `tracing` span
///    or of a `tokio` runtime's `enter`;
/// 5. changed control bits of the floating-point unit (rounding, exceptions that trap, denormals):
///    other goroutines would compute with them;
/// 6. a `std::thread::scope`, or a wait for a `std::thread::park` of its thread.
///
/// Items 1, 5 and 6 are allowed while the goroutine is locked to its thread
/// ([`lock_os_thread`](crate::lock_os_thread)). Using a thread-local before such a call and again
/// afterwards is fine. `docs/thread-locals.md` explains each item, and what the runtime protects
/// without a promise.
///
/// # Examples
/// ```
/// // SAFETY: nothing in the closure is tied to an OS thread.
/// let answer = unsafe { gosched::run(|| gosched::thread::spawn(|| 42).join().unwrap()) };
/// assert_eq!(answer, 42);
/// ```
///
/// Go: proc.go main
#[track_caller]
pub unsafe fn run<F, R>(f: F) -> R
where
    F: FnOnce() -> R + Send,
    R: Send,
{
    // SAFETY: the caller's promise.
    unsafe { Builder::new().run(f) }
}

/// Spawns `f` and waits for it.
///
/// # Safety
/// As for [`run`].
#[track_caller]
unsafe fn run_main<F, R>(f: F) -> R
where
    F: FnOnce() -> R + Send,
    R: Send,
{
    let packet = Arc::new(Packet::new());
    packet.place.set_name("main".into());
    let result = Arc::clone(&packet);
    let birth = Birth {
        at: Location::caller(),
        class: Some(main_class()),
        kind: Kind::Goroutine,
        // SAFETY: it is in the packet, which this frame keeps, and the body drops last.
        place: Some(unsafe { PlaceOfBirth::new(&packet.place) }),
    };
    let body = move || {
        let ended = catch_unwind(AssertUnwindSafe(f));
        end_locals();
        // After `goexit` main never returns: the caller waits on, and so the others go on.
        if !ended.as_ref().is_err_and(|payload| is_goexit(&**payload)) {
            result.finish(ended);
        } else {
            std::mem::forget(result);
        }
    };
    SCHED.mains.fetch_add(1, Relaxed);
    // SAFETY: this frame waits for the end of `body`, so what F borrows outlives it; the body
    // catches its own panics.
    if let Err(e) = unsafe { spawn(birth, body) } {
        SCHED.mains.fetch_sub(1, Relaxed);
        panic!("failed to spawn the main goroutine: {e}");
    }
    packet.wait(WaitReason::Run, 0);
    SCHED.mains.fetch_sub(1, Relaxed);
    last_words::wait();
    if leaks::wanted() {
        let _ = leaks::report(&mut BufferedStderr::new());
    }
    packet
        .take()
        .unwrap_or_else(|payload| resume_unwind(payload))
}

//! The door: `run` and its `Builder`. The first call starts the runtime of the process.
//!
//! Go: proc.go main, schedinit.
#![allow(
    unsafe_code,
    reason = "the one unsafe door of the crate; its contract is the caller's"
)]

use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crate::api::thread::goexit::is_goexit;
use crate::api::thread::join::Packet;
use crate::api::thread::last_words;
use crate::api::thread::local::end_locals;
use crate::api::thread::panic;
use crate::core::g::goroutine::Kind;
use crate::core::g::identity::Identity;
use crate::core::g::wait_reason::WaitReason;
use crate::core::hooks;
use crate::core::p::processor::MAX_PS;
use crate::core::sched::schedt::SCHED;
use crate::core::sched::schedule::m_start;
use crate::core::sched::spawn::{Birth, spawn};
use crate::core::sched::start::{self, Settings};
use crate::core::stackalloc::Class;
use crate::core::stackalloc::class_for;
use crate::ext::growth::overflow::Ending;
use crate::ext::settings::config;
use crate::ext::world::resizer;

/// What becomes of the process when a goroutine started by [`go`](crate::go) panics and nobody
/// catches it.
///
/// # Examples
/// ```
/// use gosched::{Builder, UncaughtPanic};
///
/// let builder = Builder::new().uncaught_panic(UncaughtPanic::Print);
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { builder.run(|| {
///     gosched::go(|| panic!("printed, and that is all"));
///     gosched::thread::yield_now();
/// }) };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum UncaughtPanic {
    /// Go's way: the message, the goroutine, exit status 2.
    #[default]
    Exit,
    /// std's way: the message is printed, the others go on.
    Print,
}

/// The stack of `run`'s goroutine unless a size was asked for: a main thread's, on Linux.
const MAIN_STACK: usize = 8 << 20;

/// What becomes of the process after a stack overflow was reported.
///
/// # Examples
/// See [`Builder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnOverflow {
    /// Exit status 2, as Go.
    #[default]
    Exit,
    /// SIGABRT, for a core dump.
    Abort,
}

/// Settings of the runtime. They count when they come with the first `run` of the process; a
/// later one enters the runtime as it is. [All settings](crate#settings) are in one table, with the
/// variables `GOMAXPROCS` and `GOSCHED`.
///
/// # Examples
/// ```
/// let builder = gosched::Builder::new().procs(2).stack_size(128 << 10);
/// // SAFETY: nothing in the closure is tied to an OS thread.
/// let n = unsafe { builder.run(|| gosched::num_goroutine()) };
/// assert_eq!(n, 1);
/// ```
#[derive(Debug, Default, Clone)]
pub struct Builder {
    procs: Option<usize>,
    stack_size: Option<usize>,
    max_threads: Option<u32>,
    async_preempt: Option<bool>,
    uncaught: UncaughtPanic,
    on_overflow: OnOverflow,
    no_guard: bool,
}

impl Builder {
    /// Go's defaults.
    ///
    /// # Examples
    /// See [`Builder`].
    pub fn new() -> Builder {
        Builder::default()
    }

    /// How many Ps to start with: how many goroutines run at the same time. Overrides the
    /// variable `GOMAXPROCS`; the default is the number of CPUs that the process may use, and
    /// follows it ([`gomaxprocs`](crate::gomaxprocs)).
    ///
    /// # Examples
    /// See [`Builder`].
    pub fn procs(mut self, n: usize) -> Builder {
        self.procs = Some(n);
        self
    }

    /// The most stack that a goroutine may use unless it is given its own limit, in bytes;
    /// rounded up to a power of two from 64 KiB to 1 GiB. The default is 256 KiB, and 8 MiB for
    /// the goroutine of [`run`] itself, as for a program's main thread.
    ///
    /// # Examples
    /// See [`Builder`].
    pub fn stack_size(mut self, bytes: usize) -> Builder {
        self.stack_size = Some(bytes);
        self
    }

    /// The most OS threads that run goroutines; more are a fatal error. The default is 10,000;
    /// there cannot be more than 32,768.
    ///
    /// # Examples
    /// See [`Builder`].
    ///
    /// Go: debug.SetMaxThreads
    pub fn max_threads(mut self, n: u32) -> Builder {
        self.max_threads = Some(n);
        self
    }

    /// Whether a goroutine that runs for more than 10 ms while others wait is stopped in the
    /// middle (`docs/preemption.md`). On by default; a [key of `GOSCHED`](crate#keys-of-gosched) turns
    /// it off.
    ///
    /// # Examples
    /// See [`Builder`].
    pub fn async_preempt(mut self, on: bool) -> Builder {
        self.async_preempt = Some(on);
        self
    }

    /// What an uncaught panic in a detached goroutine does.
    ///
    /// # Examples
    /// See [`UncaughtPanic`].
    pub fn uncaught_panic(mut self, what: UncaughtPanic) -> Builder {
        self.uncaught = what;
        self
    }

    /// What happens after a stack overflow was reported.
    ///
    /// # Examples
    /// See [`Builder`].
    pub fn on_overflow(mut self, what: OnOverflow) -> Builder {
        self.on_overflow = what;
        self
    }

    /// Lets goroutines move to another OS thread even when their stacks hold addresses of the
    /// old one's thread-locals.
    ///
    /// # Safety
    /// The compiler may keep the address of a thread-local across a call that suspends; it does
    /// so in ordinary safe code (`docs/thread-locals.md`). Nothing that runs in a goroutine may
    /// use a thread-local both before and after a suspension: not its own code, no library, not
    /// std.
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
        let settings = || {
            let settings = self.settings();
            panic::set_go_on(self.uncaught == UncaughtPanic::Print);
            settings
        };
        start::start(settings, m_start);
        resizer::install();
        panic::install_hook();
        last_words::wait_at_exit();
        // SAFETY: the caller's promise.
        unsafe { run_main(f) }
    }

    #[track_caller]
    fn settings(&self) -> Settings {
        let debug = config::debug(std::env::var_os("GOSCHED"));
        let debug = debug.unwrap_or_else(|e| panic!("{e}"));
        let procs = match self.procs {
            Some(n) if (1..=MAX_PS).contains(&n) => Some(n as u32),
            Some(n) => panic!("Builder::procs({n}): want a number from 1 to {MAX_PS}"),
            None => {
                config::procs(std::env::var_os("GOMAXPROCS")).unwrap_or_else(|e| panic!("{e}"))
            }
        };
        let class_of =
            |bytes| class_for(bytes).unwrap_or_else(|e| panic!("Builder::stack_size: {e}"));
        let (class, main_class) = match self.stack_size {
            Some(bytes) => (class_of(bytes), class_of(bytes)),
            None => (Class::DEFAULT, class_of(MAIN_STACK)),
        };
        let overflow_ending = match self.on_overflow {
            OnOverflow::Exit => Ending::Exit,
            OnOverflow::Abort => Ending::Abort,
        };
        Settings {
            procs,
            class,
            main_class,
            max_threads: self.max_threads.unwrap_or(10_000),
            extras: hooks::Settings {
                async_preempt: self.async_preempt.unwrap_or(!debug.async_preempt_off),
                debug,
                overflow_ending,
                tls_guard: !self.no_guard,
            },
        }
    }
}

/// Runs `f` as a goroutine and returns its value. The first call starts the runtime, with Go's
/// defaults; see [`Builder`] for others.
///
/// Goroutines that outlive `f` go on in the background until the process ends: the runtime is
/// never torn down. `run` may be called again, from any thread, also at the same time. When
/// every goroutine is asleep for ever while `f` has not returned, the process ends with Go's
/// deadlock report and status 2.
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
/// The promise is for every goroutine of the process, whoever starts it, for as long as the process
/// lives: there is one runtime, and once this was called, `go`, `spawn` and `after_func`, which are
/// safe, start goroutines from every thread.
///
/// A goroutine may go on on another OS thread when a call of this crate that may wait returns: a
/// receive, a send, a lock, a join, a sleep, a yield and so on, whether it had to wait or not.
/// `docs/thread-locals.md` has the list of those, and that of the calls that do not wait (`go`,
/// `try_send`, the drop of a sender, `goroutine::id` and so on): they return on their thread, and
/// no other goroutine runs there meanwhile.
///
/// No goroutine may keep alive, across a call that may wait, a value that is tied to an OS thread:
/// a borrow of a `thread_local!` (inside of `LocalKey::with`), an `Rc` cloned out of one, a
/// reference into a box that one holds, a guard of a lock that knows its thread (such as
/// `std::io::StdoutLock` or `std::sync::MutexGuard`). Using a thread-local before such a call and
/// again afterwards is fine. `docs/thread-locals.md` explains what goes wrong and what the runtime
/// takes care of.
///
/// Nor may it leave changed control bits of the floating-point unit (rounding, exceptions that trap,
/// denormals) behind at a suspension, unless it is locked to its thread: others compute with them.
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
    let result = Arc::clone(&packet);
    let birth = Birth {
        at: Location::caller(),
        class: Some(start::main_class()),
        kind: Kind::Goroutine,
        identity: Some(Arc::new(Identity::new(0, Some("main".into())))),
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
    packet.wait(WaitReason::Run);
    SCHED.mains.fetch_sub(1, Relaxed);
    last_words::wait();
    packet
        .take()
        .unwrap_or_else(|payload| resume_unwind(payload))
}

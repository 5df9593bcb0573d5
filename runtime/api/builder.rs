//! `Builder`: the settings of the runtime. The first start of the runtime decides them.
//!
//! Go: proc.go schedinit; GOMAXPROCS, debug.SetMaxThreads.
#![forbid(unsafe_code)]

use std::fmt::Write;
use std::panic::Location;
use std::sync::{Once, OnceLock};

use crate::api::thread::panic;
use crate::core::p::processor::MAX_PS;
use crate::core::sched::schedt::SCHED;
use crate::core::sched::start;
use crate::ext::growth::overflow::Ending;
use crate::ext::hooks::Settings;
use crate::ext::linux::stderr::BufferedStderr;
use crate::ext::settings::config;
use crate::ext::stackalloc::Class;
use crate::ext::stackalloc::class_for;

/// What happens to the process when a goroutine started by [`go`](crate::go) panics and nobody
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
#[non_exhaustive]
pub enum UncaughtPanic {
    /// Go's way: the message, the goroutine, exit status 2.
    #[default]
    Exit,
    /// std's way: the message is printed, and the others continue.
    Print,
}

/// The stack of `run`'s goroutine unless a size was asked for: a main thread's, on Linux.
const MAIN_STACK: usize = 8 << 20;

/// What becomes of the process after a stack overflow was reported.
///
/// # Examples
/// See [`Builder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnOverflow {
    /// Exit status 2, as Go.
    #[default]
    Exit,
    /// SIGABRT, for a core dump.
    Abort,
}

/// Settings of the runtime. They count when they come with the first `run` of the process; a
/// later one enters the runtime as it is. If that one asks for something that the first did not
/// ask for, a line on standard error says so, once in a process: which settings, and the lines of
/// both calls. The number of Ps can be changed later, by [`gomaxprocs`](crate::gomaxprocs).
/// [All settings](crate#settings) are in one table, with the variables `GOMAXPROCS` and `GOSCHED`.
///
/// # Examples
/// ```
/// let builder = gosched::Builder::new().procs(2).stack_size(128 << 10);
/// // SAFETY: nothing in the closure is tied to an OS thread.
/// let n = unsafe { builder.run(|| gosched::num_goroutine()) };
/// assert_eq!(n, 1);
/// ```
#[derive(Debug, Default, Clone)]
#[must_use = "does nothing until `run`"]
pub struct Builder {
    procs: Option<usize>,
    stack_size: Option<usize>,
    max_threads: Option<u32>,
    async_preempt: Option<bool>,
    uncaught: Option<UncaughtPanic>,
    on_overflow: Option<OnOverflow>,
    leaks: Option<bool>,
    pub(crate) no_guard: bool,
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
    #[doc(alias = "GOMAXPROCS")]
    pub fn procs(mut self, n: usize) -> Builder {
        self.procs = Some(n);
        self
    }

    /// The most stack that a goroutine may use unless it is given its own limit, in bytes;
    /// rounded up to a power of two from 64 KiB to 1 GiB. The default is 256 KiB, and 8 MiB for
    /// the goroutine of [`run`](crate::run) itself, as for a program's main thread.
    ///
    /// # Examples
    /// See [`Builder`].
    #[doc(alias = "SetMaxStack")]
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
    #[doc(alias = "SetMaxThreads")]
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
    #[doc(alias = "asyncpreemptoff")]
    pub fn async_preempt(mut self, on: bool) -> Builder {
        self.async_preempt = Some(on);
        self
    }

    /// What an uncaught panic in a detached goroutine does.
    ///
    /// # Examples
    /// See [`UncaughtPanic`].
    pub fn uncaught_panic(mut self, what: UncaughtPanic) -> Builder {
        self.uncaught = Some(what);
        self
    }

    /// What happens after a stack overflow was reported.
    ///
    /// # Examples
    /// See [`Builder`].
    pub fn on_overflow(mut self, what: OnOverflow) -> Builder {
        self.on_overflow = Some(what);
        self
    }

    /// Whether the goroutines that are still blocked when [`run`](crate::run) returns are listed on
    /// standard error: why each one waits, where it stands, where it was started; those that are
    /// alike once. Goroutines that sleep, or run, are not listed. Off by default; a [key of
    /// `GOSCHED`](crate#keys-of-gosched) turns it on.
    ///
    /// # Examples
    /// ```
    /// let builder = gosched::Builder::new().report_leaks(true);
    /// // SAFETY: nothing in the closure is tied to an OS thread.
    /// unsafe { builder.run(|| {
    ///     let (to, from) = gosched::channel::bounded::<u32>(0);
    ///     gosched::go(move || { let _ = from.recv(); });
    ///     gosched::thread::yield_now();
    ///     std::mem::forget(to); // nobody sends, and nobody closes: it waits for ever
    /// }) };
    /// ```
    ///
    /// Go: runtime/pprof's profile goroutineleak
    #[doc(alias = "goroutineleak")]
    pub fn report_leaks(mut self, on: bool) -> Builder {
        self.leaks = Some(on);
        self
    }

    /// What is asked for here and was not there.
    fn beyond(&self, first: &Builder) -> Vec<&'static str> {
        fn other<T: PartialEq>(mine: &Option<T>, first: &Option<T>) -> bool {
            mine.is_some() && mine != first
        }
        let all = [
            ("procs", other(&self.procs, &first.procs)),
            ("stack_size", other(&self.stack_size, &first.stack_size)),
            ("max_threads", other(&self.max_threads, &first.max_threads)),
            (
                "async_preempt",
                other(&self.async_preempt, &first.async_preempt),
            ),
            ("uncaught_panic", other(&self.uncaught, &first.uncaught)),
            ("on_overflow", other(&self.on_overflow, &first.on_overflow)),
            ("report_leaks", other(&self.leaks, &first.leaks)),
            ("without_tls_guard", self.no_guard && !first.no_guard),
        ];
        let ignored = all.into_iter().filter(|(_, ignored)| *ignored);
        ignored.map(|(name, _)| name).collect()
    }

    /// Starts the runtime with these settings, or says that it runs with others.
    #[track_caller]
    pub(crate) fn start(&self) {
        let mine = First {
            builder: self.clone(),
            at: Location::caller(),
        };
        if !SCHED.is_started() {
            // Here, not below the lock that decides who is the first: panics name the caller's line.
            let settings = match self.settings() {
                Ok(settings) => settings,
                Err(words) => panic!("{words}"),
            };
            let before = || {
                panic::set_go_on(self.uncaught == Some(UncaughtPanic::Print));
                let _ = FIRST.set(mine.clone());
            };
            if let Err(e) = start::start(&settings, before) {
                panic!("{e}");
            }
        }
        if let Some(first) = FIRST.get() {
            mine.say_what_is_ignored(first);
        }
    }

    fn settings(&self) -> Result<Settings, String> {
        let debug = config::debug(std::env::var_os("GOSCHED"))?;
        let procs = match self.procs {
            Some(n) if (1..=MAX_PS).contains(&n) => Some(n as u32),
            Some(n) => {
                return Err(format!(
                    "Builder::procs({n}): want a number from 1 to {MAX_PS}"
                ));
            }
            None => config::procs(std::env::var_os("GOMAXPROCS"))?,
        };
        let class_of =
            |bytes| class_for(bytes).map_err(|e| format!("Builder::stack_size: {e}"));
        let (class, main_class) = match self.stack_size {
            Some(bytes) => (class_of(bytes)?, class_of(bytes)?),
            None => (Class::DEFAULT, class_of(MAIN_STACK)?),
        };
        let overflow_ending = match self.on_overflow {
            None | Some(OnOverflow::Exit) => Ending::Exit,
            Some(OnOverflow::Abort) => Ending::Abort,
        };
        Ok(Settings {
            procs,
            class,
            main_class,
            max_threads: self.max_threads.unwrap_or(10_000),
            async_preempt: self.async_preempt.unwrap_or(!debug.async_preempt_off),
            debug,
            overflow_ending,
            leaks: self.leaks.unwrap_or(debug.leaks),
            tls_guard: !self.no_guard,
        })
    }
}

/// The settings that are in effect, and the place that set them.
static FIRST: OnceLock<First> = OnceLock::new();

#[derive(Clone)]
struct First {
    builder: Builder,
    at: &'static Location<'static>,
}

impl First {
    /// One line on stderr, once in a process, when a later `run` asks for something that the
    /// first one has not asked for: it cannot have it.
    fn say_what_is_ignored(&self, first: &First) {
        static SAID: Once = Once::new();
        let ignored = self.builder.beyond(&first.builder);
        if ignored.is_empty() {
            return;
        }
        SAID.call_once(|| {
            let mut out = BufferedStderr::new();
            let _ = writeln!(
                out,
                "gosched: `run` at {} asks for {}, but the runtime has been started before, at {}: \
                 only the settings of the first `run` count",
                self.at,
                ignored.join(", "),
                first.at
            );
        });
    }
}

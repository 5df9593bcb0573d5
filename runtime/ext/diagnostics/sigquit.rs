//! SIGQUIT (`Ctrl-\`): prints every goroutine to standard error, then ends the process with
//! status 2.
//!
//! The handler runs on any thread at any moment, so it only notes the request and wakes the
//! spawner, a thread that no goroutine can block. The spawner writes the report. A second SIGQUIT
//! before the report has begun ends the process by the signal's default action. If the program
//! handles or ignores SIGQUIT itself when the runtime starts, the runtime does not install its
//! handler.
//!
//! Go: signal_unix.go sighandler (sigThrow, dieFromSignal).
#![allow(unsafe_code, reason = "a signal handler")]

use std::ffi::c_void;
use std::fmt::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, AtomicUsize};

use crate::core::m::current::this_m;
use crate::core::sys::fatal::{BufferedStderr, announce_death, begin_death, exit_now};
use crate::ext::diagnostics::dump::{Caller, dump_all};
use crate::ext::linux::signal::{Chain, Errno, with_errno_kept};
use crate::ext::linux::ucontext;

static QUIT: Chain = Chain::new(libc::SIGQUIT);
static ASKED: AtomicBool = AtomicBool::new(false);
static READY: AtomicBool = AtomicBool::new(false);
static WAKE: OnceLock<fn()> = OnceLock::new();

/// Where it came in: the program counter, the M's id (none: the largest), the kernel's code.
static PC: AtomicUsize = AtomicUsize::new(0);
static M_ID: AtomicU64 = AtomicU64::new(u64::MAX);
static CODE: AtomicI32 = AtomicI32::new(0);

/// Installs the handler, unless the program handles or ignores the signal itself. `wake` gets the
/// spawner to call [`answer`].
pub(crate) fn install(wake: fn()) -> Result<(), Errno> {
    WAKE.get_or_init(|| wake);
    // SAFETY: the handler only stores to atomics and wakes a futex.
    unsafe { QUIT.install_if_default(on_quit, libc::SA_RESTART) }
}

extern "C" fn on_quit(_: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    with_errno_kept(|| {
        if ASKED.swap(true, Relaxed) {
            // SAFETY: the kernel's own arguments, passed on as they are.
            unsafe { QUIT.pass_on(info, context) };
            return;
        }
        announce_death(); // main waits from here on, should it return
        // SAFETY: the kernel's own argument.
        PC.store(unsafe { ucontext::program_counter(context) }, Relaxed);
        // SAFETY: the kernel's own argument.
        CODE.store(unsafe { (*info).si_code }, Relaxed);
        if let Some(m) = this_m() {
            M_ID.store(u64::from(m.id), Relaxed);
        }
        READY.store(true, Release); // pairs(quit): answer's Acquire
        if let Some(wake) = WAKE.get() {
            wake();
        }
    });
}

/// Called by the spawner whenever it is woken. If a report was requested, this does not return.
pub(crate) fn answer() {
    // Acquire pairs(quit): on_quit's Release.
    if !READY.load(Acquire) {
        return;
    }
    begin_death();
    let mut out = BufferedStderr::new();
    let _ = writeln!(out, "SIGQUIT: quit");
    let (pc, code) = (PC.load(Relaxed), CODE.load(Relaxed));
    let _ = match M_ID.load(Relaxed) {
        u64::MAX => writeln!(out, "PC={pc:#x} m=nil sigcode={code}"),
        m => writeln!(out, "PC={pc:#x} m={m} sigcode={code}"),
    };
    dump_all(&mut out, Caller::Urgent);
    drop(out);
    exit_now(2)
}

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
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize};

use crate::core::base::m_id::AtomicMId;
use crate::core::m::current::this_m;
use crate::core::sys::fatal::{begin_death, die};
use crate::ext::diagnostics::dump::Caller;
use crate::ext::diagnostics::last_look::tell_all;
use crate::ext::linux::dying::announce_death;
use crate::ext::linux::signal::{Chain, Errno, with_errno_kept};
use crate::ext::linux::stderr::BufferedStderr;
use crate::ext::linux::ucontext;

/// What the handler leaves for the spawner.
struct Request {
    previous: Chain,
    asked: AtomicBool,
    ready: AtomicBool,
    wake: OnceLock<fn()>,
    /// Where it came in: the program counter, the M, the kernel's code.
    pc: AtomicUsize,
    m: AtomicMId,
    code: AtomicI32,
}

static REQUEST: Request = Request {
    previous: Chain::new(libc::SIGQUIT),
    asked: AtomicBool::new(false),
    ready: AtomicBool::new(false),
    wake: OnceLock::new(),
    pc: AtomicUsize::new(0),
    m: AtomicMId::none(),
    code: AtomicI32::new(0),
};

/// Installs the handler, unless the program handles or ignores the signal itself. `wake` gets the
/// spawner to call [`answer`].
pub(crate) fn install(wake: fn()) -> Result<(), Errno> {
    REQUEST.wake.get_or_init(|| wake);
    // SAFETY: the handler only stores to atomics and wakes a futex.
    unsafe {
        REQUEST
            .previous
            .install_if_default(on_quit, libc::SA_RESTART)
    }
}

extern "C" fn on_quit(_: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    with_errno_kept(|| {
        if REQUEST.asked.swap(true, Relaxed) {
            // SAFETY: the kernel's own arguments, passed on as they are.
            unsafe { REQUEST.previous.pass_on(info, context) };
            return;
        }
        announce_death(); // main waits from here on, should it return
        // SAFETY: the kernel's own argument.
        REQUEST
            .pc
            .store(unsafe { ucontext::program_counter(context) }, Relaxed);
        // SAFETY: the kernel's own argument.
        REQUEST.code.store(unsafe { (*info).si_code }, Relaxed);
        if let Some(m) = this_m() {
            REQUEST.m.set(Some(m.id));
        }
        REQUEST.ready.store(true, Release); // pairs(quit): answer's Acquire
        if let Some(wake) = REQUEST.wake.get() {
            wake();
        }
    });
}

/// Called by the spawner whenever it is woken. If a report was requested, this does not return.
pub(crate) fn answer() {
    // Acquire pairs(quit): on_quit's Release.
    if !REQUEST.ready.load(Acquire) {
        return;
    }
    begin_death();
    let mut out = BufferedStderr::new();
    let _ = writeln!(out, "SIGQUIT: quit");
    let (pc, code) = (REQUEST.pc.load(Relaxed), REQUEST.code.load(Relaxed));
    let _ = match REQUEST.m.get() {
        None => writeln!(out, "PC={pc:#x} m=nil sigcode={code}"),
        Some(m) => writeln!(out, "PC={pc:#x} m={m} sigcode={code}"),
    };
    tell_all(0, &mut out, Caller::Urgent);
    drop(out);
    die()
}

//! Signals: install a handler, keep the one that was there, pass on what is not ours.
//!
//! std has its own handlers for SIGSEGV and SIGBUS (they name a thread whose stack has
//! overflowed), and a crash reporter installs others. Our handlers run before them, and
//! [`Chain::pass_on`] behaves as if ours were not there.
//!
//! Every handler runs on a signal stack (`SA_ONSTACK`): an interrupted goroutine may have no room
//! for the kernel's frame (3.4 KiB with AVX-512), and one that overflowed has none. std's signal
//! stack has 8 KiB, and that frame takes half of it. So a handler must pass on a signal that is
//! not ours before it uses much stack. Our signal stacks have [`alt_stack_bytes`].
//!
//! Go: os_linux.go setsig, sigfwd; signal_unix.go sigfwdgo, minitSignalStack.
#![allow(unsafe_code, reason = "sigaction(2), sigaltstack(2)")]

use std::cell::UnsafeCell;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Acquire, Release};

pub(crate) use crate::ext::linux::memory::Errno;
use crate::ext::linux::memory::{self as mem, Span};

/// What `sigaction` calls: the number, what happened, the interrupted registers.
pub(crate) type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut c_void);

type PlainHandler = extern "C" fn(libc::c_int);

/// What our handlers need, and those of the user's that interrupt them or are interrupted.
const HANDLERS: usize = 48 << 10;
/// So many handlers may interrupt each other: the kernel saves all registers for each.
const NESTED: usize = 4;

/// The size of a thread's signal stack. The kernel's part of it depends on the CPU: 3.4 KiB with
/// AVX-512, 11 KiB with AMX.
pub(crate) fn alt_stack_bytes() -> usize {
    // SAFETY: asks for a number that the kernel gave at the start; 0 where it does not say.
    let frame = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) } as usize;
    mem::page_up((HANDLERS + NESTED * frame).max(64 << 10))
}

/// A signal that we handle, and what would have happened to it without us.
#[derive(Debug)]
pub(crate) struct Chain {
    signo: libc::c_int,
    claimed: AtomicBool,
    ready: AtomicBool,
    previous: UnsafeCell<MaybeUninit<libc::sigaction>>,
}

// SAFETY: `previous` is written once, by the thread that won `claimed`, before `ready`; it is
// only read after `ready`.
unsafe impl Sync for Chain {}

impl Chain {
    pub(crate) const fn new(signo: libc::c_int) -> Chain {
        Chain {
            signo,
            claimed: AtomicBool::new(false),
            ready: AtomicBool::new(false),
            previous: UnsafeCell::new(MaybeUninit::uninit()),
        }
    }

    /// Puts `handler` in front of what is there; once, later calls do nothing. `SA_SIGINFO`
    /// and `SA_ONSTACK` are implied. No signals are blocked inside but the signal itself.
    ///
    /// # Safety
    /// `handler` does only what a signal handler may do, and can run on any thread.
    pub(crate) unsafe fn install(
        &'static self,
        handler: Handler,
        flags: libc::c_int,
    ) -> Result<(), Errno> {
        // AcqRel-free: losers do nothing that depends on the winner.
        if self
            .claimed
            .swap(true, std::sync::atomic::Ordering::Relaxed)
        {
            return Ok(());
        }
        let mut old = MaybeUninit::<libc::sigaction>::zeroed();
        // Read first, so that our handler never runs without it.
        // SAFETY: asks only; `old` is a place for the answer.
        let asked = unsafe { libc::sigaction(self.signo, std::ptr::null(), old.as_mut_ptr()) };
        if asked != 0 {
            return Err(errno());
        }
        // SAFETY: we won `claimed`, and nobody reads before `ready`.
        unsafe { *self.previous.get() = old };
        // Release pairs(chain): Acquire in previous.
        self.ready.store(true, Release);
        let mut action = plain_action(handler as *const () as usize);
        action.sa_flags = flags | libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: a valid action; the handler is fit for it by the caller's promise.
        let set =
            unsafe { libc::sigaction(self.signo, &raw const action, std::ptr::null_mut()) };
        if set == 0 { Ok(()) } else { Err(errno()) }
    }

    /// As [`Chain::install`], if the signal has its default action.
    ///
    /// # Safety
    /// As [`Chain::install`].
    pub(crate) unsafe fn install_if_default(
        &'static self,
        handler: Handler,
        flags: libc::c_int,
    ) -> Result<(), Errno> {
        let mut now = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: asks only; `now` is a place for the answer.
        let asked = unsafe { libc::sigaction(self.signo, std::ptr::null(), now.as_mut_ptr()) };
        if asked != 0 {
            return Err(errno());
        }
        // SAFETY: filled in by the kernel; all zeros were valid as well.
        if unsafe { now.assume_init() }.sa_sigaction != libc::SIG_DFL {
            return Ok(());
        }
        // SAFETY: the caller's promise.
        unsafe { self.install(handler, flags) }
    }

    /// Is `handler` what the kernel calls now?
    pub(crate) fn is_in_place(&self, handler: Handler) -> bool {
        let mut now = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: asks only; `now` is a place for the answer.
        let asked = unsafe { libc::sigaction(self.signo, std::ptr::null(), now.as_mut_ptr()) };
        // SAFETY: filled in by the kernel; all zeros were valid as well.
        asked != 0 || unsafe { now.assume_init() }.sa_sigaction == handler as *const () as usize
    }

    fn previous(&self) -> Option<&libc::sigaction> {
        // Acquire pairs(chain): Release in install.
        if !self.ready.load(Acquire) {
            return None;
        }
        // SAFETY: written before `ready`, never again.
        let previous = unsafe { &*self.previous.get() };
        // SAFETY: initialised by the same write.
        Some(unsafe { previous.assume_init_ref() })
    }

    /// Does what would have happened without our handler. The caller returns after it.
    ///
    /// A fault whose turn comes to the default action happens again after the return, and
    /// kills the process with the right signal and core.
    ///
    /// # Safety
    /// Called by the handler that was installed, with its own arguments.
    pub(crate) unsafe fn pass_on(&self, info: *mut libc::siginfo_t, context: *mut c_void) {
        if let Some(previous) = self.previous() {
            let with_info = previous.sa_flags & libc::SA_SIGINFO != 0;
            // SAFETY: the caller's promise; the flags are those of the handler.
            unsafe { act(previous.sa_sigaction, with_info, self.signo, info, context) };
        }
    }
}

/// Does what the action `address` means: a handler, which takes the record if `with_info`, or one of the
/// kernel's words.
///
/// # Safety
/// Called by a handler of `signo` with its own arguments; the action is of the type that is said.
pub(crate) unsafe fn act(
    address: usize,
    with_info: bool,
    signo: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut c_void,
) {
    match address {
        libc::SIG_DFL => {
            // SAFETY: the caller's promise.
            unsafe { act_by_default(signo, info) };
        }
        // The kernel does not let a thread ignore its own faults.
        libc::SIG_IGN if is_fault(signo) => {
            // SAFETY: the caller's promise.
            unsafe { act_by_default(signo, info) };
        }
        libc::SIG_IGN => (),
        address if with_info => {
            // SAFETY: the caller says that the handler has this type.
            let handler = unsafe { std::mem::transmute::<usize, Handler>(address) };
            handler(signo, info, context);
        }
        address => {
            // SAFETY: the caller says that the handler has this type.
            let handler = unsafe { std::mem::transmute::<usize, PlainHandler>(address) };
            handler(signo);
        }
    }
}

fn is_fault(signo: libc::c_int) -> bool {
    matches!(signo, libc::SIGSEGV | libc::SIGBUS)
}

/// # Safety
/// As [`act`].
unsafe fn act_by_default(signo: libc::c_int, info: *mut libc::siginfo_t) {
    if matches!(
        signo,
        libc::SIGURG | libc::SIGCHLD | libc::SIGWINCH | libc::SIGCONT
    ) {
        return;
    }
    let action = plain_action(libc::SIG_DFL);
    // SAFETY: the default action is always valid.
    unsafe { libc::sigaction(signo, &raw const action, std::ptr::null_mut()) };
    // SAFETY: the kernel's record, the caller's promise.
    let sent = unsafe { (*info).si_code } <= 0;
    if sent || !is_fault(signo) {
        // Nothing will happen again by itself. Delivered when the handler returns.
        // SAFETY: sends a signal to this thread.
        unsafe { libc::raise(signo) };
    }
}

pub(crate) fn plain_action(address: usize) -> libc::sigaction {
    // SAFETY: all zeros are the default action with an empty mask and no flags.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = address;
    action
}

fn errno() -> Errno {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// The address that a SIGSEGV or SIGBUS is about.
///
/// # Safety
/// `info` is the second argument of a handler for one of these, which has not returned yet.
pub(crate) unsafe fn fault_address(info: *const libc::siginfo_t) -> usize {
    // SAFETY: the caller's promise.
    let info = unsafe { &*info };
    // SAFETY: these signals fill in the address.
    unsafe { info.si_addr() as usize }
}

/// Ends the process by SIGABRT, with a core if cores are on.
pub(crate) fn abort_now() -> ! {
    // SAFETY: allowed in signal handlers.
    unsafe { libc::abort() }
}

/// Runs a handler's body and leaves errno as the interrupted code had it.
pub(crate) fn with_errno_kept(body: impl FnOnce()) {
    // SAFETY: always a valid pointer to this thread's errno; a handler stays on its thread.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let kept = unsafe { *errno };
    body();
    // SAFETY: as above.
    unsafe { *errno = kept };
}

/// The calling thread's signal stack; the one before comes back when it is dropped.
#[derive(Debug)]
pub(crate) struct AltStack {
    span: Span,
    previous: libc::stack_t,
    /// It belongs to its thread.
    not_send: PhantomData<*mut ()>,
}

impl AltStack {
    /// Maps a signal stack, with a guard below, and makes it the calling thread's.
    pub(crate) fn install() -> Result<AltStack, Errno> {
        let guard = mem::page_size();
        let len = guard + alt_stack_bytes();
        let addr = mem::reserve(len)?;
        let span = Span { addr, len };
        match switch_to(addr + guard, len - guard) {
            Ok(previous) => Ok(AltStack {
                span,
                previous,
                not_send: PhantomData,
            }),
            Err(e) => {
                // SAFETY: ours, and the kernel has never heard of it.
                unsafe { mem::release(span) };
                Err(e)
            }
        }
    }

    /// The lowest address of its usable part.
    pub(crate) fn bottom(&self) -> usize {
        self.span.addr + mem::page_size()
    }
}

/// Makes this part of a reservation of ours the thread's signal stack; returns the old one. After
/// an error it still is.
fn switch_to(addr: usize, len: usize) -> Result<libc::stack_t, Errno> {
    // SAFETY: inside our own reservation.
    unsafe { mem::commit(Span { addr, len }) }?;
    let ours = libc::stack_t {
        ss_sp: addr as *mut c_void,
        ss_flags: 0,
        ss_size: len,
    };
    let mut previous = off();
    // SAFETY: mapped, writable, and unmapped only after it has been replaced (drop).
    let set = unsafe { libc::sigaltstack(&raw const ours, &raw mut previous) };
    if set == 0 { Ok(previous) } else { Err(errno()) }
}

fn off() -> libc::stack_t {
    libc::stack_t {
        ss_sp: std::ptr::null_mut(),
        ss_flags: libc::SS_DISABLE,
        ss_size: 0,
    }
}

impl Drop for AltStack {
    fn drop(&mut self) {
        // SAFETY: what was the thread's signal stack before ours (or none).
        let back = unsafe { libc::sigaltstack(&raw const self.previous, std::ptr::null_mut()) };
        if back == 0 {
            // SAFETY: ours, and the kernel has let go of it.
            unsafe { mem::release(self.span) };
        }
    }
}

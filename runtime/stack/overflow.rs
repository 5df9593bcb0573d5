//! A goroutine that runs into its guard: say which one and what to do, then end.
//!
//! Not a panic: the overflow may have happened inside malloc, and unwinding from there (or
//! ending only this goroutine) leaves locks held for ever (README.md#not-like-this).
//!
//! The handler runs on the M's signal stack and uses `write(2)` only: no lock, no
//! allocation. Faults that are not ours go to the handler that was there before.
//!
//! Go: stack.go newstack ("goroutine stack exceeds"), signal_unix.go sigpanic.
#![allow(unsafe_code, reason = "a handler for SIGSEGV and SIGBUS")]

use std::ffi::c_void;
use std::fmt::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::stack::region;
use crate::stack::slot::{Slot, SlotRef};
use crate::sys::fatal::{RawStderr, exit_now};
use crate::sys::mem::Errno;
use crate::sys::signal::{self, AltStack, Chain};
use crate::sys::ucontext;

/// Writes what is known about the goroutine with this owner tag: id, name, where it was
/// started. Called in a signal handler: it may read atomics and nothing else.
pub(crate) type Describe = fn(owner: usize, out: &mut dyn Write);

/// How the process ends after the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Status 2, as Go's.
    Exit,
    /// SIGABRT: for a core dump, or a debugger.
    Abort,
}

#[derive(Clone, Copy)]
struct Report {
    describe: Describe,
    ending: Ending,
}

static REPORT: OnceLock<Report> = OnceLock::new();
static REPORTING: AtomicBool = AtomicBool::new(false);
static SEGV: Chain = Chain::new(libc::SIGSEGV);
static BUS: Chain = Chain::new(libc::SIGBUS);

/// Catches overflows of goroutine stacks from now on. Once a process; the first call counts.
pub(crate) fn install_handlers(describe: Describe, ending: Ending) -> Result<(), Errno> {
    let _ = REPORT.set(Report { describe, ending });
    // SAFETY: the handler keeps to the rules above.
    unsafe { SEGV.install(on_segv, 0) }?;
    // SAFETY: the same.
    unsafe { BUS.install(on_bus, 0) }
}

/// Gives the calling thread a signal stack, which it needs before it runs goroutines.
pub(crate) fn install_altstack() -> Result<AltStack, Errno> {
    AltStack::install()
}

extern "C" fn on_segv(_: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel's own arguments, passed on as they are.
    unsafe { on_fault(&SEGV, info, context) }
}

extern "C" fn on_bus(_: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel's own arguments, passed on as they are.
    unsafe { on_fault(&BUS, info, context) }
}

/// # Safety
/// Called by a handler with the arguments it was called with.
unsafe fn on_fault(chain: &Chain, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the caller's promise.
    let address = unsafe { signal::fault_address(info) };
    // SAFETY: the caller's promise.
    let sp = unsafe { ucontext::stack_pointer(context) };
    match overflowed(address, sp) {
        Some(slot) => report_and_end(slot, address, sp),
        // SAFETY: the caller's promise.
        None => unsafe { chain.pass_on(info, context) },
    }
}

/// The slot whose owner has just run out of stack, if that is what the fault means: it hit
/// the slot's guard, and the stack pointer is in the slot too, or less than another guard
/// below (a frame that was entered but not probed). Others who touch a guard have a bug.
fn overflowed(address: usize, sp: usize) -> Option<SlotRef> {
    let slot = region::find(address)?;
    let reach = slot.limit() - slot.bottom();
    let in_guard = address < slot.limit();
    let at_home = sp > slot.bottom() - reach && sp <= slot.end();
    (in_guard && at_home).then_some(slot)
}

/// Kept off the handler's own frame, which must fit onto std's small signal stacks.
#[cold]
#[inline(never)]
fn report_and_end(slot: &Slot, address: usize, sp: usize) -> ! {
    if REPORTING.swap(true, Relaxed) {
        signal::pause_for_ever();
    }
    let report = REPORT.get().copied();
    let _ = write_report(&mut RawStderr, slot, address, sp, report);
    match report.map(|report| report.ending) {
        Some(Ending::Abort) => signal::abort_now(),
        _ => exit_now(2),
    }
}

fn write_report(
    out: &mut dyn Write,
    slot: &Slot,
    address: usize,
    sp: usize,
    report: Option<Report>,
) -> fmt::Result {
    let bytes = slot.class().slot_bytes();
    let (low, high) = (slot.limit(), slot.top());
    let depth = slot.limit() - address;
    writeln!(out, "runtime: goroutine stack exceeds {bytes}-byte limit")?;
    writeln!(out, "runtime: sp={sp:#x} stack=[{low:#x}, {high:#x}]")?;
    writeln!(out, "fatal error: stack overflow\n")?;
    match (slot.owner(), report) {
        (0, _) | (_, None) => writeln!(out, "on a stack that no goroutine owns")?,
        (owner, Some(report)) => (report.describe)(owner, out),
    }
    writeln!(
        out,
        "\nfault address {address:#x} is {depth} bytes into the guard.\n\
         Give the goroutine more: Builder::stack_size({}), for example. Stacks are address \
         space;\nonly the pages that were touched take memory.",
        (bytes * 4).min(1 << 30)
    )
}

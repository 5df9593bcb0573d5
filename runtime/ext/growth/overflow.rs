//! A stack overflow: the report names the goroutine and gives advice, and the process ends.
//!
//! An overflow is no panic: it may have happened inside malloc, and unwinding from there (or
//! ending only this goroutine) leaves locks held forever
//! (ext/stackalloc/README.md#not-like-this).
//!
//! The handler runs on the M's signal stack and uses `write(2)` only: no lock, no
//! allocation. Another thread looks at the stacks of the other goroutines. Faults that are not ours
//! go to the handler that was there before.
//!
//! Go: stack.go newstack ("goroutine stack exceeds"), signal_unix.go sigpanic.
#![allow(unsafe_code, reason = "a handler for SIGSEGV and SIGBUS")]

use std::ffi::c_void;
use std::fmt::{self, Write};
use std::sync::OnceLock;

use crate::core::sys::fatal::{RawStderr, begin_death, exit_now, last_act, tell_others};
use crate::ext::linux::arch::address_of_psm;
use crate::ext::linux::memory::Errno;
use crate::ext::linux::signal::{self, AltStack, Chain};
use crate::ext::linux::ucontext;
use crate::ext::stackalloc::class::Class;
use crate::ext::stackalloc::region;
use crate::ext::stackalloc::slot::{SEGMENT_TAG, Slot, SlotRef};

/// Writes what is known about the goroutine with this owner tag (less `SEGMENT_TAG`): id, name, where it was
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
/// A signal handler calls it, with the arguments that the handler got.
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
    begin_death();
    let report = REPORT.get().copied();
    let _ = write_report(&mut RawStderr, slot, address, sp, report);
    tell_others(slot.owner() & !SEGMENT_TAG);
    last_act();
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
    let grown = slot.is_segment();
    match (slot.owner() & !SEGMENT_TAG, report) {
        (0, _) | (_, None) => writeln!(out, "on a stack that no goroutine owns")?,
        (owner, Some(report)) => (report.describe)(owner, out),
    }
    writeln!(
        out,
        "\nfault address {address:#x} is {depth} bytes into the guard"
    )?;
    if has_stacker() {
        writeln!(
            out,
            "This program has the crate `stacker` in it, which takes a thread's stack for the\n\
             goroutine's in some cases (docs/stacks.md): use gosched::stack::grow instead."
        )?;
    }
    if slot.class() == Class::LARGEST {
        return writeln!(out, "This is the largest stack there is.");
    }
    let more = (bytes * 4).min(Class::LARGEST.slot_bytes());
    if grown {
        write!(
            out,
            "This stack was made by stack::grow; its `size` could be {more}"
        )?;
    } else {
        write!(out, "To give it more: Builder::stack_size({more})")?;
    }
    writeln!(
        out,
        ", for example. Stacks are address\nspace; only the pages that were touched take memory."
    )
}

/// Is `psm` linked in, by which `stacker` switches?
fn has_stacker() -> bool {
    address_of_psm() != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ext::stackalloc::class::class_for;
    use crate::ext::stackalloc::test_child::{in_child, one, run_on, stderr};
    use std::hint::black_box;
    use std::os::unix::process::ExitStatusExt;

    fn describe(owner: usize, out: &mut dyn Write) {
        let _ = writeln!(out, "goroutine {owner} \"deep\" started at somewhere.rs:7");
    }

    fn recurse(depth: usize) -> usize {
        let frame = black_box([depth; 64]);
        if depth == usize::MAX {
            return 0;
        }
        recurse(black_box(depth + 1)) + frame[depth % 64]
    }

    extern "C" fn overflow(_: *mut c_void) -> *mut c_void {
        let _signal_stack = install_altstack().unwrap();
        black_box(recurse(0)) as *mut c_void
    }

    #[test]
    fn only_the_owner_of_a_guard_overflows() {
        let slot = one(class_for(1 << 22).unwrap());
        let guard = slot.limit() - 1;
        let found = |address, sp| overflowed(address, sp).map(Slot::bottom);
        let ours = Some(slot.bottom());
        assert_eq!(found(guard, slot.limit() + 100), ours);
        assert_eq!(found(slot.bottom(), slot.bottom() + 8), ours);
        assert_eq!(
            found(slot.bottom(), slot.bottom() - 24_000),
            ours,
            "a large C frame"
        );
        assert_eq!(
            found(guard, slot.bottom() - 100_000),
            None,
            "from a neighbour"
        );
        assert_eq!(found(guard, guard ^ (1 << 40)), None, "from another stack");
        assert_eq!(found(slot.limit(), slot.limit()), None, "not the guard");
        assert_eq!(found(8, slot.limit()), None, "a wild pointer");
    }

    /// Reads one byte at an address, and says so if that went well.
    fn touch(address: usize) {
        // SAFETY: none; the caller is a child that wants to see what happens.
        let byte = unsafe { (address as *const u8).read_volatile() };
        eprintln!("read {byte}");
    }

    #[test]
    fn an_overflow_names_the_goroutine_and_exits_with_2() {
        let output = in_child(
            concat!(
                module_path!(),
                "::an_overflow_names_the_goroutine_and_exits_with_2"
            ),
            || {
                install_handlers(describe, Ending::Exit).unwrap();
                let slot = one(Class::DEFAULT);
                slot.set_owner(42);
                run_on(slot, overflow, 0);
            },
        );
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{text}");
        for words in [
            "runtime: goroutine stack exceeds 262144-byte limit\nruntime: sp=0x",
            " stack=[0x",
            "]\nfatal error: stack overflow\n\n",
            "goroutine 42 \"deep\" started at somewhere.rs:7",
            "Builder::stack_size(1048576)",
        ] {
            assert!(text.contains(words), "{words:?} is missing in: {text}");
        }
    }

    #[test]
    fn an_overflow_can_abort() {
        let output = in_child(concat!(module_path!(), "::an_overflow_can_abort"), || {
            install_handlers(describe, Ending::Abort).unwrap();
            run_on(one(class_for(64 << 10).unwrap()), overflow, 0);
        });
        let text = stderr(&output);
        assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{text}");
        assert!(text.contains("exceeds 65536-byte limit"), "{text}");
        assert!(text.contains("no goroutine owns"), "{text}");
    }

    #[test]
    fn each_page_of_the_guard_faults_and_the_stack_does_not() {
        let output = in_child(
            concat!(
                module_path!(),
                "::each_page_of_the_guard_faults_and_the_stack_does_not"
            ),
            || {
                let slot = one(Class::DEFAULT);
                touch(slot.limit());
                touch(slot.end() - 1);
                let page = crate::ext::linux::memory::page_size();
                for address in (slot.bottom()..slot.limit()).step_by(page) {
                    // SAFETY: the child only reads, and leaves without destructors.
                    let pid = unsafe { libc::fork() };
                    if pid == 0 {
                        touch(address);
                        exit_now(0);
                    }
                    let mut status = 0;
                    // SAFETY: our child, our place for the answer.
                    unsafe { libc::waitpid(pid, &raw mut status, 0) };
                    assert!(libc::WIFSIGNALED(status), "no fault at {address:#x}");
                    assert_eq!(libc::WTERMSIG(status), libc::SIGSEGV);
                }
                eprintln!("all of them");
            },
        );
        let text = stderr(&output);
        assert!(
            output.status.success() && text.contains("all of them"),
            "{text}"
        );
    }

    #[test]
    fn others_who_touch_a_guard_die_of_a_plain_fault() {
        let output = in_child(
            concat!(
                module_path!(),
                "::others_who_touch_a_guard_die_of_a_plain_fault"
            ),
            || {
                install_handlers(describe, Ending::Exit).unwrap();
                touch(one(Class::DEFAULT).limit() - 8);
            },
        );
        let text = stderr(&output);
        assert_eq!(output.status.signal(), Some(libc::SIGSEGV), "{text}");
        assert!(!text.contains("stack overflow"), "{text}");
    }

    #[test]
    fn a_wild_pointer_still_dies_of_sigsegv() {
        let output = in_child(
            concat!(module_path!(), "::a_wild_pointer_still_dies_of_sigsegv"),
            || {
                install_handlers(describe, Ending::Exit).unwrap();
                touch(black_box(8));
            },
        );
        let text = stderr(&output);
        assert_eq!(output.status.signal(), Some(libc::SIGSEGV), "{text}");
    }

    #[test]
    fn a_segv_that_somebody_sends_still_kills() {
        let output = in_child(
            concat!(module_path!(), "::a_segv_that_somebody_sends_still_kills"),
            || {
                install_handlers(describe, Ending::Exit).unwrap();
                // SAFETY: sends a signal to this thread.
                unsafe { libc::raise(libc::SIGSEGV) };
                // SAFETY: the same; std's handler lets the first one pass.
                unsafe { libc::raise(libc::SIGSEGV) };
            },
        );
        assert_eq!(output.status.signal(), Some(libc::SIGSEGV));
    }

    #[test]
    fn std_still_names_its_own_threads() {
        let output = in_child(
            concat!(module_path!(), "::std_still_names_its_own_threads"),
            || {
                install_handlers(describe, Ending::Exit).unwrap();
                let deep = std::thread::Builder::new().name("plain".into());
                let handle = deep.spawn(|| black_box(recurse(0))).unwrap();
                let _ = handle.join();
            },
        );
        let text = stderr(&output);
        assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{text}");
        assert!(text.contains("thread 'plain'"), "{text}");
        assert!(text.contains("has overflowed its stack"), "{text}");
        assert!(!text.contains("goroutine stack"), "{text}");
    }

    #[test]
    fn an_alternate_stack_is_put_back() {
        fn current() -> libc::stack_t {
            // SAFETY: all zeros is a place for the answer.
            let mut stack: libc::stack_t = unsafe { std::mem::zeroed() };
            // SAFETY: asks only.
            unsafe { libc::sigaltstack(std::ptr::null(), &raw mut stack) };
            stack
        }
        std::thread::spawn(|| {
            let before = current();
            let ours = install_altstack().unwrap();
            assert_eq!(current().ss_size, signal::alt_stack_bytes());
            drop(ours);
            assert_eq!(current().ss_sp, before.ss_sp);
            assert_eq!(current().ss_flags, before.ss_flags);
        })
        .join()
        .unwrap();
    }
}

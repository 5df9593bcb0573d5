//! `goexit`: ends the calling goroutine from any depth, running its destructors.
//!
//! Go: panic.go Goexit.
#![forbid(unsafe_code)]

use std::any::Any;
use std::panic::resume_unwind;

use crate::api::thread::panic::this_goroutine;

/// What unwinds the stack; never printed, recognised at the goroutine's root.
#[derive(Debug)]
struct GoExit;

/// Ends the calling goroutine. Its destructors run; no other goroutine is touched.
///
/// `join` of its `JoinHandle` returns `Err`. When the main goroutine ends this way the others
/// continue, and when none is left the program is reported as deadlocked, as in Go. Code that
/// catches unwinding (`catch_unwind`) catches this too and ought to resume it.
///
/// # Panics
/// On a thread that is not a goroutine. And in a program that is built with `panic = "abort"`: to
/// run the destructors it unwinds, as a panic does, and there nothing can unwind; so that program
/// ends here, by SIGABRT, after the panic's message.
///
/// # Examples
/// ```
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let h = gosched::thread::spawn(|| {
///         gosched::goexit();
///     });
///     assert!(h.join().is_err());
/// }) };
/// ```
///
/// Go: runtime.Goexit
#[track_caller]
pub fn goexit() -> ! {
    assert!(
        this_goroutine().is_some(),
        "goexit called outside of a goroutine"
    );
    if cfg!(panic = "abort") {
        panic!("goexit unwinds the stack, and this program is built with panic = \"abort\"");
    }
    resume_unwind(Box::new(GoExit))
}

/// Was this unwinding a `goexit`?
pub(crate) fn is_goexit(payload: &(dyn Any + Send)) -> bool {
    payload.is::<GoExit>()
}

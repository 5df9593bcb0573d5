//! What Unix adds to [`gosched::process`](crate::process), with the names of [`std::os::unix::process`].
#![allow(unsafe_code, reason = "pre_exec, whose promise is the caller's")]

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt as StdCommandExt;

pub use std::os::unix::process::{ExitStatusExt, parent_id};

use crate::api::process::Command;

/// As [`std::os::unix::process::CommandExt`], for [`Command`].
///
/// # Examples
/// ```
/// use gosched::os::unix::process::CommandExt;
/// use gosched::process::Command;
///
/// let output = Command::new("sh").arg0("other").args(["-c", "echo $0"]).output().unwrap();
/// assert_eq!(output.stdout, b"other\n");
/// ```
pub trait CommandExt: sealed::Sealed {
    /// The user that it runs as.
    fn uid(&mut self, id: u32) -> &mut Command;

    /// The group that it runs as.
    fn gid(&mut self, id: u32) -> &mut Command;

    /// `f` is called in the new process before the program begins.
    ///
    /// # Safety
    /// As std's: the new process has one thread only, a copy of the caller's, so `f` does only what a signal
    /// handler may do. It calls nothing of this crate: the runtime's threads are not there.
    unsafe fn pre_exec<F>(&mut self, f: F) -> &mut Command
    where
        F: FnMut() -> io::Result<()> + Send + Sync + 'static;

    /// Becomes that program: returns only if it fails. Nothing is dropped, and all goroutines end.
    fn exec(&mut self) -> io::Error;

    /// The name by which the program is told to have been called.
    fn arg0<S: AsRef<OsStr>>(&mut self, arg: S) -> &mut Command;

    /// The process group that it joins; 0: a new one.
    fn process_group(&mut self, pgroup: i32) -> &mut Command;
}

mod sealed {
    /// Only our own types have it, so that methods can be added.
    pub trait Sealed {}

    impl Sealed for crate::api::process::Command {}
}

impl CommandExt for Command {
    fn uid(&mut self, id: u32) -> &mut Command {
        self.std().uid(id);
        self
    }

    fn gid(&mut self, id: u32) -> &mut Command {
        self.std().gid(id);
        self
    }

    unsafe fn pre_exec<F>(&mut self, f: F) -> &mut Command
    where
        F: FnMut() -> io::Result<()> + Send + Sync + 'static,
    {
        // SAFETY: the caller's promise.
        unsafe { self.std().pre_exec(f) };
        self
    }

    fn exec(&mut self) -> io::Error {
        self.std().exec()
    }

    fn arg0<S: AsRef<OsStr>>(&mut self, arg: S) -> &mut Command {
        self.std().arg0(arg);
        self
    }

    fn process_group(&mut self, pgroup: i32) -> &mut Command {
        self.std().process_group(pgroup);
        self
    }
}

//! Child processes for goroutines, with the names, errors and behaviour of [`std::process`]: a program changes its
//! `use` line. A goroutine that waits for a process to end, or for its output, holds no thread: the scheduler
//! asks the kernel (`runtime/ext/net/README.md`). It works on plain threads too; there the thread waits.
//!
//! Before Linux 5.3, and where no descriptor is left, a wait holds a thread; other goroutines go on.

pub(crate) mod pipes;
pub(crate) mod child;
pub(crate) mod command;

pub use std::process::{
    CommandArgs, CommandEnvs, ExitCode, ExitStatus, Output, Stdio, Termination, abort, exit, id,
};

pub use child::Child;
pub use command::Command;
pub use pipes::{ChildStderr, ChildStdin, ChildStdout};

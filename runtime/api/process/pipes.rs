//! What is left here of a child's standard input, output and error.
#![forbid(unsafe_code)]

use std::io;

use crate::api::io::pipe_end::{reads, same_in_std, writes};
use crate::api::net::socket::Socket;

/// A pipe to the standard input of a child. If it is dropped, the child sees the end of its input.
///
/// # Examples
/// See [`Child`](crate::process::Child).
pub struct ChildStdin(Socket<io::PipeWriter>);

/// A pipe from the standard output of a child.
///
/// # Examples
/// See [`Child`](crate::process::Child).
pub struct ChildStdout(Socket<io::PipeReader>);

/// A pipe from the standard error of a child.
///
/// # Examples
/// See [`Child`](crate::process::Child).
pub struct ChildStderr(Socket<io::PipeReader>);

writes!(ChildStdin);
reads!(ChildStdout);
reads!(ChildStderr);
same_in_std!(ChildStdin, std::process::ChildStdin);
same_in_std!(ChildStdout, std::process::ChildStdout);
same_in_std!(ChildStderr, std::process::ChildStderr);

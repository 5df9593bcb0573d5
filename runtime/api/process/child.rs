//! A process that was started, and waiting for its end.
//!
//! A goroutine waits for the process's pidfd in the poller. On a plain thread, and where the kernel gives
//! no pidfd, `waitpid` waits; a goroutine's P goes to others meanwhile.
#![forbid(unsafe_code)]

use std::fmt;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::process::{ExitStatus, Output};

use crate::api::net::socket::Socket;
use crate::api::os_thread::blocking;
use crate::api::process::pipes::{ChildStderr, ChildStdin, ChildStdout};
use crate::api::thread::scope::scope;
use crate::core::m::current::this_m;
use crate::ext::linux::pidfd::open_process;

/// As [`std::process::Child`]: made by [`Command::spawn`](crate::process::Command::spawn). A goroutine that
/// waits for its end, or for its pipes, holds no thread.
///
/// If it is dropped, the process goes on, and stays a zombie when it has ended: nobody has asked for its
/// status. Wait for it.
///
/// # Examples
/// ```
/// use gosched::process::{Command, Stdio};
/// use std::io::{Read, Write};
///
/// # // SAFETY: nothing here is tied to an OS thread.
/// # unsafe { gosched::run(|| {
/// let mut cat = Command::new("cat")
///     .stdin(Stdio::piped())
///     .stdout(Stdio::piped())
///     .spawn()
///     .unwrap();
/// let mut to_cat = cat.stdin.take().unwrap();
/// gosched::go(move || to_cat.write_all(b"meow").unwrap());
/// let mut text = String::new();
/// cat.stdout.take().unwrap().read_to_string(&mut text).unwrap();
/// assert_eq!(text, "meow");
/// assert!(cat.wait().unwrap().success());
/// # }) };
/// ```
///
/// Go: os.Process, exec.Cmd
#[doc(alias = "Process")]
pub struct Child {
    /// Its standard input, if it was [`piped`](std::process::Stdio::piped).
    pub stdin: Option<ChildStdin>,
    /// Its standard output, if it was piped.
    pub stdout: Option<ChildStdout>,
    /// Its standard error, if it was piped.
    pub stderr: Option<ChildStderr>,
    std: std::process::Child,
    /// Readable when the process has ended. None: before Linux 5.3, or no descriptor is left.
    ended: Option<Socket<OwnedFd>>,
}

impl Child {
    pub(crate) fn of(mut std: std::process::Child) -> Child {
        Child {
            stdin: std.stdin.take().map(ChildStdin::from),
            stdout: std.stdout.take().map(ChildStdout::from),
            stderr: std.stderr.take().map(ChildStderr::from),
            ended: open_process(std.id()).ok().map(Socket::shared),
            std,
        }
    }

    /// Its number in the kernel.
    pub fn id(&self) -> u32 {
        self.std.id()
    }

    /// Closes its standard input and waits until it ends. Later calls return the same status.
    ///
    /// # Errors
    /// As std's: `ECHILD` if the program ignores SIGCHLD, or has waited for all its children by other means.
    ///
    /// # Examples
    /// See [`Child`].
    ///
    /// Go: os.Process.Wait
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        drop(self.stdin.take());
        let Some(ended) = self.ended.as_ref().filter(|_| this_m().is_some()) else {
            return blocking(|| self.std.wait());
        };
        let std = &mut self.std;
        ended.read(|_| match std.try_wait()? {
            Some(status) => Ok(status),
            None => Err(io::ErrorKind::WouldBlock.into()),
        })
    }

    /// Its status, if it has ended. Does not wait, and leaves its standard input open.
    ///
    /// # Errors
    /// As for [`wait`](Child::wait).
    ///
    /// # Examples
    /// ```
    /// let mut sleep = gosched::process::Command::new("sleep").arg("60").spawn().unwrap();
    /// assert_eq!(sleep.try_wait().unwrap(), None);
    /// sleep.kill().unwrap();
    /// assert!(!sleep.wait().unwrap().success());
    /// ```
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.std.try_wait()
    }

    /// Ends it by SIGKILL, if it has not been waited for. It is not waited for here.
    ///
    /// # Errors
    /// As std's.
    ///
    /// # Examples
    /// See [`try_wait`](Child::try_wait).
    ///
    /// Go: os.Process.Kill
    pub fn kill(&mut self) -> io::Result<()> {
        self.std.kill()
    }

    /// Closes its standard input, reads all of its standard output and error, if they are piped, both at
    /// once, and waits until it ends.
    ///
    /// # Errors
    /// Those of reading and of waiting.
    ///
    /// # Panics
    /// If both are piped and there can be no goroutine to read one of them, see
    /// [`StackError`](crate::StackError).
    ///
    /// # Examples
    /// See [`Command::output`](crate::process::Command::output).
    #[track_caller]
    pub fn wait_with_output(mut self) -> io::Result<Output> {
        drop(self.stdin.take());
        if this_m().is_none() {
            self.std.stdout = self.stdout.take().map(Into::into);
            self.std.stderr = self.stderr.take().map(Into::into);
            return self.std.wait_with_output();
        }
        let (out, err) = (self.stdout.take(), self.stderr.take());
        let (stdout, stderr) = match (out, err) {
            (Some(out), Some(err)) => scope(|s| {
                let stderr = s.spawn(move || all_of(Some(err)));
                let stdout = all_of(Some(out));
                let stderr = stderr.join().expect("reading a pipe does not panic");
                Ok::<_, io::Error>((stdout?, stderr?))
            })?,
            (out, err) => (all_of(out)?, all_of(err)?),
        };
        Ok(Output {
            status: self.wait()?,
            stdout,
            stderr,
        })
    }
}

fn all_of(pipe: Option<impl Read>) -> io::Result<Vec<u8>> {
    let mut bytes = vec![];
    if let Some(mut pipe) = pipe {
        pipe.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("stdin", &self.stdin)
            .field("stdout", &self.stdout)
            .field("stderr", &self.stderr)
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

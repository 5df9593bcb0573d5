//! What is to be started, and how.
#![forbid(unsafe_code)]

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::Path;
use std::process::{CommandArgs, ExitStatus, Output, Stdio};

use crate::api::os_thread::blocking;
use crate::api::process::child::Child;
use crate::api::stack::grow;

/// What starting a process may need on the stack.
const ROOM: usize = 96 << 10;
const GROWN: usize = 512 << 10;

/// As [`std::process::Command`]: a process to start, with std's names and behaviour. A goroutine that waits
/// for the process holds no thread; while it starts one, other goroutines have its processor.
///
/// What std's traits add for Unix is in
/// [`os::unix::process::CommandExt`](crate::os::unix::process::CommandExt).
///
/// # Examples
/// ```
/// # // SAFETY: nothing here is tied to an OS thread.
/// # unsafe { gosched::run(|| {
/// let status = gosched::process::Command::new("true").status().unwrap();
/// assert!(status.success());
/// # }) };
/// ```
///
/// Go: exec.Cmd
#[doc(alias = "Cmd")]
pub struct Command {
    std: std::process::Command,
    /// Which of the three the user has chosen: input, output, error.
    chosen: [bool; 3],
}

impl Command {
    /// A process that runs `program`, with the environment, the directory and the three descriptors of this
    /// one, until they are changed.
    ///
    /// # Examples
    /// See [`Command`].
    ///
    /// Go: exec.Command
    pub fn new<S: AsRef<OsStr>>(program: S) -> Command {
        Command {
            std: std::process::Command::new(program),
            chosen: [false; 3],
        }
    }

    /// std's, for what Unix adds.
    pub(crate) fn std(&mut self) -> &mut std::process::Command {
        &mut self.std
    }

    /// One more argument.
    ///
    /// # Examples
    /// See [`output`](Command::output).
    pub fn arg<S: AsRef<OsStr>>(&mut self, arg: S) -> &mut Command {
        self.std.arg(arg);
        self
    }

    /// More arguments.
    ///
    /// # Examples
    /// See [`output`](Command::output).
    pub fn args<I, S>(&mut self, args: I) -> &mut Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.std.args(args);
        self
    }

    /// Sets a variable of its environment.
    pub fn env<K: AsRef<OsStr>, V: AsRef<OsStr>>(&mut self, key: K, value: V) -> &mut Command {
        self.std.env(key, value);
        self
    }

    /// Sets variables of its environment.
    pub fn envs<I, K, V>(&mut self, vars: I) -> &mut Command
    where
        I: IntoIterator<Item = (K, V)>,
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        self.std.envs(vars);
        self
    }

    /// It does not have this variable.
    pub fn env_remove<K: AsRef<OsStr>>(&mut self, key: K) -> &mut Command {
        self.std.env_remove(key);
        self
    }

    /// It has no variables but those that are set here afterwards.
    pub fn env_clear(&mut self) -> &mut Command {
        self.std.env_clear();
        self
    }

    /// Its working directory.
    pub fn current_dir<P: AsRef<Path>>(&mut self, dir: P) -> &mut Command {
        self.std.current_dir(dir);
        self
    }

    /// Its standard input. Otherwise it is this process's, and nothing for [`output`](Command::output).
    ///
    /// # Examples
    /// See [`Child`].
    pub fn stdin<T: Into<Stdio>>(&mut self, stdin: T) -> &mut Command {
        self.std.stdin(stdin);
        self.chosen[0] = true;
        self
    }

    /// Its standard output. Otherwise it is this process's, and a pipe for [`output`](Command::output).
    ///
    /// # Examples
    /// See [`Child`].
    pub fn stdout<T: Into<Stdio>>(&mut self, stdout: T) -> &mut Command {
        self.std.stdout(stdout);
        self.chosen[1] = true;
        self
    }

    /// Its standard error. Otherwise it is this process's, and a pipe for [`output`](Command::output).
    pub fn stderr<T: Into<Stdio>>(&mut self, stderr: T) -> &mut Command {
        self.std.stderr(stderr);
        self.chosen[2] = true;
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// As std's: there is no such program, it may not be run, the system has no room.
    ///
    /// # Examples
    /// See [`Child`].
    ///
    /// Go: exec.Cmd.Start
    #[doc(alias = "Start")]
    pub fn spawn(&mut self) -> io::Result<Child> {
        let std = grow(ROOM, GROWN, || blocking(|| self.std.spawn()))?;
        Ok(Child::of(std))
    }

    /// Starts it, waits for its end, and returns what it has written.
    ///
    /// # Errors
    /// Those of [`spawn`](Command::spawn) and of [`Child::wait_with_output`].
    ///
    /// # Panics
    /// As [`Child::wait_with_output`].
    ///
    /// # Examples
    /// ```
    /// # // SAFETY: nothing here is tied to an OS thread.
    /// # unsafe { gosched::run(|| {
    /// let output = gosched::process::Command::new("echo").arg("hello").output().unwrap();
    /// assert!(output.status.success());
    /// assert_eq!(output.stdout, b"hello\n");
    /// # }) };
    /// ```
    ///
    /// Go: exec.Cmd.Output
    #[track_caller]
    pub fn output(&mut self) -> io::Result<Output> {
        let [stdin, stdout, stderr] = self.chosen;
        if !stdin {
            self.std.stdin(Stdio::null());
        }
        if !stdout {
            self.std.stdout(Stdio::piped());
        }
        if !stderr {
            self.std.stderr(Stdio::piped());
        }
        let child = self.spawn();
        // What nobody has chosen is for this call alone.
        if !stdin {
            self.std.stdin(Stdio::inherit());
        }
        if !stdout {
            self.std.stdout(Stdio::inherit());
        }
        if !stderr {
            self.std.stderr(Stdio::inherit());
        }
        child?.wait_with_output()
    }

    /// Starts it and waits for its end.
    ///
    /// # Errors
    /// Those of [`spawn`](Command::spawn) and of [`Child::wait`].
    ///
    /// # Examples
    /// See [`Command`].
    ///
    /// Go: exec.Cmd.Run
    #[doc(alias = "Run")]
    pub fn status(&mut self) -> io::Result<ExitStatus> {
        self.spawn()?.wait()
    }

    /// The program.
    pub fn get_program(&self) -> &OsStr {
        self.std.get_program()
    }

    /// Its arguments, without the program's name.
    pub fn get_args(&self) -> CommandArgs<'_> {
        self.std.get_args()
    }

    /// The variables that were set here, or removed (`None`).
    pub fn get_envs(&self) -> std::process::CommandEnvs<'_> {
        self.std.get_envs()
    }

    /// Its working directory, if it was set here.
    pub fn get_current_dir(&self) -> Option<&Path> {
        self.std.get_current_dir()
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.std.fmt(f)
    }
}

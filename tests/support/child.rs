//! A child process that ends, one way or the other, with what it wrote.
//!
//! For everything that ends the process: a test starts its own program again with
//! [`again`], and compares status and stderr.

use std::fmt;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How a child ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit status; `None` when a signal ended it, or we did.
    pub(crate) status: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) timed_out: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ended {
            status,
            signal,
            timed_out,
            stdout,
            stderr,
        } = self;
        writeln!(
            f,
            "status {status:?}, signal {signal:?}, timed out: {timed_out}"
        )?;
        write!(f, "--- stdout\n{stdout}\n--- stderr\n{stderr}\n---")
    }
}

/// Runs it to its end, or kills it after `limit`.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Ended {
    run_with(command, Stdio::null(), limit)
}

/// As [`run`], with this as its standard input.
pub(crate) fn run_with(command: &mut Command, stdin: Stdio, limit: Duration) -> Ended {
    let mut child = command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let stdout = collect(child.stdout.take().unwrap());
    let stderr = collect(child.stderr.take().unwrap());
    let (status, timed_out) = wait(child, limit);
    Ended {
        status: status.code(),
        signal: std::os::unix::process::ExitStatusExt::signal(&status),
        timed_out,
        stdout: stdout.recv().unwrap(),
        stderr: stderr.recv().unwrap(),
    }
}

/// Reads beside the child, so that a full pipe does not stop it.
fn collect(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pipe that breaks off: what came is what there is.
        let _ = pipe.read_to_end(&mut bytes);
        let _ = send.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receive
}

fn wait(mut child: Child, limit: Duration) -> (ExitStatus, bool) {
    let step = Duration::from_millis(5);
    let mut waited = Duration::ZERO;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return (status, false);
        }
        if waited >= limit {
            child.kill().unwrap();
            return (child.wait().unwrap(), true);
        }
        thread::sleep(step);
        waited += step;
    }
}

/// This test program again, for the one test `name` (its full path), with `GOSCHED_CHILD=what`
/// in its environment.
#[allow(dead_code, reason = "not every test program ends processes")]
pub(crate) fn again(name: &str, what: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            name,
            "--exact",
            "--nocapture",
            "--include-ignored",
            "--test-threads=1",
        ])
        .env("GOSCHED_CHILD", what)
        .env_remove("RUST_BACKTRACE");
    command
}

/// In a child started by [`again`]: what it shall do.
#[allow(dead_code, reason = "not every test program ends processes")]
pub(crate) fn role() -> Option<String> {
    std::env::var("GOSCHED_CHILD").ok()
}

/// In a child whose role is numbers, `program` runs with these, and the process ends.
#[allow(dead_code, reason = "not every test program does that")]
pub(crate) fn with_numbers(program: impl FnOnce(&[u64])) {
    if let Some(role) = role() {
        let numbers: Vec<u64> = role.split(' ').map(|n| n.parse().unwrap()).collect();
        program(&numbers);
        std::process::exit(0);
    }
}

/// The test `name` again, in a process of its own with so many Ps and these settings of `GOSCHED`. Returns
/// `true` in that process; in the parent, when it has ended well.
#[allow(dead_code, reason = "not every test program does that")]
#[track_caller]
pub(crate) fn in_a_child(name: &str, procs: &str, settings: &str, limit: Duration) -> bool {
    if role().is_some() {
        return true;
    }
    let mut command = again(name, "child");
    command.env("GOMAXPROCS", procs).env("GOSCHED", settings);
    let ended = run(&mut command, limit);
    assert_eq!(ended.status, Some(0), "{ended}");
    false
}

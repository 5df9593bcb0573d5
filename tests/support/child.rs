//! A child process that ends, one way or the other, with what it wrote.
//!
//! For everything that ends the process: a test starts its own program again with
//! [`again`], and compares status and stderr.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

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

/// For the report of its goroutines.
const REPORT: Duration = Duration::from_secs(15);

/// Runs it to its end, or kills it after `limit`.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Ended {
    run_with(command, Stdio::null(), limit)
}

/// As [`run`], with this as its standard input.
pub(crate) fn run_with(command: &mut Command, stdin: Stdio, limit: Duration) -> Ended {
    let mut child = spawn(command, stdin);
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

fn spawn(command: &mut Command, stdin: Stdio) -> Child {
    command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

/// As [`run`], but nobody reads its standard error until a moment after it has said `cue`. Without a word of
/// that, its time is over.
#[allow(dead_code, reason = "not every test program does that")]
pub(crate) fn run_read_late(
    command: &mut Command,
    cue: &'static str,
    moment: Duration,
    limit: Duration,
) -> Ended {
    let mut child = spawn(command, Stdio::null());
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let (send, said) = mpsc::channel();
    thread::spawn(move || {
        let lines = stdout.lines().map_while(Result::ok);
        lines.for_each(|line| drop(send.send(line + "\n")));
    });
    let begin = Instant::now();
    let mut text = String::new();
    let mut late = false;
    while !text.contains(cue) {
        match said.recv_timeout(limit.saturating_sub(begin.elapsed())) {
            Ok(line) => text += &line,
            Err(e) => {
                late = e == RecvTimeoutError::Timeout;
                break;
            }
        }
    }
    thread::sleep(moment);
    let stderr = collect(child.stderr.take().unwrap());
    let (status, timed_out) = wait(child, if late { Duration::ZERO } else { limit });
    Ended {
        status: status.code(),
        signal: std::os::unix::process::ExitStatusExt::signal(&status),
        timed_out,
        stdout: text + &said.iter().collect::<String>(),
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

/// Who does not end within `limit` is asked for its goroutines, which it writes to its standard error, and is
/// killed after that.
fn wait(mut child: Child, limit: Duration) -> (ExitStatus, bool) {
    if let Some(status) = ends_within(&mut child, limit) {
        return (status, false);
    }
    let pid = child.id().to_string();
    // Without a shell there is no report, and that is all.
    let _ = Command::new("sh")
        .args(["-c", "kill -QUIT $0", &pid])
        .status();
    let status = ends_within(&mut child, REPORT).unwrap_or_else(|| {
        child.kill().unwrap();
        child.wait().unwrap()
    });
    (status, true)
}

fn ends_within(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let step = Duration::from_millis(5);
    let mut waited = Duration::ZERO;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if waited >= limit {
            return None;
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

//! The timelines' child: two threads that play ping-pong are seen on CPUs, or it says why they are not.
#![allow(unsafe_code, reason = "a filter for system calls, in a child")]

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

fn child(on: &str, n: u32) -> Command {
    let mut child = Command::new(env!("CARGO_BIN_EXE_gosched-report"));
    child.args(["--work", "ping-pong", "--seen", "--limit", "60"]);
    child.args(["--on", on, "--n", &n.to_string()]);
    child
}

/// What it says, line by line.
fn lines(mut child: Command) -> Vec<String> {
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {said}", output.status);
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(str::to_owned).collect()
}

/// The second words after `key`: threads or goroutines.
fn who(lines: &[String], key: &str) -> Vec<String> {
    let words = lines.iter().map(|line| line.split(' ').collect::<Vec<_>>());
    words
        .filter(|words| words[0] == key)
        .map(|words| words[2].to_owned())
        .collect()
}

fn distinct(mut all: Vec<String>) -> usize {
    all.sort();
    all.dedup();
    all.len()
}

fn missing(lines: &[String]) -> Option<&String> {
    lines.iter().find(|line| line.starts_with("missing "))
}

#[test]
fn threads_that_play_ping_pong_are_seen_or_it_says_why_not() {
    let lines = lines(child("os", 300));
    if let Some(why) = missing(&lines) {
        eprintln!("not seen here: {why}");
        return;
    }
    let seen = who(&lines, "thread");
    // One of the two waits in each of 300 turns; two threads on two CPUs may also spin for it.
    assert!(seen.len() > 20, "{lines:#?}");
    assert_eq!(distinct(seen), 2, "{lines:#?}");
}

#[test]
fn goroutines_that_play_ping_pong_are_seen() {
    let seen = who(&lines(child("green", 300)), "goroutine");
    assert!(seen.len() > 200, "{seen:?}");
    assert_eq!(distinct(seen), 2);
}

/// As a container does that forbids it.
#[test]
fn where_the_kernel_says_no_the_child_says_so() {
    let mut child = child("os", 20);
    // SAFETY: two system calls, no allocation.
    unsafe { child.pre_exec(refuse_perf) };
    let lines = lines(child);
    let why = missing(&lines).expect("perf_event_open was refused");
    assert!(why.contains("Permission denied"), "{why}");
    assert!(who(&lines, "thread").is_empty());
}

/// From now on `perf_event_open` fails with EACCES.
fn refuse_perf() -> io::Result<()> {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const UNLESS: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const ANSWER: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, jf, k| libc::sock_filter { code, jt: 0, jf, k };
    let mut steps = [
        step(LOAD, 0, 0), // the call's number
        step(UNLESS, 1, libc::SYS_perf_event_open as u32),
        step(ANSWER, 0, libc::SECCOMP_RET_ERRNO | libc::EACCES as u32),
        step(ANSWER, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let filter = libc::sock_fprog {
        len: steps.len() as u16,
        filter: steps.as_mut_ptr(),
    };
    // SAFETY: no pointer.
    if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the filter lives, and so do its steps.
    let set = unsafe {
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER,
            &raw const filter,
        )
    };
    if set != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

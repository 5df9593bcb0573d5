//! Child processes, pipes and standard input of goroutines: what is beside std's behaviour
//! (`same_as_std`): nobody holds a thread, no descriptor is left over.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::io::{BufRead, Read, Write};
use std::os::fd::AsFd;
use std::process::Command as StdCommand;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use gosched::io::{PipeReader, PipeWriter, pipe, stdin};
use gosched::os::unix::process::CommandExt;
use gosched::process::{Child, Command, Stdio};
use gosched::thread::{scope, sleep, spawn};
use support::{check, child};

const MS: Duration = Duration::from_millis(1);
const LIMIT: Duration = Duration::from_secs(60);

fn run(body: impl FnOnce() + Send) {
    // SAFETY: nothing in the body is tied to an OS thread.
    unsafe { gosched::run(body) };
}

/// A child that ends when `go_on` is dropped.
fn waiting(go_on: &mut Vec<PipeWriter>) -> Child {
    let (from, to) = pipe().unwrap();
    go_on.push(to);
    Command::new("cat")
        .stdin(from)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// How many pipes there are, and how many pidfds: the exit watcher may have one of its own.
fn descriptors() -> [usize; 2] {
    let all = std::fs::read_dir("/proc/self/fd").unwrap();
    let targets = all.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    let targets: Vec<_> = targets
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    ["pipe:", "pidfd"].map(|kind| targets.iter().filter(|path| path.contains(kind)).count())
}

#[test]
fn waiting_for_children_holds_no_thread_and_leaves_no_descriptor() {
    let name = "waiting_for_children_holds_no_thread_and_leaves_no_descriptor";
    if child::role().is_none() {
        // By itself: other tests have descriptors too.
        let ended = child::run(&mut child::again(name, "child"), LIMIT);
        return assert_eq!(ended.status, Some(0), "{ended}");
    }
    check(|| {
        let [pipes, pidfds] = descriptors();
        let mut go_on = vec![];
        let children: Vec<_> = (0..20).map(|_| waiting(&mut go_on)).collect();
        let waiters: Vec<_> = children
            .into_iter()
            .map(|mut child| spawn(move || child.wait().unwrap().success()))
            .collect();
        sleep(30 * MS); // long enough for sysmon to take Ps from blocked threads
        let threads = gosched::metrics().threads;
        assert!(threads < 20, "{threads} threads");
        drop(go_on);
        waiters.into_iter().for_each(|h| assert!(h.join().unwrap()));
        let now = descriptors();
        assert!(
            now[0] == pipes && now[1] <= pidfds + 1,
            "{now:?}, not {pipes}, {pidfds}"
        );
    });
}

/// The deadlock report knows that a child may still end.
#[test]
fn a_child_alone_is_no_deadlock() {
    if child::role().is_some() {
        return run(|| assert!(Command::new("sleep").arg("0.1").status().unwrap().success()));
    }
    let mut command = child::again("a_child_alone_is_no_deadlock", "child");
    let ended = child::run(&mut command, LIMIT);
    assert_eq!(ended.status, Some(0), "{ended}");
}

/// Every `pidfd_open` of this process and its threads fails from now on, as before Linux 5.3.
fn refuse_pidfds() {
    let op = |code: u32, jt, jf, k| libc::sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    };
    let call = libc::SYS_pidfd_open as u32;
    let refused = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
    let mut rules = [
        op(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        op(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, call),
        op(libc::BPF_RET | libc::BPF_K, 0, 0, refused),
        op(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: rules.len() as u16,
        filter: rules.as_mut_ptr(),
    };
    // SAFETY: no memory is passed.
    let answer = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(answer, 0);
    let mode = libc::SECCOMP_MODE_FILTER;
    // SAFETY: the program is ours, and the kernel copies it.
    let answer = unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program) };
    assert_eq!(answer, 0);
}

#[test]
fn without_pidfds_a_wait_blocks_and_others_go_on() {
    let name = "without_pidfds_a_wait_blocks_and_others_go_on";
    if child::role().is_some() {
        refuse_pidfds();
        return run(|| {
            assert_eq!(gosched::gomaxprocs(0), 1);
            let mut go_on = vec![];
            let mut child = waiting(&mut go_on);
            assert!(child.try_wait().unwrap().is_none());
            let waiter = spawn(move || child.wait().unwrap().success());
            sleep(5 * MS); // the waiter is in the kernel, and this goes on
            drop(go_on);
            assert!(waiter.join().unwrap());
            assert_eq!(Command::new("echo").output().unwrap().stdout, b"\n");
        });
    }
    let mut command = child::again(name, "child");
    let ended = child::run(command.env("GOMAXPROCS", "1"), LIMIT);
    assert_eq!(ended.status, Some(0), "{ended}");
}

#[test]
fn what_unix_adds() {
    check(|| {
        let mut command = Command::new("sh");
        command
            .arg0("other")
            .args(["-c", "echo $0"])
            .process_group(0);
        // SAFETY: nothing is done.
        unsafe { command.pre_exec(|| Ok(())) };
        assert_eq!(command.output().unwrap().stdout, b"other\n");
        // SAFETY: as above.
        unsafe { command.pre_exec(|| Err(std::io::Error::from_raw_os_error(libc::EXDEV))) };
        let e = command.spawn().unwrap_err();
        assert_eq!(e.raw_os_error(), Some(libc::EXDEV));
        let e = Command::new("/no/such/program").exec();
        assert_eq!(e.kind(), std::io::ErrorKind::NotFound);
    });
}

/// More than a pipe holds, in both directions, with two that read from one end.
#[test]
fn pipes_give_every_byte_once() {
    check(|| {
        let (from, mut to) = pipe().unwrap();
        let other = from.try_clone().unwrap();
        let total: usize = scope(|s| {
            let readers = [from, other].map(|mut from| {
                s.spawn(move || {
                    let mut all = vec![];
                    from.read_to_end(&mut all).unwrap();
                    assert!(all.iter().all(|&byte| byte == 5));
                    all.len()
                })
            });
            to.write_all(&[5; 1 << 20]).unwrap();
            drop(to);
            readers.into_iter().map(|h| h.join().unwrap()).sum()
        });
        assert_eq!(total, 1 << 20);
    });
}

/// A child gets an end that blocks, and the other end does not hold a thread.
#[test]
fn an_end_that_a_child_gets_blocks() {
    fn is_nonblocking(fd: impl AsFd) -> bool {
        use std::os::fd::AsRawFd;
        // SAFETY: no memory is passed.
        let flags = unsafe { libc::fcntl(fd.as_fd().as_raw_fd(), libc::F_GETFL) };
        flags & libc::O_NONBLOCK != 0
    }
    check(|| {
        let (from, mut to) = pipe().unwrap();
        assert!(is_nonblocking(&from) && is_nonblocking(&to));
        let std = std::io::PipeReader::from(from);
        assert!(!is_nonblocking(&std) && is_nonblocking(&to));
        let from = PipeReader::from(std);
        assert!(is_nonblocking(&from));
        let cat = Command::new("cat")
            .stdin(from)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        sleep(MS); // an end that does not block would end `cat`
        to.write_all(b"late").unwrap();
        drop(to);
        assert_eq!(cat.wait_with_output().unwrap().stdout, b"late");
    });
}

/// Goroutines go on while one waits for a line, at one P; the mode of the pipe is left alone.
#[test]
fn standard_input_by_lines() {
    let name = "standard_input_by_lines";
    if child::role().is_some() {
        return run(|| {
            let mut line = String::new();
            assert_eq!(stdin().read_line(&mut line).unwrap(), 4);
            println!("got {line}");
            assert!(stdin().lock().fill_buf().unwrap().starts_with(b"two"));
            let lines: Vec<_> = stdin().lines().map(|line| line.unwrap()).collect();
            assert_eq!(lines, ["two", "three"]);
            assert_eq!(stdin().read(&mut [0; 8]).unwrap(), 0);
        });
    }
    check(|| {
        let mut command = child::again(name, "child");
        let mut child = std_child(command.env("GOMAXPROCS", "1"));
        let mut out = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
        let mut to = child.stdin.take().unwrap();
        to.write_all(b"one\n").unwrap();
        while !out.next().unwrap().unwrap().ends_with("got one") {}
        to.write_all(b"two\nth").unwrap();
        sleep(MS);
        to.write_all(b"ree\n").unwrap();
        drop(to);
        assert!(child.wait().unwrap().success());
    });
}

/// Children and pipes of goroutines that are preempted every millisecond, beside others that compute.
#[test]
fn children_and_pipes_under_preemption() {
    const BYTES: usize = 300_000;
    let name = "children_and_pipes_under_preemption";
    if child::role().is_none() {
        for procs in ["1", "2", "4"] {
            let mut command = child::again(name, "child");
            command.env("GOMAXPROCS", procs).env("GOSCHED", "slice=1ms");
            let ended = child::run(&mut command, LIMIT);
            assert_eq!(ended.status, Some(0), "{ended}");
        }
        return;
    }
    run(|| {
        let stop = AtomicBool::new(false);
        scope(|s| {
            for _ in 0..2 {
                s.spawn(|| {
                    while !stop.load(Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            let cats = [3_u8, 4, 5].map(|byte| {
                s.spawn(move || {
                    let mut cat = Command::new("cat")
                        .stdin(Stdio::piped())
                        .stdout(Stdio::piped())
                        .spawn()
                        .unwrap();
                    let mut to = cat.stdin.take().unwrap();
                    let writer = spawn(move || to.write_all(&vec![byte; BYTES]).unwrap());
                    let output = cat.wait_with_output().unwrap();
                    writer.join().unwrap();
                    assert!(output.status.success());
                    assert_eq!(output.stdout, vec![byte; BYTES]);
                })
            });
            let (mut from, mut to) = pipe().unwrap();
            let writer = s.spawn(move || {
                for part in 0..100_u8 {
                    to.write_all(&[part; 3000]).unwrap();
                }
            });
            let mut all = vec![];
            from.read_to_end(&mut all).unwrap();
            let parts = (0..100).flat_map(|part| [part; 3000]);
            assert!(all.into_iter().eq(parts));
            writer.join().unwrap();
            cats.into_iter().for_each(|cat| cat.join().unwrap());
            stop.store(true, Relaxed);
        });
    });
}

/// A child of ours, from a command of std's.
fn std_child(command: &StdCommand) -> Child {
    Command::new(command.get_program())
        .args(command.get_args())
        .envs(
            command
                .get_envs()
                .filter_map(|(key, value)| Some((key, value?))),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Standard input is a file, or nothing.
#[test]
fn standard_input_of_other_kinds() {
    let name = "standard_input_of_other_kinds";
    if let Some(role) = child::role() {
        return run(move || {
            let mut text = String::new();
            let n = stdin().read_to_string(&mut text).unwrap();
            assert_eq!(n != 0, role == "file", "{role}: {text}");
        });
    }
    for role in ["file", "nothing"] {
        let mut command = child::again(name, role);
        command.stdin(match role {
            "file" => std::fs::File::open("Cargo.toml").unwrap().into(),
            _ => Stdio::null(),
        });
        assert!(command.status().unwrap().success(), "{role}");
    }
}

//! What the caller of `run` has, and our threads must not take over; and what goroutines do to
//! their threads. In children, as it is about the first `run` of a process.
#![allow(
    unsafe_code,
    reason = "gosched::run is the unsafe door; signal masks, priorities, filters"
)]

mod support;

use std::process::Command;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use gosched::thread::{sleep, spawn, yield_now};
use support::child::{self, Ended};

const LIMIT: Duration = Duration::from_secs(60);
/// In the child, the program; in the parent, for 1, 2 and 4 Ps, how it ended.
fn ended(test: &str, program: impl FnOnce(usize)) -> Vec<Ended> {
    ended_under(&[], test, program)
}

/// As [`ended`], the child started by a command like `chrt`; at one P only where that makes
/// real-time threads.
fn ended_under(by: &[&str], test: &str, program: impl FnOnce(usize)) -> Vec<Ended> {
    if let Some(procs) = child::role() {
        program(procs.parse().unwrap());
        println!("came to its end");
        std::process::exit(0); // busy goroutines do not hold it up
    }
    let run = |&procs: &&str| {
        let again = child::again(test, procs);
        let mut command = match by {
            [] => again,
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(again.get_program());
                command.args(again.get_args());
                for (key, value) in again.get_envs() {
                    match value {
                        Some(value) => command.env(key, value),
                        None => command.env_remove(key),
                    };
                }
                command
            }
        };
        child::run(&mut command, LIMIT)
    };
    // Real-time threads do not share a CPU: more Ps than CPUs would not all get on.
    let ps = if by.contains(&"-f") {
        &["1"][..]
    } else {
        &["1", "2", "4"]
    };
    ps.iter().map(run).collect()
}

#[track_caller]
fn all_came_to_their_end(all: &[Ended]) {
    for ended in all {
        let fine = ended.status == Some(0) && ended.stdout.contains("came to its end");
        assert!(fine, "{ended}");
    }
}

fn run(procs: usize, f: impl FnOnce() + Send) {
    // SAFETY: nothing in these programs is tied to a thread.
    unsafe { gosched::Builder::new().procs(procs).run(f) }
}

/// All signals are blocked for the calling thread, as before `sigwait`.
fn block_all() {
    // SAFETY: all zeros is a place for the set.
    let mut all: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: our set.
    unsafe { libc::sigfillset(&raw mut all) };
    // SAFETY: a filled set.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut()) };
}

fn is_blocked(signal: i32) -> bool {
    // SAFETY: all zeros is a place for the set.
    let mut mask: libc::sigset_t = unsafe { std::mem::zeroed() };
    // SAFETY: asks only.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut mask) };
    // SAFETY: filled in by the call above.
    unsafe { libc::sigismember(&raw const mask, signal) == 1 }
}

static COUNT: AtomicU64 = AtomicU64::new(0);

/// Computes for ever, and never enters the runtime.
fn compute() {
    loop {
        COUNT.fetch_add(1, Relaxed);
    }
}

fn wait_for_compute() {
    let before = COUNT.load(Relaxed);
    while COUNT.load(Relaxed) < before + 1000 {
        sleep(Duration::from_millis(1));
    }
}

/// More goroutines that compute than Ps: main gets its turns nevertheless, and the world stops.
fn go_on_beside_hogs(procs: usize) {
    (0..procs).for_each(|_| gosched::go(compute));
    wait_for_compute();
    (0..5).for_each(|_| yield_now());
    gosched::gomaxprocs(procs + 1);
    gosched::gomaxprocs(procs);
    gosched::trim();
}

#[test]
fn goroutines_are_preempted_though_run_s_caller_has_all_signals_blocked() {
    all_came_to_their_end(&ended(
        "goroutines_are_preempted_though_run_s_caller_has_all_signals_blocked",
        |procs| {
            block_all();
            run(procs, || go_on_beside_hogs(procs));
        },
    ));
}

#[test]
fn an_overflow_is_reported_though_all_signals_are_blocked() {
    fn deeper(n: usize) -> usize {
        let frame = std::hint::black_box([n; 64]);
        if n == usize::MAX {
            return 0;
        }
        deeper(std::hint::black_box(n + 1)) + frame[n % 64]
    }
    for ended in ended(
        "an_overflow_is_reported_though_all_signals_are_blocked",
        |procs| {
            block_all();
            run(procs, || drop(spawn(|| deeper(0)).join()));
        },
    ) {
        let told = ended.stderr.contains("fatal error: stack overflow");
        assert!(ended.status == Some(2) && told, "{ended}");
    }
}

/// So that `sigwait` in a plain thread gets it, and no M.
#[test]
fn what_the_caller_has_blocked_stays_blocked_for_sigwait() {
    all_came_to_their_end(&ended(
        "what_the_caller_has_blocked_stays_blocked_for_sigwait",
        |procs| {
            block_all();
            run(procs, || {
                let masks = (0..20).map(|_| {
                    spawn(|| {
                        yield_now();
                        [libc::SIGTERM, libc::SIGQUIT, libc::SIGUSR1].map(is_blocked)
                    })
                });
                let masks: Vec<_> = masks.collect();
                for mask in masks {
                    assert_eq!(mask.join().unwrap(), [true; 3]);
                }
                assert!(!is_blocked(libc::SIGURG) && !is_blocked(libc::SIGSEGV));
            });
        },
    ));
}

/// Who blocks nothing has nothing blocked; the helpers leave all signals to others.
#[test]
fn ms_have_the_caller_s_mask_and_helpers_handle_nothing() {
    all_came_to_their_end(&ended(
        "ms_have_the_caller_s_mask_and_helpers_handle_nothing",
        |procs| {
            run(procs, || {
                assert!(!is_blocked(libc::SIGTERM) && !is_blocked(libc::SIGURG));
                // One that was locked and has changed everything leaves nothing behind.
                for _ in 0..10 {
                    let locked = spawn(|| {
                        gosched::lock_os_thread();
                        block_all();
                    });
                    locked.join().unwrap();
                    assert!(!spawn(|| is_blocked(libc::SIGTERM)).join().unwrap());
                }
            });
            // The C library blocks all signals for a moment while it makes a thread: until none does.
            let end = Instant::now() + Duration::from_secs(20);
            while let Err(status) = helpers_handle_nothing_but_faults() {
                assert!(Instant::now() < end, "{status}");
                std::thread::yield_now();
            }
        },
    ));
}

/// Of this process's spawner and sysmon; if not, what the kernel says of one of them.
fn helpers_handle_nothing_but_faults() -> Result<(), String> {
    let mut seen = 0;
    for entry in std::fs::read_dir("/proc/self/task").unwrap() {
        let status = entry.unwrap().path().join("status");
        let Ok(status) = std::fs::read_to_string(status) else {
            continue;
        };
        let of = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            line.unwrap().trim().to_owned()
        };
        // The kernel keeps 15 bytes of a name.
        if ["gosched-spawner", "gosched-sysmon"].contains(&of("Name:").as_str()) {
            seen += 1;
            let mask = u64::from_str_radix(&of("SigBlk:"), 16).unwrap();
            let blocked = |signal: i32| mask >> (signal - 1) & 1 == 1;
            let others = blocked(libc::SIGTERM) && blocked(libc::SIGURG);
            let faults = blocked(libc::SIGSEGV) || blocked(libc::SIGBUS);
            if !others || faults {
                return Err(status);
            }
        }
    }
    match seen {
        2 => Ok(()),
        n => Err(format!("{n} helpers, not 2")),
    }
}

#[test]
fn a_goroutine_that_blocks_the_signal_keeps_nobody_from_running() {
    for ended in ended(
        "a_goroutine_that_blocks_the_signal_keeps_nobody_from_running",
        |procs| {
            run(procs, || {
                gosched::go(|| {
                    block_all();
                    compute();
                });
                wait_for_compute();
                gosched::gomaxprocs(procs + 1);
                gosched::gomaxprocs(procs);
                gosched::trim();
                go_on_beside_hogs(procs);
            });
        },
    ) {
        all_came_to_their_end(&[ended]);
    }
}

#[test]
fn it_is_said_that_a_goroutine_blocks_the_signal() {
    for ended in ended("it_is_said_that_a_goroutine_blocks_the_signal", |procs| {
        run(procs, || {
            let stderr = StderrFile::begin();
            for _ in 0..procs {
                gosched::go(|| {
                    block_all();
                    compute();
                });
            }
            stderr.until_it_says("SIGURG blocked");
        });
    }) {
        all_came_to_their_end(std::slice::from_ref(&ended));
        let words = "gosched: a goroutine that computes has SIGURG blocked";
        assert_eq!(ended.stderr.matches(words).count(), 1, "{ended}");
    }
}

/// Standard error, made a file. From before those are started of whom something will be said: it may be said at
/// once.
struct StderrFile {
    path: std::path::PathBuf,
    old: libc::c_int,
}

impl StderrFile {
    fn begin() -> StderrFile {
        let path = std::env::temp_dir().join(format!("gosched-stderr-{}", std::process::id()));
        let file = std::fs::File::create(&path).unwrap();
        // SAFETY: descriptors that are open.
        let old = unsafe { libc::dup(2) };
        // SAFETY: the same.
        unsafe { libc::dup2(std::os::fd::AsRawFd::as_raw_fd(&file), 2) };
        StderrFile { path, old }
    }

    /// Goes on until it has the words; then writes it to the old one.
    fn until_it_says(self, words: &str) {
        let text = || std::fs::read_to_string(&self.path).unwrap();
        while !text().contains(words) {
            sleep(Duration::from_millis(1));
        }
        // Twice as long, to see that it is said once.
        sleep(Duration::from_millis(100));
        // SAFETY: descriptors that are open.
        unsafe { libc::dup2(self.old, 2) };
        eprint!("{}", text());
        std::fs::remove_file(&self.path).unwrap();
    }
}

#[test]
fn another_handler_for_the_signal_is_noticed() {
    extern "C" fn deaf(_: libc::c_int) {}
    for ended in ended("another_handler_for_the_signal_is_noticed", |procs| {
        run(procs, || {
            // SAFETY: all zeros is the default action, with no flags and an empty mask.
            let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
            action.sa_sigaction = deaf as *const () as usize;
            action.sa_flags = libc::SA_ONSTACK | libc::SA_RESTART;
            // SAFETY: a valid action, whose handler does nothing.
            unsafe { libc::sigaction(libc::SIGURG, &raw const action, std::ptr::null_mut()) };
            let stderr = StderrFile::begin();
            (0..procs).for_each(|_| gosched::go(compute));
            stderr.until_it_says("handler of SIGURG was replaced");
            gosched::gomaxprocs(procs + 1);
        });
    }) {
        all_came_to_their_end(std::slice::from_ref(&ended));
        assert_eq!(ended.stderr.matches("was replaced").count(), 1, "{ended}");
    }
}

/// From now on the system call fails like this for all threads of the process.
fn refuse(call: libc::c_long, errno: i32) {
    let step = |code: u32, jt, jf, k| libc::sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    };
    let mut filter = [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        step(
            libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
            0,
            1,
            call as u32,
        ),
        step(
            libc::BPF_RET | libc::BPF_K,
            0,
            0,
            libc::SECCOMP_RET_ERRNO | errno as u32,
        ),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: numbers only.
    let set = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(set, 0);
    let mode = libc::SECCOMP_SET_MODE_FILTER;
    let all = libc::SECCOMP_FILTER_FLAG_TSYNC;
    // SAFETY: a program of ours.
    let set = unsafe { libc::syscall(libc::SYS_seccomp, mode, all, &raw const program) };
    assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
}

#[test]
fn a_refused_signal_is_said_once_and_nobody_starves() {
    for ended in ended(
        "a_refused_signal_is_said_once_and_nobody_starves",
        |procs| {
            refuse(libc::SYS_tgkill, libc::EPERM);
            run(procs, || {
                let stderr = StderrFile::begin();
                (0..procs).for_each(|_| gosched::go(compute));
                stderr.until_it_says("refuses tgkill");
                gosched::gomaxprocs(procs + 1);
                gosched::gomaxprocs(procs);
            });
        },
    ) {
        all_came_to_their_end(std::slice::from_ref(&ended));
        let words = "gosched: the system refuses tgkill (EPERM)";
        assert_eq!(ended.stderr.matches(words).count(), 1, "{ended}");
    }
}

#[test]
fn a_refused_membarrier_is_said_with_the_error() {
    for (errno, words) in [
        (
            libc::EPERM,
            "fatal error: the system refuses membarrier, which gosched needs: EPERM",
        ),
        (
            libc::ENOSYS,
            "fatal error: this kernel has no expedited membarrier (Linux 4.14), which gosched \
             needs: ENOSYS",
        ),
    ] {
        let test = "a_refused_membarrier_is_said_with_the_error";
        if let Some(errno) = child::role() {
            refuse(libc::SYS_membarrier, errno.parse().unwrap());
            run(1, || ());
            return;
        }
        let ended = child::run(&mut child::again(test, &errno.to_string()), LIMIT);
        assert_eq!(ended.status, Some(2), "{ended}");
        assert!(ended.stderr.contains(words), "{ended}");
    }
}

#[test]
fn a_membarrier_that_is_refused_later_is_said_once() {
    for ended in ended("a_membarrier_that_is_refused_later_is_said_once", |procs| {
        run(procs, || {
            let stderr = StderrFile::begin();
            refuse(libc::SYS_membarrier, libc::EPERM);
            // In the kernel for ever, with work for their Ps.
            for _ in 0..procs {
                gosched::go(|| {
                    loop {
                        // SAFETY: no preconditions.
                        unsafe { libc::usleep(100_000) };
                    }
                });
            }
            stderr.until_it_says("refuses membarrier");
            gosched::gomaxprocs(procs + 1);
            gosched::trim();
        });
    }) {
        all_came_to_their_end(std::slice::from_ref(&ended));
        assert_eq!(
            ended.stderr.matches("membarrier (EPERM)").count(),
            1,
            "{ended}"
        );
    }
}

/// Can this user start a program like this? Where not, the test sees nothing.
fn works(by: &[&str]) -> bool {
    let status = Command::new(by[0]).args(&by[1..]).arg("true").status();
    status.is_ok_and(|status| status.success())
}

/// Those who keep a CPU from all others must not meet on it.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// On one CPU, where a real-time thread that computes leaves nothing for its equals.
#[test]
fn sysmon_preempts_real_time_threads() {
    let by = ["taskset", "-c", &first_cpu(), "chrt", "-f", "10"];
    if child::role().is_none() && !works(&by) {
        return;
    }
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    all_came_to_their_end(&ended_under(
        &by,
        "sysmon_preempts_real_time_threads",
        |procs| run(procs, || go_on_beside_hogs(procs)),
    ));
}

/// Where the helpers may not have more, the Ms have less.
#[test]
fn ms_step_back_where_helpers_may_not_step_forward() {
    let cpu = first_cpu();
    let by = format!(
        "taskset -c {cpu} chrt -f 10 setpriv --bounding-set=-sys_nice --inh-caps=-sys_nice"
    );
    let by: Vec<&str> = by.split(' ').collect();
    if child::role().is_none() && !works(&by) {
        return;
    }
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    all_came_to_their_end(&ended_under(
        &by,
        "ms_step_back_where_helpers_may_not_step_forward",
        |procs| {
            run(procs, || {
                go_on_beside_hogs(procs);
                // SAFETY: all zeros is a place for the answer.
                let mut param: libc::sched_param = unsafe { std::mem::zeroed() };
                // SAFETY: about this thread; our place.
                unsafe { libc::sched_getparam(0, &raw mut param) };
                assert_eq!(param.sched_priority, 9);
            });
        },
    ));
}

/// A CPU that this process may use.
fn first_cpu() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let list = status
        .lines()
        .find_map(|l| l.strip_prefix("Cpus_allowed_list:"));
    let end = |c: char| !c.is_ascii_digit();
    list.unwrap().trim().split(end).next().unwrap().to_owned()
}

/// Layouts of the address space, and limits, that a shell or a supervisor may have set.
#[test]
fn it_runs_under_other_personalities_and_limits() {
    let cases: [&[&str]; 8] = [
        &["setarch", "-R"],
        &["setarch", "-L"],
        &["setarch", "-X"],
        &["setarch", "-B"],
        &["nice", "-n", "19"],
        &["prlimit", "--stack=65536"],
        &["prlimit", "--stack=unlimited"],
        &["chrt", "-i", "0"],
    ];
    for by in cases {
        if child::role().is_none() && !works(by) {
            continue;
        }
        all_came_to_their_end(&ended_under(
            by,
            "it_runs_under_other_personalities_and_limits",
            |procs| run(procs, || go_on_beside_hogs(procs)),
        ));
    }
}

/// Some emulators say yes to advice that they do not know. A guard that is none would let a stack run
/// into its neighbour's.
#[test]
fn guards_are_there_although_advice_is_ignored() {
    let test = "guards_are_there_although_advice_is_ignored";
    for ended in ended(test, |procs| {
        refuse(libc::SYS_process_madvise, 0);
        refuse(libc::SYS_madvise, 0);
        run(procs, || spawn(|| deeper(0)).join().map(drop).unwrap());
    }) {
        assert_eq!(ended.status, Some(2), "{ended}");
        assert!(
            ended.stderr.contains("fatal error: stack overflow"),
            "{ended}"
        );
    }
}

#[expect(unconditional_recursion, reason = "until the stack is used up")]
#[inline(never)]
fn deeper(depth: u64) -> u64 {
    std::hint::black_box(deeper(std::hint::black_box(depth + 1)) + 1)
}

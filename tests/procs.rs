//! The number of Ps follows the CPUs that may be used. In children, whose masks we change.
#![allow(
    unsafe_code,
    reason = "gosched::run is the unsafe door; affinity masks"
)]

mod support;

use std::time::{Duration, Instant};

use gosched::thread::sleep;
use support::child::{self, Ended};

const LIMIT: Duration = Duration::from_secs(60);

fn ended(test: &str, env: &[(&str, &str)], program: impl FnOnce()) -> Option<Ended> {
    if child::role().is_some() {
        program();
        println!("came to its end");
        std::process::exit(0);
    }
    let mut command = child::again(test, "go");
    command.env_remove("GOMAXPROCS").env_remove("GOSCHED");
    command.envs(env.iter().copied());
    Some(child::run(&mut command, LIMIT))
}

#[track_caller]
fn came_to_its_end(ended: Option<Ended>) {
    let ended = ended.unwrap();
    let fine = ended.status == Some(0) && ended.stdout.contains("came to its end");
    assert!(fine, "{ended}");
}

fn run(f: impl FnOnce() + Send) {
    // SAFETY: nothing in these programs is tied to a thread.
    unsafe { gosched::run(f) }
}

fn cpus() -> Vec<usize> {
    // SAFETY: all zeros is an empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: our place.
    unsafe { libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) };
    // SAFETY: within the set.
    let has = |&cpu: &usize| unsafe { libc::CPU_ISSET(cpu, &set) };
    (0..libc::CPU_SETSIZE as usize).filter(has).collect()
}

/// For all threads, as `taskset -a` does it.
fn use_only(cpus: &[usize]) {
    // SAFETY: all zeros is an empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    for &cpu in cpus {
        // SAFETY: within the set.
        unsafe { libc::CPU_SET(cpu, &mut set) };
    }
    for entry in std::fs::read_dir("/proc/self/task").unwrap() {
        let tid = entry
            .unwrap()
            .file_name()
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        // SAFETY: our set.
        unsafe { libc::sched_setaffinity(tid, size_of_val(&set), &raw const set) };
    }
}

/// Keeps sysmon awake meanwhile: an idle program is not looked at.
#[track_caller]
fn wait_for(procs: usize) {
    let end = Instant::now() + LIMIT / 2;
    while gosched::gomaxprocs(0) != procs {
        assert!(Instant::now() < end, "{} Ps", gosched::gomaxprocs(0));
        sleep(Duration::from_micros(100));
    }
}

/// As long as sysmon would have looked twice.
fn stays(procs: usize) {
    let end = Instant::now() + Duration::from_millis(2500);
    while Instant::now() < end {
        assert_eq!(gosched::gomaxprocs(0), procs);
        sleep(Duration::from_micros(100));
    }
}

#[test]
fn fewer_cpus_are_fewer_ps_and_more_are_more() {
    came_to_its_end(ended(
        "fewer_cpus_are_fewer_ps_and_more_are_more",
        &[],
        || {
            let all = cpus();
            run(|| {
                let before = gosched::gomaxprocs(0);
                assert!(before <= all.len());
                use_only(&all[..1]);
                wait_for(1);
                use_only(&all);
                wait_for(before);
            });
        },
    ));
}

#[test]
fn a_number_that_was_set_stays() {
    let fixed = |all: &[usize]| {
        let procs = gosched::gomaxprocs(0);
        use_only(&all[..1]);
        stays(procs);
    };
    let test = "a_number_that_was_set_stays";
    for (what, env) in [
        ("variable", ("GOMAXPROCS", "3")),
        ("key", ("GOSCHED", "updatemaxprocs=0")),
        ("call", ("CALL", "1")),
    ] {
        let program = || {
            let all = cpus();
            run(|| match std::env::var("CALL") {
                Ok(_) => {
                    let before = gosched::gomaxprocs(0);
                    gosched::gomaxprocs(before); // the same, and yet it was set
                    fixed(&all);
                    gosched::set_default_gomaxprocs();
                    assert_eq!(gosched::gomaxprocs(0), 1);
                    use_only(&all);
                    wait_for(before);
                }
                Err(_) => fixed(&all),
            });
        };
        println!("{what}");
        came_to_its_end(ended(test, &[env], program));
    }
}

#[test]
fn a_builder_s_number_stays_until_the_default_is_asked_for() {
    came_to_its_end(ended(
        "a_builder_s_number_stays_until_the_default_is_asked_for",
        &[],
        || {
            let all = cpus();
            // SAFETY: nothing here is tied to a thread.
            unsafe {
                gosched::Builder::new().procs(7).run(|| {
                    stays(7);
                    gosched::set_default_gomaxprocs();
                    assert!(gosched::gomaxprocs(0) <= all.len());
                    use_only(&all[..1]);
                    wait_for(1);
                });
            }
        },
    ));
}

/// While Ps come and go, nothing is lost.
#[test]
fn goroutines_go_on_while_the_number_changes() {
    came_to_its_end(ended(
        "goroutines_go_on_while_the_number_changes",
        &[],
        || {
            let all = cpus();
            run(|| {
                let before = gosched::gomaxprocs(0);
                let (send, receive) = gosched::channel::bounded(3);
                for _ in 0..8 {
                    let send = send.clone();
                    gosched::go(move || while send.send(1).is_ok() {});
                }
                for round in 0..4 {
                    let few = round % 2 == 0;
                    use_only(if few { &all[..1] } else { &all });
                    let wanted = if few { 1 } else { before };
                    let end = Instant::now() + LIMIT / 2;
                    while gosched::gomaxprocs(0) != wanted {
                        assert!(Instant::now() < end);
                        (0..1000).for_each(|_| assert_eq!(receive.recv(), Ok(1)));
                    }
                }
            });
        },
    ));
}

/// It does not yield again and again: whoever has the turn may be without a CPU for long.
#[test]
fn who_waits_to_stop_the_world_is_parked() {
    let end = Instant::now() + LIMIT / 3;
    let is_parked = || {
        let all = gosched::goroutines();
        all.iter().any(|g| g.wait_reason == Some("semacquire"))
    };
    run(|| {
        let before = gosched::gomaxprocs(0);
        let stopper = gosched::__with_turn_to_stop(|| {
            let stopper = gosched::thread::spawn(move || gosched::gomaxprocs(before + 1));
            while !is_parked() {
                assert!(Instant::now() < end, "it does not park");
                sleep(Duration::from_micros(100));
            }
            stopper
        });
        assert_eq!(stopper.join().unwrap(), before);
        assert_eq!(gosched::gomaxprocs(before), before + 1);
    });
}

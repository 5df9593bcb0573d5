//! Signals as messages of a channel. Go: os/signal signal_test.go.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door; raise")]

mod support;

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use gosched::channel::{Receiver, Sender, TryRecvError, bounded, unbounded};
use gosched::context::background;
use gosched::signal::{self, Signal};
use gosched::thread::{scope, sleep};
use support::{check, child};

const LIMIT: Duration = Duration::from_secs(60);
const MS: Duration = Duration::from_millis(1);

fn raise(signal: Signal) {
    // SAFETY: no memory is passed; the tests see to what it does.
    assert_eq!(unsafe { libc::raise(signal.number()) }, 0);
}

fn soon<T>(channel: &Receiver<T>) -> T {
    channel.recv_timeout(LIMIT).expect("the signal is heard of")
}

fn run(body: impl FnOnce() + Send) {
    // SAFETY: nothing in the body is tied to an OS thread.
    unsafe { gosched::run(body) };
}

/// Go: TestSignal, TestNotifyAll's kind: several channels, calls that add up, all signals.
#[test]
fn channels_hear_of_what_they_asked_for() {
    check(|| {
        let (one, of_one) = bounded(1);
        let (all, of_all) = bounded(8);
        signal::notify(&one, [Signal::USR1]);
        raise(Signal::USR1);
        assert_eq!(soon(&of_one), Signal::USR1);
        signal::notify(&one, [Signal::USR2, Signal::WINCH]);
        signal::notify(&all, []);
        for signal in [Signal::USR1, Signal::WINCH, Signal::HUP, Signal::USR2] {
            raise(signal);
            assert_eq!(soon(&of_all), signal);
            if signal != Signal::HUP {
                assert_eq!(soon(&of_one), signal);
            }
        }
        signal::stop(&one);
        raise(Signal::USR2);
        assert_eq!(soon(&of_all), Signal::USR2);
        assert_eq!(of_one.try_recv(), Err(TryRecvError::Empty));
        signal::stop(&all);
        signal::stop(&all);
        drop((one, all));
        assert!(
            of_one.recv().is_err() && of_all.recv().is_err(),
            "a sender is left"
        );
    });
}

/// Without room the signal is lost, and nobody waits. What came before a stop is sent by then.
#[test]
fn a_full_channel_misses_signals() {
    check(|| {
        let (send, signals) = bounded(1);
        signal::notify(&send, [Signal::USR1, Signal::USR2]);
        raise(Signal::USR1);
        while signals.is_empty() {
            sleep(MS / 10);
        }
        raise(Signal::USR2);
        signal::stop(&send);
        assert_eq!(signals.recv(), Ok(Signal::USR1));
        assert_eq!(signals.try_recv(), Err(TryRecvError::Empty));
        signal::notify(&send, [Signal::USR1]);
        raise(Signal::USR1);
        signal::stop(&send);
        assert_eq!(
            signals.try_recv(),
            Ok(Signal::USR1),
            "it came before the stop"
        );
    });
}

/// Go: TestIgnore, TestIgnored, TestReset.
#[test]
fn ignored_and_reset() {
    check(|| {
        let (send, signals) = bounded(1);
        signal::notify(&send, [Signal::USR1, Signal::USR2]);
        signal::ignore([Signal::USR1]);
        assert!(signal::ignored(Signal::USR1) && !signal::ignored(Signal::USR2));
        raise(Signal::USR1);
        raise(Signal::USR2);
        assert_eq!(soon(&signals), Signal::USR2);
        signal::notify(&send, [Signal::USR1]);
        raise(Signal::USR1);
        assert_eq!(soon(&signals), Signal::USR1);
        signal::reset([Signal::USR1, Signal::USR2]);
        assert!(!signal::ignored(Signal::USR1));
        assert!(signal::ignored(Signal::PIPE), "as Rust programs begin");
        signal::notify(&send, [Signal::PIPE]);
        signal::stop(&send);
        assert!(signal::ignored(Signal::PIPE));
        // What cannot be heard of changes nothing.
        signal::notify(
            &send,
            [9, 11, 19, 32].map(|n| Signal::from_number(n).unwrap()),
        );
        signal::stop(&send);
    });
}

/// Go: TestNotifyContextNotifications, TestNotifyContextStop, TestNotifyContextCancelParent.
#[test]
fn contexts_that_signals_end() {
    check(|| {
        let (ctx, stop) = signal::notify_context(&background(), [Signal::USR1, Signal::USR2]);
        assert!(ctx.err().is_none());
        raise(Signal::USR2);
        assert!(ctx.done().recv_timeout(LIMIT).is_err());
        assert_eq!(ctx.cause().unwrap().to_string(), "SIGUSR2 received");
        raise(Signal::USR1); // nothing more
        stop.stop();
        let (ctx, stop) = signal::notify_context(&background(), [Signal::USR1]);
        stop.stop();
        stop.stop();
        assert_eq!(ctx.cause().unwrap().to_string(), "context canceled");
        let (parent, cancel) = gosched::context::with_cancel(&background());
        let (ctx, stop) = signal::notify_context(&parent, [Signal::USR1]);
        cancel.cancel();
        assert!(ctx.err().is_some());
        stop.stop();
    });
}

/// Signals, hogs and a preemption every millisecond: each signal is heard of, SIGURG too, which is the
/// runtime's own, and the hogs are preempted as before.
#[test]
fn signals_beside_preemption() {
    let name = "signals_beside_preemption";
    if child::role().is_some() {
        return run(|| {
            let (send, signals) = bounded(4);
            signal::notify(&send, [Signal::URG, Signal::USR1]);
            let stop = &AtomicBool::new(false);
            scope(|s| {
                let hog = || while !stop.load(Relaxed) {};
                (0..4).for_each(|_| drop(s.spawn(hog)));
                for i in 0..50 {
                    let signal = [Signal::URG, Signal::USR1][i % 2];
                    raise(signal);
                    assert_eq!(soon(&signals), signal);
                }
                stop.store(true, Relaxed);
            });
            signal::stop(&send);
            raise(Signal::URG);
            assert_eq!(signals.try_recv(), Err(TryRecvError::Empty));
        });
    }
    for procs in ["1", "2"] {
        let mut command = child::again(name, "child");
        command.env("GOMAXPROCS", procs).env("GOSCHED", "slice=1ms");
        let ended = child::run(&mut command, LIMIT);
        assert_eq!(ended.status, Some(0), "{ended}");
    }
}

/// This test again in a process of its own, which says when it is ready; then it gets `signals`, each after
/// it has said so. Returns its status and the signal that has ended it.
fn ended_by(name: &str, role: &str, signals: &[Signal]) -> (Option<i32>, Option<i32>) {
    let mut command = child::again(name, role);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for signal in signals {
        while !lines.next().unwrap().unwrap().ends_with("ready") {}
        // SAFETY: no memory is passed; the child was not waited for.
        unsafe { libc::kill(child.id().cast_signed(), signal.number()) };
    }
    let begin = Instant::now();
    while begin.elapsed() < LIMIT {
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code(), status.signal());
        }
        std::thread::sleep(MS);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    panic!("{role}: it does not end");
}

fn ready() {
    println!("ready");
}

fn wait_for_ever() {
    gosched::blocking(|| std::thread::sleep(2 * LIMIT));
}

fn registered(signal: Signal) -> (Sender<Signal>, Receiver<Signal>) {
    let (send, signals) = bounded(1);
    signal::notify(&send, [signal]);
    (send, signals)
}

/// Go: TestStop, TestNotifyContextSimultaneousStop's kind: after the last stop the signal does what it did.
#[test]
fn the_default_is_back_after_the_last_stop() {
    let name = "the_default_is_back_after_the_last_stop";
    let (term, quit) = (Signal::TERM, Signal::QUIT);
    match child::role().as_deref() {
        None => (),
        // Once heard of, and then the end; with one channel left it is heard of again.
        Some("term") => {
            return run(|| {
                let ((a, of_a), (b, of_b)) = (registered(term), registered(term));
                ready();
                assert_eq!((of_a.recv(), of_b.recv()), (Ok(term), Ok(term)));
                signal::stop(&a);
                ready();
                assert_eq!(of_b.recv(), Ok(term));
                signal::stop(&b);
                ready();
                wait_for_ever();
            });
        }
        // The receivers are gone: the next signal is lost, and the one after it does what it did.
        Some("dropped") => {
            return run(|| {
                let (send, signals) = registered(term);
                drop(signals);
                ready();
                while term_is_handled() {
                    sleep(MS);
                }
                drop(send);
                ready();
                wait_for_ever();
            });
        }
        // The runtime's own SIGQUIT: heard of, and then a report and status 2.
        Some("quit") => {
            return run(|| {
                let (send, signals) = registered(quit);
                ready();
                assert_eq!(signals.recv(), Ok(quit));
                signal::stop(&send);
                ready();
                wait_for_ever();
            });
        }
        // No runtime at all, and only plain threads.
        Some("plain") => {
            let (send, signals) = registered(term);
            ready();
            assert_eq!(signals.recv(), Ok(term));
            signal::stop(&send);
            ready();
            return std::thread::sleep(2 * LIMIT);
        }
        Some(role) => panic!("{role}"),
    }
    assert_eq!(ended_by(name, "term", &[term; 3]), (None, Some(15)));
    assert_eq!(ended_by(name, "dropped", &[term; 2]), (None, Some(15)));
    assert_eq!(ended_by(name, "quit", &[quit; 2]), (Some(2), None));
    assert_eq!(ended_by(name, "plain", &[term; 2]), (None, Some(15)));
}

/// Does the kernel call a handler of ours for SIGTERM?
fn term_is_handled() -> bool {
    // SAFETY: all zeros are an action.
    let mut now: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: asks only; the place is ours.
    unsafe { libc::sigaction(libc::SIGTERM, std::ptr::null(), &raw mut now) };
    now.sa_sigaction != libc::SIG_DFL
}

/// Go: a program that waits for a signal alone is no deadlock. Nor is it one for a context.
#[test]
fn waiting_for_a_signal_is_no_deadlock() {
    let name = "waiting_for_a_signal_is_no_deadlock";
    match child::role().as_deref() {
        None => (),
        Some("channel") => {
            return run(|| {
                let (_send, signals) = registered(Signal::INT);
                ready();
                assert_eq!(signals.recv(), Ok(Signal::INT));
            });
        }
        Some(_) => {
            return run(|| {
                let (ctx, _stop) = signal::notify_context(&background(), [Signal::INT]);
                ready();
                assert!(ctx.done().recv().is_err());
            });
        }
    }
    for role in ["channel", "context"] {
        assert_eq!(
            ended_by(name, role, &[Signal::INT]),
            (Some(0), None),
            "{role}"
        );
    }
}

/// Many signals at once, from several threads: as many as there are kinds at the least, and never more than
/// were sent.
#[test]
fn a_burst_of_signals() {
    check(|| {
        let (send, signals) = unbounded();
        let kinds = [Signal::USR1, Signal::USR2, Signal::WINCH, Signal::IO];
        signal::notify(&send, kinds);
        scope(|s| {
            for kind in kinds {
                s.spawn(move || (0..100).for_each(|_| raise(kind)));
            }
        });
        signal::stop(&send);
        drop(send);
        let heard: Vec<_> = signals.iter().collect();
        for kind in kinds {
            let times = heard.iter().filter(|signal| **signal == kind).count();
            assert!((1..=100).contains(&times), "{kind}: {times}");
        }
    });
}

//! The watchdog of tests/support bites when a test hangs, and only then.

use std::time::Duration;

#[path = "support/child.rs"]
mod child;
#[path = "support/watchdog.rs"]
mod watchdog;

use watchdog::Watchdog;

const SIGABRT: i32 = 6;

fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

fn say_dump() {
    eprintln!("goroutine 7 [chan receive]");
}

#[test]
fn a_hang_is_dumped_and_ends_the_process() {
    if let Some(what) = child::role() {
        let dump = if what == "dump hangs" {
            || hang()
        } else {
            say_dump as watchdog::Dump
        };
        let _dog = Watchdog::new("the test `x` at 2 Ps", Duration::from_millis(20), dump);
        hang();
    }
    let me = "a_hang_is_dumped_and_ends_the_process";
    let ended = child::run(&mut child::again(me, "hang"), Duration::from_secs(60));
    assert_eq!(ended.signal, Some(SIGABRT), "{ended}");
    let text = &ended.stderr;
    let at = |words: &str| {
        text.find(words)
            .unwrap_or_else(|| panic!("no {words:?} in {ended}"))
    };
    let begin = at("watchdog: the test `x` at 2 Ps did not end within 20ms");
    let dump = at("goroutine 7 [chan receive]");
    assert!(
        begin < dump && dump < at("watchdog: aborting: the test `x`"),
        "{ended}"
    );

    let ended = child::run(&mut child::again(me, "dump hangs"), Duration::from_secs(60));
    assert_eq!(ended.signal, Some(SIGABRT), "{ended}");
    assert!(
        ended.stderr.contains("the dump does not end either"),
        "{ended}"
    );
}

#[test]
fn a_test_that_ends_is_left_alone() {
    for _ in 0..100 {
        drop(Watchdog::new("quick", Duration::from_secs(60), || hang()));
    }
}

#[test]
fn a_child_that_does_not_end_is_killed() {
    if child::role().is_some() {
        hang();
    }
    let me = "a_child_that_does_not_end_is_killed";
    let ended = child::run(&mut child::again(me, "hang"), Duration::from_millis(200));
    assert!(ended.timed_out && ended.status.is_none(), "{ended}");
}

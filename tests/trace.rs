//! Recording what the scheduler does: schedules that are known come out as they are, what cannot have
//! happened does not come out, and Go's own reader of traces accepts all of it.
#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

#[path = "support/child.rs"]
mod child;
#[path = "support/go_reader.rs"]
mod go_reader;
#[path = "support/traced.rs"]
mod traced;

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read as _, Write as _};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use go_reader::{ask_go, ask_pprof, scratch};
use gosched::os::unix::net::UnixStream;
use gosched::trace::{self, Trace};
use gosched::{channel, goroutine, thread};
use traced::everything;

const LIMIT: Duration = Duration::from_secs(120);
const MS: Duration = Duration::from_millis(1);

/// One recording at a time in this process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records `f`, which runs on so many Ps.
fn record(ps: usize, f: impl FnOnce() + Send) -> Trace {
    let _alone = alone();
    // SAFETY: nothing in these programs is tied to a thread.
    unsafe {
        gosched::run(|| {
            gosched::gomaxprocs(ps);
            trace::start().unwrap();
            f();
            trace::stop().unwrap()
        })
    }
}

/// Goroutines in the order of their runs, where one that goes on counts once.
fn order_of(recorded: &Trace, among: &BTreeSet<u64>) -> Vec<u64> {
    let mut order: Vec<u64> = recorded.runs().iter().map(|run| run.goroutine).collect();
    order.retain(|g| among.contains(g));
    order.dedup();
    order
}

/// Plain threads do not stop when a recording begins: many begin while such threads wake goroutines.
#[test]
fn a_recording_begins_beside_wake_ups_from_outside() {
    let _alone = alone();
    // SAFETY: nothing in this program is tied to a thread.
    unsafe { gosched::run(|| gosched::gomaxprocs(2)) };
    let stop = AtomicBool::new(false);
    let round_trips = || {
        while !stop.load(SeqCst) {
            let me = thread::current();
            let there = thread::spawn(move || {
                me.unpark();
                thread::park();
            });
            thread::park();
            there.thread().unpark();
            there.join().unwrap();
        }
    };
    std::thread::scope(|scope| {
        (0..4).for_each(|_| drop(scope.spawn(round_trips)));
        let result = std::panic::catch_unwind(|| {
            for _ in 0..2000 {
                trace::start().unwrap();
                trace::stop().unwrap(); // it panics if something was not possible
            }
        });
        stop.store(true, SeqCst);
        result.unwrap();
    });
}

/// Go's order: the last one started is first, in `runnext`, then the others as they came.
#[test]
fn ten_goroutines_run_as_in_go() {
    let recorded = record(1, || {
        let ten: Vec<_> = (0..10).map(|_| thread::spawn(|| ())).collect();
        ten.into_iter().for_each(|one| one.join().unwrap());
    });
    let runs = recorded.runs();
    let main = runs[0].goroutine;
    let ten: BTreeSet<u64> = runs
        .iter()
        .map(|run| run.goroutine)
        .filter(|&g| g != main)
        .collect();
    assert_eq!(ten.len(), 10);
    let by_age: Vec<u64> = ten.iter().copied().collect(); // numbers grow, maybe with gaps
    let expected = [9, 0, 1, 2, 3, 4, 5, 6, 7, 8].map(|i| by_age[i]);
    assert_eq!(order_of(&recorded, &ten), expected);
    let rule_of = |g| {
        runs.iter()
            .find(|run| run.goroutine == g)
            .unwrap()
            .chosen_by
    };
    assert_eq!(rule_of(by_age[9]), Some("runnext"));
    let others = &by_age[..9];
    assert!(others.iter().all(|&g| rule_of(g) == Some("local queue")));
}

/// The shop of `examples/grocery` with one shopper, who does one tick of an errand and then goes on with the next
/// errand. What is fetched at a counter waits there until everything else is in the cart. `steady=1`: no slice ends.
#[test]
fn the_errands_of_one_shopper_take_turns() {
    const NAME: &str = "the_errands_of_one_shopper_take_turns";
    // Ticks to fetch it and to bring it to the cart; is there a counter?
    const LIST: [(u32, u32, bool); 5] = [
        (2, 1, true),  // cheese
        (2, 1, true),  // fish
        (5, 1, false), // apples
        (3, 1, true),  // bread
        (4, 1, false), // milk
    ];
    if child::role().is_none() {
        let mut command = child::again(NAME, "child");
        let ended = child::run(command.env("GOSCHED", "steady=1"), LIMIT);
        assert_eq!(ended.status, Some(0), "{ended:?}");
        return;
    }
    let ids = Mutex::new([None; 5]);
    let walk = |ticks| (0..ticks).for_each(|_| thread::yield_now());
    let recorded = record(1, || {
        thread::scope(|s| {
            let errands: [_; 5] = std::array::from_fn(|item| {
                let (ids, (fetch, bring, counter)) = (&ids, LIST[item]);
                s.spawn(move || {
                    ids.lock().unwrap()[item] = goroutine::id();
                    walk(fetch);
                    if counter {
                        thread::park();
                    }
                    walk(bring);
                })
            });
            let [cheese, fish, apples, bread, milk] = errands;
            apples.join().unwrap();
            milk.join().unwrap();
            for errand in [bread, fish, cheese] {
                errand.thread().unpark();
                errand.join().unwrap();
            }
        });
    });
    let ids = ids.into_inner().unwrap();
    let item = |g: u64| ids.iter().position(|&id| id == Some(g));
    let runs = recorded.runs();
    let order: Vec<usize> = runs.iter().filter_map(|run| item(run.goroutine)).collect();
    // The last one that was started is the first. A walk of n ticks is left n times.
    let expected = [
        vec![4, 0, 1, 2, 3],
        vec![4, 0, 1, 2, 3],
        vec![4, 0, 1, 2, 3], // cheese and fish come to their counters
        vec![4, 2, 3],       // bread to its
        vec![4, 2],
        vec![4, 2], // the milk is in the cart
        vec![2],    // the apples are
        vec![3, 3],
        vec![1, 1],
        vec![0, 0],
    ];
    assert_eq!(order, expected.concat());
}

/// On an unbuffered channel at one P each wakes the other and is woken by it.
#[test]
fn ping_pong_alternates() {
    let both = Mutex::new(BTreeSet::new());
    let recorded = record(1, || {
        let (to, from_main) = channel::bounded::<u32>(0);
        let (back, from_other) = channel::bounded::<u32>(0);
        both.lock().unwrap().insert(goroutine::id());
        let both = &both;
        thread::scope(|s| {
            s.spawn(|| {
                both.lock().unwrap().insert(goroutine::id());
                for n in from_main {
                    back.send(n + 1).unwrap();
                }
            });
            for n in 0..100 {
                to.send(n).unwrap();
                assert_eq!(from_other.recv(), Ok(n + 1));
            }
            drop(to);
        });
    });
    let both = both.into_inner().unwrap();
    assert_eq!(both.len(), 2);
    let runs = recorded.runs();
    // Two runs a round at least; after the first ones all come out of runnext.
    assert!(runs.len() >= 200, "{}", runs.len());
    let by_runnext = runs.iter().filter(|run| run.chosen_by == Some("runnext"));
    assert!(by_runnext.count() * 10 >= runs.len() * 9);
    assert!(
        runs.windows(2).all(|two| two[0].end <= two[1].start),
        "one P"
    );
}

/// Who reads from a socket waits for it, and it is the poller that chooses the goroutine next.
#[test]
fn waits_for_sockets_are_recorded() {
    let reader = AtomicU64::new(0);
    let recorded = record(1, || {
        let (mut here, mut there) = UnixStream::pair().unwrap();
        thread::scope(|s| {
            s.spawn(|| {
                reader.store(goroutine::id().unwrap(), SeqCst);
                there.read_exact(&mut [0; 2]).unwrap();
            });
            for _ in 0..2 {
                thread::sleep(MS); // it waits again: a reader with a byte asks for the other
                here.write_all(&[1]).unwrap();
            }
        });
    });
    let reader = reader.into_inner();
    let runs = recorded.runs();
    let of_reader = runs.iter().filter(|run| run.goroutine == reader);
    let by_net = of_reader.filter(|run| run.chosen_by == Some("ready descriptor"));
    assert!(by_net.count() > 0, "{runs:?}");
    let text = recorded.to_text();
    assert!(text.contains("IO wait"), "{text}");
}

#[test]
fn a_timeline_has_a_line_for_each_p_and_goroutine() {
    let recorded = record(2, || {
        let three: Vec<_> = (0..3)
            .map(|_| thread::spawn(|| thread::sleep(MS)))
            .collect();
        three.into_iter().for_each(|one| one.join().unwrap());
    });
    let text = recorded.to_text();
    assert!(text.lines().any(|line| line.starts_with("P0 ")), "{text}");
    for what in ["busy", "runnable", "chosen by", "trace.rs:"] {
        assert!(text.contains(what), "{what}\n{text}");
    }
    // The longest wait comes first, and that may be main's for the three.
    let waits = text.lines().find(|line| line.starts_with("waited for "));
    assert!(waits.is_some_and(|line| line.contains("sleep ")), "{text}");
}

/// The order of all events is found, so each was possible: the right to a P, the state of each
/// goroutine. Recorded from the middle of the program on.
#[test]
fn everything_that_happens_was_possible() {
    for ps in [1, 2, 4] {
        let recorded = record(ps, || everything(MS * 60));
        assert!(recorded.events() > 100, "{recorded:?}");
        let file = scratch(&format!("middle-{ps}.trace"));
        recorded.write(&file).unwrap();
        ask_go(&file);
    }
}

/// The same, from the program's beginning to its end, with slices of 1 ms.
#[test]
fn a_whole_program_is_recorded() {
    if child::role().is_some() {
        // SAFETY: nothing in this program is tied to a thread.
        unsafe { gosched::run(|| everything(MS * 60)) };
        return;
    }
    for ps in ["1", "2", "4"] {
        let endings: &[&str] = match ps {
            "2" => &["trace", "html", "perfetto", "txt"],
            _ => &["trace"],
        };
        for &ending in endings {
            let file = scratch(&format!("whole-{ps}.{ending}"));
            let _ = std::fs::remove_file(&file);
            let mut command = child::again("a_whole_program_is_recorded", "child");
            command.env("GOMAXPROCS", ps);
            command.env("GOSCHED", format!("slice=1ms,trace={}", file.display()));
            let ended = child::run(&mut command, LIMIT);
            assert_eq!(ended.status, Some(0), "{ended}");
            assert!(!ended.stderr.contains("gosched:"), "{ended}");
            let written = std::fs::read(&file).unwrap();
            assert!(written.len() > 1000, "{file:?}: {}", written.len());
            match ending {
                "trace" => ask_go(&file),
                "html" => assert!(written.starts_with(b"<!doctype html>")),
                _ => (),
            }
        }
    }
}

/// Stands in a stack by its name, in optimized builds too.
#[inline(never)]
fn naps_for_the_profile() {
    thread::sleep(MS * 30);
    std::hint::black_box(());
}

/// Profiles of the time blocked and of the time runnable, by the stacks that goroutines left.
#[test]
fn go_s_pprof_reads_where_goroutines_waited() {
    const NAME: &str = "go_s_pprof_reads_where_goroutines_waited";
    if child::role().is_some() {
        // SAFETY: nothing in this program is tied to a thread.
        return unsafe {
            gosched::run(|| {
                thread::spawn(naps_for_the_profile).join().unwrap();
            })
        };
    }
    let file = scratch("waits.pb.gz");
    let _ = std::fs::remove_file(&file);
    let mut command = child::again(NAME, "child");
    command.env("GOSCHED", format!("trace={}", file.display()));
    let ended = child::run(&mut command, LIMIT);
    assert_eq!(ended.status, Some(0), "{ended}");
    assert!(!ended.stderr.contains("gosched:"), "{ended}");
    assert_eq!(std::fs::read(&file).unwrap()[..2], [0x1f, 0x8b]);
    let Some(blocked) = ask_pprof(&file, "blocked") else {
        return;
    };
    assert!(
        blocked.contains("Type: blocked") && blocked.contains("reason:  sleep"),
        "{blocked}"
    );
    assert!(blocked.contains("naps_for_the_profile"), "{blocked}");
    let runnable = ask_pprof(&file, "runnable").unwrap();
    assert!(runnable.contains("Type: runnable"), "{runnable}");
    // Recorded by a call there are no stacks: it is where they were started.
    let recorded = record(1, || {
        thread::spawn(|| thread::sleep(MS * 3)).join().unwrap()
    });
    recorded.write(&file).unwrap();
    let said = ask_pprof(&file, "blocked").unwrap();
    assert!(said.contains("trace.rs:"), "{said}");
}

#[test]
fn the_standard_output_is_for_a_timeline() {
    if child::role().is_some() {
        // SAFETY: nothing in this program is tied to a thread.
        unsafe { gosched::run(|| thread::spawn(thread::yield_now).join().unwrap()) };
        return;
    }
    let mut command = child::again("the_standard_output_is_for_a_timeline", "child");
    command.env("GOSCHED", "trace=-");
    let ended = child::run(&mut command, LIMIT);
    assert_eq!(ended.status, Some(0), "{ended}");
    assert!(ended.stdout.contains("What each P ran"), "{ended}");
}

/// The program has less memory than its trace needs: it says so, and ends as it would have.
#[test]
fn without_memory_for_the_file_the_status_is_the_program_s_own() {
    if child::role().is_some() {
        // SAFETY: nothing in this program is tied to a thread.
        unsafe { gosched::run(|| (0..200_000).for_each(|_| thread::yield_now())) };
        // SAFETY: a limit of this process's own.
        let limited = unsafe {
            let bytes = libc::rlimit {
                rlim_cur: 1 << 20,
                rlim_max: 1 << 20,
            };
            libc::setrlimit(libc::RLIMIT_AS, &raw const bytes)
        };
        assert_eq!(limited, 0);
        std::process::exit(7);
    }
    let name = "without_memory_for_the_file_the_status_is_the_program_s_own";
    let mut command = child::again(name, "child");
    let file = scratch("no-memory.html");
    let _ = std::fs::remove_file(&file);
    command.env("GOSCHED", format!("trace={}", file.display()));
    let ended = child::run(&mut command, LIMIT);
    assert_eq!(ended.status, Some(7), "{ended}");
    assert!(ended.stderr.contains("no memory for the trace"), "{ended}");
    assert!(!file.exists());
}

#[test]
fn misuse_has_an_answer() {
    let recorded = record(1, || {
        let again = trace::start().unwrap_err();
        assert_eq!(again, trace::StartError::AlreadyOn);
        assert_eq!(again.to_string(), "tracing is already enabled");
        assert!(trace::is_enabled());
    });
    let _alone = alone();
    assert!(!trace::is_enabled());
    assert!(trace::stop().is_none());
    trace::log("nobody", "listens");
    let wrong = recorded.write(scratch("trace.pdf")).unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::InvalidInput);
    assert!(
        wrong.to_string().contains("want a file that ends in .html"),
        "{wrong}"
    );
    let nowhere = recorded.write("/nowhere/at/all.txt").unwrap_err();
    assert_eq!(nowhere.kind(), ErrorKind::NotFound);
}

#[test]
fn the_program_s_own_words_are_in_the_trace() {
    let recorded = record(1, || {
        let order = trace::Task::new("an order");
        let _region = order.region("packing");
        order.log("number", "seventeen");
        trace::log("weather", "fair");
    });
    let bytes = recorded.to_go();
    for words in [
        "an order",
        "packing",
        "number",
        "seventeen",
        "weather",
        "fair",
    ] {
        let found = bytes.windows(words.len()).any(|w| w == words.as_bytes());
        assert!(found, "{words}");
    }
}

/// Everything but the goroutines' own moves: timers, larger stacks, Ms that look for work and sleep, how
/// many were stolen, and names, also of goroutines that have ended.
#[test]
fn timers_stacks_steals_names_and_sleeps_are_recorded() {
    let recorded = record(2, || {
        let named = |name: &str| thread::Builder::new().name(name.into());
        let sleeper = named("the sleeper").spawn(|| thread::sleep(MS)).unwrap();
        sleeper.join().unwrap();
        gosched::stack::grow(usize::MAX, 1 << 20, || ());
        for round in 0.. {
            // One P makes a hundred goroutines; they compute until the other P has some of them.
            let (other, here) = (AtomicBool::new(false), std::thread::current().id());
            thread::scope(|s| {
                for _ in 0..100 {
                    s.spawn(|| {
                        let begin = Instant::now();
                        if std::thread::current().id() != here {
                            other.store(true, SeqCst);
                        }
                        while !other.load(SeqCst) && begin.elapsed() < 5 * MS {
                            std::hint::spin_loop();
                        }
                    });
                }
            });
            if round == 20 {
                break;
            }
            thread::sleep(MS);
        }
    });
    let bytes = recorded.to_perfetto();
    let text = recorded.to_text();
    for words in [
        "a timer ends a wait: G",
        "goes on on a stack of ",
        "looks for work",
        "asleep",
        "steals ",
        "the sleeper",
        "global queue",
    ] {
        let found = bytes.windows(words.len()).any(|w| w == words.as_bytes());
        assert!(found, "{words}: {text}");
    }
    for words in [
        "timers ",
        "larger stacks 1 (to ",
        "sleeps of Ms",
        "the sleeper (1)",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    let file = scratch("besides.trace");
    recorded.write(&file).unwrap();
    ask_go(&file);
}

/// More events than there is room for: those that are kept are the beginning, and it says so.
#[test]
fn what_finds_no_room_is_counted() {
    const YIELDS: u64 = 1_500_000; // two events each, and there is room for 2.8 million
    let recorded = record(1, || {
        for _ in 0..YIELDS {
            thread::yield_now();
        }
    });
    assert!(recorded.lost() > 0);
    let all = recorded.events() as u64 + recorded.lost();
    assert!((2 * YIELDS..2 * YIELDS + 10_000).contains(&all), "{all}");
    assert!(recorded.to_text().contains("found no room"));
}

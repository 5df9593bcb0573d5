//! Storms: what a scheduler gets wrong once in a million times. Counts in, counts out; no
//! time-outs to hide behind, a watchdog that dumps.
//!
//! `STRESS_SECS` is how long each storm blows at each number of Ps (default: half a second), and
//! longer until everybody has had a round: who never does is found by the watchdog.
//!
//! A moment of each storm at each number of Ps is recorded, and the trace is read back; with `TRACES=all`, one moment
//! after the other.

#![allow(unsafe_code, reason = "gosched::run is the unsafe door")]

mod support;

use std::sync::atomic::{
    AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst,
};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use gosched::thread::{self, JoinHandle, yield_now};
use support::child::{again, role, run};
use support::latch::Latch;
use support::read_back::Reader;
use support::{check_at, check_outside_at};

/// More Ps than CPUs, too.
const PS: [usize; 4] = [1, 2, 4, 8];

fn seconds() -> Duration {
    let given = std::env::var("STRESS_SECS").ok();
    let given = given.map(|s| s.parse().expect("STRESS_SECS: a number of seconds"));
    Duration::from_secs_f64(given.unwrap_or(0.5))
}

#[track_caller]
fn storm(body: impl Fn(Until) + Send + Sync) {
    check_at(&PS, limit(), || round(&body));
}

#[track_caller]
fn storm_outside(body: impl Fn(Until)) {
    check_outside_at(&PS, limit(), || round(&body));
}

/// A moment of it is recorded, and what was recorded is read back.
fn round(body: impl Fn(Until)) {
    let reader = Reader::start();
    body(Until::new());
    println!("{} events read back", reader.events());
}

fn limit() -> Duration {
    seconds() + Duration::from_secs(20)
}

/// When the storm ends.
#[derive(Clone, Copy)]
struct Until(Instant);

impl Until {
    fn new() -> Until {
        Until(Instant::now() + seconds())
    }

    fn blows(self) -> bool {
        Instant::now() < self.0
    }
}

/// A small generator: storms need no good randomness, only variety.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn dice(seed: u64) -> Dice {
    Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
}

#[test]
fn spawns_from_every_p() {
    storm(|until| {
        let (born, died) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let spawners: Vec<JoinHandle<()>> = (0..8)
            .map(|s| {
                let (born, died) = (Arc::clone(&born), Arc::clone(&died));
                thread::spawn(move || {
                    let mut dice = dice(s);
                    while born.load(Relaxed) == 0 || until.blows() {
                        let batch = 1 + dice.roll(700) as usize;
                        let latch = Latch::new(batch);
                        for _ in 0..batch {
                            let (died, latch) = (Arc::clone(&died), latch.clone());
                            gosched::go(move || {
                                died.fetch_add(1, Relaxed);
                                latch.done();
                            });
                        }
                        born.fetch_add(batch as u64, Relaxed);
                        latch.wait();
                    }
                })
            })
            .collect();
        spawners.into_iter().for_each(|h| h.join().unwrap());
        assert_eq!(born.load(SeqCst), died.load(SeqCst));
        assert!(born.load(SeqCst) > 0);
    });
}

#[test]
fn spawns_from_outside() {
    storm_outside(|until| {
        let died = Arc::new(AtomicU64::new(0));
        let spawners: Vec<_> = (0..4)
            .map(|s| {
                let died = Arc::clone(&died);
                std::thread::spawn(move || {
                    let (mut dice, mut born) = (dice(s), 0);
                    while until.blows() {
                        let batch = 1 + dice.roll(300) as usize;
                        let latch = Latch::new(batch);
                        let joined: Vec<_> = (0..batch)
                            .map(|_| {
                                let (died, latch) = (Arc::clone(&died), latch.clone());
                                thread::spawn(move || {
                                    died.fetch_add(1, Relaxed);
                                    latch.done();
                                })
                            })
                            .collect();
                        born += batch as u64;
                        if dice.roll(2) == 0 {
                            joined.into_iter().for_each(|h| h.join().unwrap());
                        }
                        latch.wait();
                    }
                    born
                })
            })
            .collect();
        let born: u64 = spawners.into_iter().map(|t| t.join().unwrap()).sum();
        assert_eq!(born, died.load(SeqCst));
    });
}

/// Pairs that park and unpark each other: a lost wake-up stops a pair for ever.
#[test]
fn park_and_unpark_in_pairs() {
    storm(|until| {
        let pairs: Vec<_> = (0..50).map(|_| ping_pong(until)).collect();
        for (ping, pong) in pairs {
            assert_eq!(ping.join().unwrap(), pong.join().unwrap());
        }
    });
}

/// Round trips until the storm ends; both count.
fn ping_pong(until: Until) -> (JoinHandle<u64>, JoinHandle<u64>) {
    let ball = Arc::new((AtomicU64::new(0), AtomicBool::new(false)));
    let theirs = Arc::clone(&ball);
    let (send, receive) = mpsc::channel::<thread::Thread>();
    let pong = thread::spawn(move || {
        while receive.try_recv().map(|ping| pong(&theirs, &ping)).is_err() {
            yield_now();
        }
        theirs.0.load(SeqCst).div_ceil(2)
    });
    let other = pong.thread().clone();
    let ping = thread::spawn(move || {
        send.send(thread::current()).unwrap();
        let mut rounds = 0;
        while until.blows() {
            rounds += 1;
            ball.0.fetch_add(1, SeqCst); // odd: pong's turn
            other.unpark();
            while ball.0.load(SeqCst) % 2 == 1 {
                thread::park();
            }
        }
        ball.1.store(true, SeqCst);
        other.unpark();
        rounds
    });
    (ping, pong)
}

fn pong(ball: &(AtomicU64, AtomicBool), ping: &thread::Thread) {
    loop {
        while ball.0.load(SeqCst).is_multiple_of(2) {
            if ball.1.load(SeqCst) {
                return;
            }
            thread::park();
        }
        ball.0.fetch_add(1, SeqCst);
        ping.unpark();
    }
}

/// Many unpark the same one; it wakes for each new count, and none is missed in the end.
#[test]
fn many_unpark_one() {
    storm(|until| {
        let total = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let (seen, over) = (Arc::clone(&total), Arc::clone(&stop));
        let sleeper = thread::spawn(move || {
            let mut last = 0;
            loop {
                let ended = over.load(SeqCst);
                let now = seen.load(SeqCst);
                if now == last && ended {
                    return now;
                }
                if now == last {
                    thread::park();
                }
                last = now;
            }
        });
        let wake = |_| {
            let (total, them) = (Arc::clone(&total), sleeper.thread().clone());
            thread::spawn(move || {
                let mut n = 0_u64;
                while until.blows() {
                    total.fetch_add(1, SeqCst);
                    them.unpark();
                    n += 1;
                    if n.is_multiple_of(16) {
                        yield_now();
                    }
                }
                n
            })
        };
        let wakers: Vec<_> = (0..6).map(wake).collect();
        let sum: u64 = wakers.into_iter().map(|h| h.join().unwrap()).sum();
        stop.store(true, SeqCst);
        sleeper.thread().unpark();
        assert_eq!(sleeper.join().unwrap(), sum);
    });
}

#[test]
fn yields() {
    storm(|until| {
        let count = |_| {
            thread::spawn(move || {
                let mut n = 0_u64;
                while n == 0 || until.blows() {
                    (0..32).for_each(|_| yield_now());
                    n += 1;
                }
                n
            })
        };
        let handles: Vec<_> = (0..100).map(count).collect();
        for h in handles {
            assert!(h.join().unwrap() > 0, "starved");
        }
    });
}

/// Trees of goroutines, each joined by its parent.
#[test]
fn deep_trees() {
    fn tree(depth: u32) -> u64 {
        if depth == 0 {
            return 1;
        }
        let left = thread::spawn(move || tree(depth - 1));
        let right = thread::spawn(move || tree(depth - 1));
        left.join().unwrap() + right.join().unwrap()
    }
    storm(|until| {
        while until.blows() {
            assert_eq!(tree(10), 1 << 10);
        }
        // And one long line.
        fn line(n: u64) -> u64 {
            if n == 0 {
                0
            } else {
                thread::spawn(move || line(n - 1)).join().unwrap() + 1
            }
        }
        assert_eq!(line(3000), 3000);
    });
}

/// The number of Ps goes up and down under load; two resize at once.
#[test]
fn resize_while_running() {
    storm(|until| {
        let before = gosched::gomaxprocs(0);
        let done = Arc::new(AtomicU64::new(0));
        let work = |s| {
            let done = Arc::clone(&done);
            thread::spawn(move || {
                let (mut dice, mut n) = (dice(s), 0_u64);
                while until.blows() {
                    match dice.roll(3) {
                        0 => yield_now(),
                        1 => {
                            let d = Arc::clone(&done);
                            let h = thread::spawn(move || d.fetch_add(1, Relaxed));
                            h.join().unwrap();
                            n += 1;
                        }
                        _ => {
                            let me = thread::current();
                            let d = Arc::clone(&done);
                            gosched::go(move || {
                                d.fetch_add(1, Relaxed);
                                me.unpark();
                            });
                            thread::park();
                            n += 1;
                        }
                    }
                }
                n
            })
        };
        let workers: Vec<_> = (0..20).map(work).collect();
        let resizers: Vec<_> = (0..2)
            .map(|s| {
                thread::spawn(move || {
                    let mut dice = dice(100 + s);
                    let mut n = 0_u64;
                    while n == 0 || until.blows() {
                        gosched::gomaxprocs(1 + dice.roll(8) as usize);
                        n += 1;
                        yield_now();
                    }
                    n
                })
            })
            .collect();
        let sum: u64 = workers.into_iter().map(|h| h.join().unwrap()).sum();
        let resized: u64 = resizers.into_iter().map(|h| h.join().unwrap()).sum();
        assert!(resized > 0);
        assert_eq!(sum, done.load(SeqCst));
        gosched::gomaxprocs(before);
    });
}

/// The same from a plain thread, up to many more Ps than CPUs.
#[test]
fn resize_from_outside() {
    storm_outside(|until| {
        let before = gosched::gomaxprocs(0);
        let stop = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&stop);
        let runner = std::thread::spawn(move || {
            // SAFETY: nothing is tied to a thread.
            unsafe {
                gosched::run(move || {
                    let mut trees = 0_u64;
                    while trees == 0 || !over.load(SeqCst) {
                        let handles: Vec<_> = (0..200)
                            .map(|i| {
                                thread::spawn(move || {
                                    yield_now();
                                    i
                                })
                            })
                            .collect();
                        let sum: u64 = handles.into_iter().map(|h| h.join().unwrap()).sum();
                        assert_eq!(sum, 199 * 100);
                        trees += 1;
                    }
                    trees
                })
            }
        });
        let mut dice = dice(5);
        while until.blows() {
            gosched::gomaxprocs(1 + dice.roll(40) as usize);
            // Without a pause the world is stopped again before a woken M has looked around.
            std::thread::sleep(Duration::from_micros(200));
        }
        stop.store(true, SeqCst);
        assert!(runner.join().unwrap() > 0);
        gosched::gomaxprocs(before);
    });
}

/// Every goroutine panics; all payloads arrive.
#[test]
fn panics_everywhere() {
    storm(|until| {
        let mut n = 0_usize;
        while n == 0 || until.blows() {
            let handles: Vec<_> = (0..50)
                .map(|i| {
                    thread::spawn(move || {
                        let _guard = AtomicUsize::new(i);
                        if i % 3 == 0 {
                            yield_now();
                        }
                        std::panic::resume_unwind(Box::new(i));
                    })
                })
                .collect();
            for (i, h) in handles.into_iter().enumerate() {
                let h: JoinHandle<()> = h;
                assert_eq!(*h.join().unwrap_err().downcast::<usize>().unwrap(), i);
                n += 1;
            }
            let caught = std::panic::catch_unwind(|| {
                thread::scope(|s| {
                    for i in 0..10 {
                        s.spawn(move || {
                            if i == 7 {
                                gosched::goexit();
                            }
                            std::panic::resume_unwind(Box::new(i));
                        });
                    }
                });
            });
            assert!(caught.is_err());
        }
        assert!(n > 0);
    });
}

/// Destructors that suspend while their goroutine unwinds: std counts panics per thread.
#[test]
fn suspended_while_unwinding() {
    struct Yields(Arc<AtomicBool>);
    impl Drop for Yields {
        fn drop(&mut self) {
            for _ in 0..3 {
                yield_now();
                if !std::thread::panicking() {
                    self.0.store(true, SeqCst);
                }
            }
        }
    }
    storm(|until| {
        let wrong = Arc::new(AtomicBool::new(false));
        while until.blows() {
            let spawn = |i: usize| {
                let wrong = Arc::clone(&wrong);
                thread::spawn(move || {
                    if i.is_multiple_of(2) {
                        let _yields = Yields(wrong);
                        std::panic::resume_unwind(Box::new(i));
                    }
                    for _ in 0..5 {
                        yield_now();
                        if std::thread::panicking() {
                            wrong.store(true, SeqCst);
                        }
                    }
                })
            };
            let handles: Vec<_> = (0..50).map(spawn).collect();
            for (i, h) in handles.into_iter().enumerate() {
                assert_eq!(h.join().is_err(), i.is_multiple_of(2));
            }
        }
        assert!(
            !wrong.load(SeqCst),
            "a panic was seen on the wrong goroutine"
        );
    });
}

/// Plain threads and goroutines wake each other, round and round.
#[test]
fn wake_ups_across_the_border() {
    storm_outside(|until| {
        let round_trips = |_| {
            std::thread::spawn(move || {
                let mut n = 0_u64;
                while n == 0 || until.blows() {
                    let me = thread::current();
                    let h = thread::spawn(move || {
                        me.unpark();
                        thread::park();
                        thread::current().id()
                    });
                    thread::park();
                    h.thread().unpark();
                    assert_eq!(h.thread().id(), h.join().unwrap());
                    n += 1;
                }
                n
            })
        };
        let threads: Vec<_> = (0..4).map(round_trips).collect();
        for t in threads {
            assert!(t.join().unwrap() > 0);
        }
    });
}

/// Mixed rings: goroutine, plain thread, goroutine ... each passes a token on.
#[test]
fn a_ring_of_threads_and_goroutines() {
    storm_outside(|until| {
        const N: usize = 6;
        let turn = Arc::new(AtomicUsize::new(0));
        let all: Arc<[std::sync::OnceLock<thread::Thread>; N]> = Arc::default();
        let stop = Arc::new(AtomicBool::new(false));
        let member = |me: usize| {
            let (turn, all, stop) = (Arc::clone(&turn), Arc::clone(&all), Arc::clone(&stop));
            move || {
                all[me].set(thread::current()).ok().unwrap();
                let mut passed = 0_u64;
                loop {
                    while turn.load(SeqCst) % N != me {
                        if stop.load(SeqCst) {
                            return passed;
                        }
                        thread::park();
                    }
                    if me == 0 && !until.blows() {
                        stop.store(true, SeqCst);
                        let others = all.iter().filter_map(|o| o.get());
                        others.for_each(thread::Thread::unpark);
                        return passed;
                    }
                    passed += 1;
                    turn.fetch_add(1, SeqCst);
                    // One that has not come yet looks at the turn when it does.
                    if let Some(next) = all[(me + 1) % N].get() {
                        next.unpark();
                    }
                }
            }
        };
        let goroutines: Vec<_> = (0..N)
            .step_by(2)
            .map(|i| thread::spawn(member(i)))
            .collect();
        let threads: Vec<_> = (1..N)
            .step_by(2)
            .map(|i| std::thread::spawn(member(i)))
            .collect();
        let a: u64 = goroutines.into_iter().map(|h| h.join().unwrap()).sum();
        let b: u64 = threads.into_iter().map(|h| h.join().unwrap()).sum();
        assert_eq!(a + b, turn.load(SeqCst) as u64);
    });
}

/// Goroutines locked to threads among others that are not; some end locked, and their threads
/// with them.
#[test]
fn locked_threads() {
    storm(|until| {
        let work = |s: u64| {
            thread::spawn(move || {
                let mut dice = dice(s);
                let mut n = 0_u64;
                while n == 0 || until.blows() {
                    let last = dice.roll(8) == 0;
                    let h = thread::spawn(move || {
                        gosched::lock_os_thread();
                        let at = std::thread::current().id();
                        for _ in 0..5 {
                            yield_now();
                            assert_eq!(at, std::thread::current().id());
                        }
                        thread::spawn(yield_now).join().unwrap();
                        assert_eq!(at, std::thread::current().id());
                        if !last {
                            gosched::unlock_os_thread();
                        }
                    });
                    h.join().unwrap();
                    n += 1;
                }
                n
            })
        };
        let handles: Vec<_> = (0..6).map(work).collect();
        for h in handles {
            assert!(h.join().unwrap() > 0, "starved");
        }
    });
}

/// Goroutines that block in the kernel and come back, with others that only yield, while the
/// number of Ps changes.
#[test]
fn blocked_in_the_kernel() {
    storm(|until| {
        let before = gosched::gomaxprocs(0);
        let sleep = |s: u64| {
            thread::spawn(move || {
                let mut dice = dice(s);
                while until.blows() {
                    let nap = Duration::from_micros(dice.roll(600));
                    if dice.roll(2) == 0 {
                        gosched::blocking(|| std::thread::sleep(nap));
                    } else {
                        std::thread::sleep(nap);
                    }
                    if dice.roll(3) == 0 {
                        thread::spawn(yield_now).join().unwrap();
                    }
                }
            })
        };
        let mut handles: Vec<_> = (0..12).map(sleep).collect();
        handles.extend((0..4).map(|_| {
            thread::spawn(move || {
                while until.blows() {
                    yield_now();
                }
            })
        }));
        let mut dice = dice(77);
        while until.blows() {
            gosched::gomaxprocs(1 + dice.roll(6) as usize);
            std::thread::sleep(Duration::from_micros(500));
        }
        handles.into_iter().for_each(|h| h.join().unwrap());
        gosched::gomaxprocs(before);
    });
}

/// Recurses `depth` deep on stacks that go on elsewhere, with random pauses and preemptions on
/// the way down and up; what it wrote into its frames must still be there.
fn dive(dice: &mut Dice, depth: u64) -> u64 {
    let size = [1, 40, 200, 1000][dice.roll(4) as usize] << 10;
    let red_zone = if dice.roll(8) == 0 {
        usize::MAX
    } else {
        24 << 10
    };
    let frame = std::hint::black_box([depth ^ 0x5a5a; 96]);
    pause(dice);
    let below = gosched::stack::grow(red_zone, size, || {
        let left = gosched::stack::remaining();
        assert!(left.is_some(), "not where the runtime thinks it is");
        pause(dice);
        if depth == 0 { 0 } else { dive(dice, depth - 1) }
    });
    pause(dice);
    let sound = std::hint::black_box(&frame)
        .iter()
        .all(|&word| word == depth ^ 0x5a5a);
    assert!(
        sound,
        "somebody wrote to, or dropped, a frame that is alive"
    );
    below + 1
}

fn pause(dice: &mut Dice) {
    match dice.roll(40) {
        0 => yield_now(),
        1 => thread::sleep(Duration::from_micros(dice.roll(80))),
        2 => thread::park_timeout(Duration::from_micros(20)),
        3 => (0..dice.roll(20_000)).for_each(|n| _ = std::hint::black_box(n)),
        4 | 5 => gosched::__preempt_soon(),
        6 => std::thread::sleep(Duration::from_micros(50)),
        _ => (),
    }
}

/// Deep stacks, small stacks, unwinding ones, while everything that can be is trimmed.
#[test]
fn deep_stacks_that_are_trimmed() {
    storm(|until| {
        let over = Arc::new(AtomicBool::new(false));
        let work = |s| {
            thread::spawn(move || {
                let (mut dice, mut n) = (dice(s), 0_u64);
                while n == 0 || until.blows() {
                    let depth = dice.roll(120);
                    assert_eq!(dive(&mut dice, depth), depth + 1);
                    let seed = dice.roll(1 << 30);
                    let builder = thread::Builder::new().stack_size(64 << 10);
                    let small = builder.spawn(move || {
                        let mut dice = self::dice(seed);
                        let depth = dice.roll(30);
                        assert_eq!(dive(&mut dice, depth), depth + 1);
                        if seed % 5 == 0 {
                            gosched::stack::grow(usize::MAX, 1 << 17, || {
                                pause(&mut dice);
                                std::panic::resume_unwind(Box::new(()))
                            })
                        }
                    });
                    assert_eq!(small.unwrap().join().is_err(), seed % 5 == 0);
                    n += 1;
                }
                n
            })
        };
        let handles: Vec<_> = (0..12).map(work).collect();
        let (trims, from_outside) = (Arc::clone(&over), Arc::clone(&over));
        let trimmer = thread::spawn(move || {
            while !trims.load(Relaxed) {
                gosched::trim();
                yield_now();
            }
        });
        let outside = std::thread::spawn(move || {
            let mut dice = dice(4711);
            while !from_outside.load(Relaxed) {
                gosched::trim();
                let depth = dice.roll(100);
                assert_eq!(dive(&mut dice, depth), depth + 1);
            }
        });
        for h in handles {
            assert!(h.join().unwrap() > 0, "starved");
        }
        over.store(true, Relaxed);
        trimmer.join().unwrap();
        let ended = gosched::blocking(|| outside.join());
        ended.unwrap();
    });
}

/// Loops that never come into the runtime, more than there are Ps: another goroutine gets on all
/// the same. They go on until it has: without preemption the watchdog comes.
#[test]
fn endless_loops_are_preempted() {
    storm(|until| {
        let enough = Arc::new(AtomicBool::new(false));
        let started = Arc::new(AtomicUsize::new(0));
        let loops = gosched::gomaxprocs(0) + 2;
        let spin = |_| {
            let (enough, started) = (Arc::clone(&enough), Arc::clone(&started));
            thread::spawn(move || {
                started.fetch_add(1, Relaxed);
                let mut n = 0_u64;
                while !enough.load(Relaxed) {
                    n += 1;
                }
                n
            })
        };
        let handles: Vec<_> = (0..loops).map(spin).collect();
        let others = Arc::clone(&started);
        let quick = thread::spawn(move || {
            let mut rounds = 0_u64;
            while until.blows() || rounds < 5 || others.load(Relaxed) < loops {
                let text = format!("{rounds}"); // malloc's lock, among the preempted
                rounds += u64::from(!text.is_empty());
                yield_now();
            }
            enough.store(true, Relaxed);
        });
        quick.join().unwrap();
        for h in handles {
            assert!(h.join().unwrap() > 0);
        }
    });
}

/// A plain thread that does nothing but stop the world: each time it goes on each P picks a
/// goroutine before it stops again.
///
/// In a child that has one CPU, where the stopper goes in front of all others if it may (by
/// root): then it is always back before an M that it has woken comes to its first pick.
#[test]
fn stopping_the_world_in_a_loop_starves_nobody() {
    if role().is_none() {
        let name = "stopping_the_world_in_a_loop_starves_nobody";
        let ended = run(&mut again(name, "stopper"), limit() * PS.len() as u32);
        assert_eq!(ended.status, Some(0), "{ended}");
        return;
    }
    stay_on_this_cpu();
    storm_outside(|until| {
        let over = Arc::new(AtomicBool::new(false));
        let work = |_| {
            let over = Arc::clone(&over);
            thread::spawn(move || {
                let mut rounds = 0_u64;
                while !over.load(Relaxed) {
                    yield_now();
                    rounds += 1;
                }
                rounds
            })
        };
        let handles: Vec<_> = (0..16).map(work).collect();
        let before = gosched::gomaxprocs(0);
        let stopper = std::thread::spawn(move || {
            go_in_front();
            let mut stops = 0_u64;
            while until.blows() {
                gosched::gomaxprocs(before + 1);
                gosched::gomaxprocs(before);
                stops += 2;
            }
            stops
        });
        let stops = stopper.join().unwrap();
        over.store(true, Relaxed);
        let rounds: u64 = handles.into_iter().map(|h| h.join().unwrap()).sum();
        // A goroutine that was picked may have been stopped before it has counted.
        assert!(rounds >= stops / 2, "{rounds} rounds in {stops} stops");
    });
}

/// The calling thread, and those that it starts.
fn stay_on_this_cpu() {
    // SAFETY: no preconditions.
    let here = unsafe { libc::sched_getcpu() }.unsigned_abs() as usize;
    // SAFETY: all zeros is an empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the set is ours, the CPU exists.
    unsafe { libc::CPU_SET(here, &mut set) };
    // SAFETY: the set is as long as said.
    unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) };
}

/// The calling thread runs before all ordinary ones, if it may.
fn go_in_front() {
    // SAFETY: all zeros is a valid value.
    let mut wanted: libc::sched_param = unsafe { std::mem::zeroed() };
    wanted.sched_priority = 1;
    // SAFETY: the argument is ours.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const wanted) };
}

/// The same by a goroutine: it is preempted, though each stop ends long before its slice.
#[test]
fn a_goroutine_that_stops_the_world_in_a_loop_starves_nobody() {
    goroutines_stop_the_world_in_a_loop(1);
}

/// And by several, each of which readies the next.
#[test]
fn goroutines_that_take_turns_to_stop_the_world_starve_nobody() {
    goroutines_stop_the_world_in_a_loop(3);
}

fn goroutines_stop_the_world_in_a_loop(stoppers: usize) {
    storm(|until| {
        let over = AtomicBool::new(false);
        let rounds: Vec<AtomicU64> = (0..16).map(|_| AtomicU64::new(0)).collect();
        let before = gosched::gomaxprocs(0);
        thread::scope(|s| {
            for mine in &rounds {
                s.spawn(|| {
                    while !over.load(Relaxed) {
                        yield_now();
                        mine.fetch_add(1, Relaxed);
                    }
                });
            }
            let starves = || rounds.iter().any(|rounds| rounds.load(Relaxed) < 3);
            let stop_in_a_loop = || {
                while until.blows() || starves() {
                    gosched::gomaxprocs(before + 1);
                    gosched::gomaxprocs(before);
                }
            };
            thread::scope(|s| (0..stoppers).for_each(|_| drop(s.spawn(stop_in_a_loop))));
            over.store(true, Relaxed);
        });
        assert_eq!(gosched::gomaxprocs(0), before);
    });
}

/// Stoppers of all kinds take turns with each other, and with goroutines.
#[test]
fn stoppers_take_turns() {
    storm_outside(|until| {
        let left = Arc::new(AtomicUsize::new(6));
        let handles: Vec<_> = (0..6)
            .map(|i| {
                let left = Arc::clone(&left);
                thread::spawn(move || {
                    let mut trims = 0;
                    for round in 0.. {
                        match (i + round) % 4 {
                            0 => yield_now(),
                            1 => thread::sleep(Duration::from_micros(20)),
                            2 => thread::spawn(yield_now).join().unwrap(),
                            _ => {
                                gosched::trim();
                                trims += 1;
                            }
                        }
                        if !until.blows() && trims > 0 {
                            break;
                        }
                    }
                    left.fetch_sub(1, Relaxed);
                })
            })
            .collect();
        let trimmer = Arc::clone(&left);
        let trimmer = std::thread::spawn(move || {
            while trimmer.load(Relaxed) > 0 {
                gosched::trim();
            }
        });
        let before = gosched::gomaxprocs(0);
        while left.load(Relaxed) > 0 {
            gosched::gomaxprocs(before + 1);
            gosched::gomaxprocs(before);
        }
        handles.into_iter().for_each(|h| h.join().unwrap());
        trimmer.join().unwrap();
    });
}

/// Sleeps and time-outs among parks that are woken in time, from goroutines and plain threads.
#[test]
fn sleeps_and_time_outs() {
    storm_outside(|until| {
        let nap = |s: u64| {
            move || {
                let (mut dice, mut n) = (dice(s), 0_u64);
                while n == 0 || until.blows() {
                    let wait = Duration::from_micros(dice.roll(300));
                    let me = thread::current();
                    let waker = (dice.roll(2) == 0).then(|| {
                        thread::spawn(move || {
                            thread::sleep(wait / 2);
                            me.unpark();
                        })
                    });
                    thread::park_timeout(wait);
                    if let Some(h) = waker {
                        h.join().unwrap();
                    }
                    n += 1;
                }
                n
            }
        };
        let goroutines: Vec<_> = (0..20).map(|s| thread::spawn(nap(s))).collect();
        let threads: Vec<_> = (20..23).map(|s| std::thread::spawn(nap(s))).collect();
        for h in goroutines {
            assert!(h.join().unwrap() > 0);
        }
        for t in threads {
            assert!(t.join().unwrap() > 0);
        }
    });
}

/// Far more Ps than CPUs.
#[test]
fn very_many_ps() {
    check_at(&[64, 1024], limit(), || {
        let until = Until::new();
        while until.blows() {
            let handles: Vec<_> = (0..2000)
                .map(|i| {
                    thread::spawn(move || {
                        yield_now();
                        thread::spawn(move || i).join().unwrap()
                    })
                })
                .collect();
            let sum: u64 = handles.into_iter().map(|h| h.join().unwrap()).sum();
            assert_eq!(sum, 1999 * 1000);
        }
    });
}

/// Sixteen Ps: yields, messages, locks, sleeps and children at once. What one of
/// them waits for is often in the queue of a P whose thread has no CPU just now.
#[test]
fn everything_at_once_at_sixteen_ps() {
    check_at(&[16], limit(), || {
        let until = Until::new();
        let sum = Arc::new(gosched::sync::Mutex::new(0_u64));
        let (give, take) = gosched::channel::bounded::<u64>(4);
        let takers: Vec<_> = (0..8)
            .map(|_| {
                let (take, sum) = (take.clone(), Arc::clone(&sum));
                thread::spawn(move || take.iter().for_each(|n| *sum.lock().unwrap() += n))
            })
            .collect();
        drop(take);
        let givers: Vec<_> = (0..24)
            .map(|seed| {
                let give = give.clone();
                thread::spawn(move || {
                    let mut dice = dice(seed);
                    let mut given = 0;
                    while given == 0 || until.blows() {
                        match dice.roll(4) {
                            0 => yield_now(),
                            1 => thread::sleep(Duration::from_micros(dice.roll(200))),
                            2 => assert_eq!(thread::spawn(move || seed).join().unwrap(), seed),
                            _ => (),
                        }
                        give.send(seed + 1).unwrap();
                        given += seed + 1;
                    }
                    given
                })
            })
            .collect();
        drop(give);
        let given: u64 = givers.into_iter().map(|g| g.join().unwrap()).sum();
        takers.into_iter().for_each(|t| t.join().unwrap());
        assert_eq!(*sum.lock().unwrap(), given);
    });
}

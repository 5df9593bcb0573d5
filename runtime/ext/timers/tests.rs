//! The heap against a model, and hands against keepers.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

use crate::core::base::fastrand::Choice;
use crate::core::sys::clock::Nanos;
use crate::ext::timers::expired::{Expired, ExpiredTimers};
use crate::ext::timers::heap::TimerHeap;
use crate::ext::timers::runtime_timer::RuntimeTimer;
use crate::ext::timers::timer_state::NEVER;

/// Somebody to wake.
struct Sleeper {
    id: u64,
    node: RuntimeTimer<Sleeper>,
    /// The deadline of the present arming, in its data too.
    armed_for: AtomicU64,
    fired: AtomicU64,
}

fn sleepers(n: u64) -> Vec<&'static Sleeper> {
    let make = |id| Sleeper {
        id,
        node: RuntimeTimer::new(),
        armed_for: AtomicU64::new(0),
        fired: AtomicU64::new(0),
    };
    (0..n).map(|id| &*Box::leak(Box::new(make(id)))).collect()
}

fn heap() -> &'static TimerHeap<Sleeper> {
    Box::leak(Box::new(TimerHeap::new()))
}

/// Everything due, as (id, data).
fn run(heap: &TimerHeap<Sleeper>, now: Nanos) -> Vec<(u64, u64)> {
    let mut all = Vec::new();
    let mut out = ExpiredTimers::new();
    loop {
        heap.run_expired(now, true, &mut out);
        if out.is_empty() {
            return all;
        }
        all.extend(out.drain().map(|fire| (fire.who.id, fire.data)));
    }
}

#[test]
fn fires_in_order_and_never_early() {
    let (heap, all) = (heap(), sleepers(50));
    for s in &all {
        let when = 1000 + (s.id * 37) % 50;
        s.node.set(s, when);
        let armed = heap.arm(&s.node, when);
        assert!(!armed.was_armed);
        assert_eq!(armed.earlier, s.id == 0, "only 1000 is the earliest");
    }
    assert_eq!((heap.len(), heap.wake_time()), (50, Some(1000)));
    assert!(run(heap, 999).is_empty());
    let fired = run(heap, 1024);
    assert_eq!(fired.len(), 25);
    assert!(fired.iter().map(|f| f.1).eq(1000..1025));
    assert_eq!(heap.wake_time(), Some(1025));
    assert_eq!(run(heap, 5000).len(), 25);
    assert_eq!((heap.len(), heap.wake_time()), (0, None));
}

#[test]
fn stop_says_whether_it_came_in_time() {
    let (heap, all) = (heap(), sleepers(1));
    let node = &all[0].node;
    node.set(all[0], 1);
    assert!(!node.disarm());
    assert!(heap.arm(node, 10).earlier);
    assert!(node.disarm() && !node.disarm());
    let again = heap.arm(node, 20);
    assert!(
        !again.was_armed && !again.earlier,
        "the heap still looks at 10"
    );
    assert!(heap.arm(node, 30).was_armed);
    assert!(heap.arm(node, 5).earlier);
    assert_eq!(run(heap, 5).len(), 1);
    assert!(!node.disarm());
}

/// Pushing a time-out ahead of itself over and over costs the heap nothing.
#[test]
fn moving_later_is_not_noted() {
    let (heap, all) = (heap(), sleepers(1));
    all[0].node.set(all[0], 1);
    let _ = heap.arm(&all[0].node, 100);
    for when in 101..200 {
        assert!(!heap.arm(&all[0].node, when).earlier);
    }
    assert_eq!(heap.wake_time(), Some(100));
    assert!(run(heap, 100).is_empty());
    assert_eq!(heap.wake_time(), Some(199));
    assert_eq!(run(heap, 199).len(), 1);
}

/// Random arming, moving, stopping and running against a sorted map.
#[test]
fn behaves_as_a_sorted_map() {
    for seed in 0..20 {
        let choice = Choice::new(seed);
        let (heap, all) = (heap(), sleepers(1 + u64::from(choice.below(300))));
        let mut model = BTreeMap::new(); // id -> when
        let mut now = 1;
        for step in 0..5_000u64 {
            let s = all[choice.below(all.len() as u32) as usize];
            match choice.below(8) {
                0..=3 => {
                    let when = now + 1 + u64::from(choice.below(1000));
                    if !s.node.is_armed() {
                        s.node.set(s, step);
                    }
                    let armed = heap.arm(&s.node, when);
                    assert_eq!(armed.was_armed, model.insert(s.id, when).is_some());
                }
                4..=5 => assert_eq!(s.node.disarm(), model.remove(&s.id).is_some()),
                _ => {
                    now += u64::from(choice.below(30));
                    let mut fired: Vec<_> = run(heap, now).iter().map(|f| f.0).collect();
                    let times: Vec<_> = fired.iter().map(|id| model[id]).collect();
                    assert!(times.is_sorted(), "in the order of their times");
                    let mut due: Vec<_> = model
                        .iter()
                        .filter(|&(_, &when)| when <= now)
                        .map(|(&id, _)| id)
                        .collect();
                    model.retain(|_, when| *when > now);
                    fired.sort_unstable();
                    due.sort_unstable();
                    assert_eq!(fired, due);
                    assert!(heap.is_sorted());
                }
            }
            if let Some(&first) = model.values().min() {
                assert!(heap.wake_time().is_some_and(|wake| wake <= first));
            }
        }
        assert_eq!(run(heap, NEVER).len(), model.len());
        assert!(heap.is_idle() && heap.wake_time().is_none());
    }
}

/// Go: BenchmarkAdjustTimers10000's load, once: none is lost, and it is not quadratic.
#[test]
fn ten_thousand_moved_forward() {
    const N: u64 = 10_000;
    let (heap, all) = (heap(), sleepers(N));
    for s in &all {
        s.node.set(s, s.id);
        let _ = heap.arm(&s.node, 1_000_000 + s.id);
    }
    for round in 0..20 {
        for s in &all {
            let _ = heap.arm(&s.node, 500_000 - round * N + (s.id * 7919) % N);
        }
    }
    let base = 500_000 - 19 * N;
    assert!(run(heap, base - 1).is_empty());
    assert_eq!(run(heap, base).len(), 1);
    let rest = run(heap, base + N);
    assert_eq!(rest.len(), N as usize - 1);
    assert!(rest.is_sorted_by_key(|&(id, _)| (id * 7919) % N));
}

#[test]
fn stopped_ones_are_thrown_out_before_they_are_due() {
    let (heap, all) = (heap(), sleepers(10_000));
    for s in &all {
        let _ = heap.arm(&s.node, 1_000_000 + s.id);
    }
    assert!(all[1..].iter().all(|s| s.node.disarm()));
    assert!(heap.needs_look(0, true) && !heap.needs_look(0, false));
    assert!(run(heap, 0).is_empty());
    assert_eq!((heap.len(), heap.wake_time()), (1, Some(1_000_000)));
    // Arming and stopping in turn never piles up.
    for s in all[1..].iter().cycle().take(100_000) {
        let _ = heap.arm(&s.node, 2_000_000);
        s.node.disarm();
    }
    assert!(heap.len() <= 3);
}

#[test]
fn timers_of_a_dying_p_move() {
    let (from, to, all) = (heap(), heap(), sleepers(100));
    for s in &all {
        s.node.set(s, s.id);
        let _ = from.arm(&s.node, 100 + s.id);
    }
    let _ = to.arm(&sleepers(1)[0].node, NEVER);
    assert!(all[..50].iter().all(|s| s.node.disarm()));
    let _ = from.arm(&all[99].node, 50);
    from.take_all_into(to);
    assert!(from.is_idle() && from.wake_time().is_none());
    assert_eq!((to.len(), to.wake_time()), (51, Some(50)));
    assert!(all[98].node.disarm(), "its home is the new one");
    assert_eq!(run(to, 50), [(99, 99)]);
    assert_eq!(run(to, 1000).len(), 48);
}

/// Hands on two threads, keepers on two heaps: each arming fires or is stopped, never both,
/// never early, never with another arming's data, and never gets lost.
#[test]
fn hands_and_keepers_race() {
    const HANDS: usize = 2;
    let heaps = [heap(), heap()];
    let all = sleepers(64);
    static NOW: AtomicU64 = AtomicU64::new(1);
    let done = AtomicBool::new(false);
    let stop_at = Instant::now() + Duration::from_millis(500);
    let mut wanted = 0;
    std::thread::scope(|scope| {
        let keepers: Vec<_> = (0..2)
            .map(|i| {
                let done = &done;
                scope.spawn(move || {
                    let mut out = ExpiredTimers::new();
                    while !done.load(SeqCst) {
                        let now = NOW.fetch_add(1, SeqCst);
                        for (j, heap) in heaps.iter().enumerate() {
                            heap.run_expired(now, i == j, &mut out);
                            out.drain().for_each(|fire| check(fire, now));
                        }
                        if now.is_multiple_of(1000) && i == 0 {
                            heaps[0].take_all_into(heaps[1]);
                        }
                    }
                })
            })
            .collect();
        let hands: Vec<_> = all
            .chunks(all.len() / HANDS)
            .enumerate()
            .map(|(i, mine)| scope.spawn(move || hand(mine, heaps[i % 2], i as u64, stop_at)))
            .collect();
        for hand in hands {
            wanted += hand.join().unwrap();
        }
        done.store(true, SeqCst);
        keepers.into_iter().for_each(|k| k.join().unwrap());
    });
    for heap in heaps {
        let mut out = ExpiredTimers::new();
        while heap.run_expired(NEVER, true, &mut out).is_some() || !out.is_empty() {
            out.drain().for_each(|fire| check(fire, NEVER));
        }
        assert!(heap.is_idle() && heap.is_sorted());
    }
    let fired: u64 = all.iter().map(|s| s.fired.load(SeqCst)).sum();
    assert_eq!(fired, wanted);

    fn check(Expired { who, data }: Expired<Sleeper>, now: Nanos) {
        assert!(data <= now, "early: {data} at {now}");
        assert_eq!(data, who.armed_for.load(SeqCst), "another arming's data");
        who.armed_for.store(0, SeqCst);
        who.fired.fetch_add(1, SeqCst);
    }

    /// Arms and stops at random; answers how many armings it did not stop.
    fn hand(
        mine: &[&'static Sleeper],
        heap: &'static TimerHeap<Sleeper>,
        seed: u64,
        stop_at: Instant,
    ) -> u64 {
        let choice = Choice::new(seed);
        let mut unstopped = 0;
        while Instant::now() < stop_at {
            let s = mine[choice.below(mine.len() as u32) as usize];
            if s.node.disarm() {
                s.armed_for.store(0, SeqCst);
                unstopped -= 1;
            } else if s.armed_for.load(SeqCst) != 0 {
                continue; // fired, but not acted on yet
            }
            let when = NOW.load(SeqCst) + u64::from(choice.below(200));
            s.armed_for.store(when, SeqCst);
            s.node.set(s, when);
            let _ = heap.arm(&s.node, when);
            unstopped += 1;
        }
        unstopped
    }
}

//! Two heaps of timers beside a map. All hands and keepers are this one thread.
//!
//! A byte is an operation (the low three bits) on a timer (the other five); a time is two bytes more.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::core::sys::clock::Nanos;
use crate::ext::timers::expired::ExpiredTimers;
use crate::ext::timers::heap::TimerHeap;
use crate::ext::timers::runtime_timer::RuntimeTimer;
use crate::ext::timers::timer_state::NEVER;
use crate::fuzz::input::Input;

/// Whom a timer wakes.
struct Sleeper {
    id: usize,
    node: RuntimeTimer<Sleeper>,
}

type Heap = TimerHeap<Sleeper>;

/// Timers are never freed, so all inputs use the same ones, in turn.
struct World {
    heaps: [&'static Heap; 2],
    sleepers: Vec<&'static Sleeper>,
}

static WORLD: LazyLock<Mutex<World>> = LazyLock::new(|| {
    let heap = || &*Box::leak(Box::new(TimerHeap::new()));
    let sleeper = |id| {
        let node = RuntimeTimer::new();
        &*Box::leak(Box::new(Sleeper { id, node }))
    };
    Mutex::new(World {
        heaps: [heap(), heap()],
        sleepers: (0..32).map(sleeper).collect(),
    })
});

/// What is armed: its heap, its time and what it leaves with the waker.
type Model = BTreeMap<usize, (usize, Nanos, u64)>;

/// The target: see the file's header.
#[allow(unreachable_pub, reason = "public for the fuzzer")]
pub fn timers(bytes: &[u8]) {
    let world = WORLD.lock().unwrap_or_else(PoisonError::into_inner);
    let mut model = Model::new();
    // A stopped timer stays in its heap, and is armed again there.
    let mut homes = BTreeMap::new();
    let (mut now, mut step, mut input) = (1, 0, Input(bytes));
    while let Some(byte) = input.byte() {
        step += 1;
        let id = usize::from(byte >> 3);
        let node = &world.sleepers[id].node;
        match byte & 7 {
            op @ 0..=2 => {
                let when = match input.number() {
                    0xffff => NEVER,
                    ahead => now + ahead,
                };
                if !node.is_armed() {
                    node.set(world.sleepers[id], step);
                }
                let heap = usize::from(op == 2);
                let heaped = node.word.load().is_heaped();
                let armed = world.heaps[heap].arm(node, when);
                let home = match heaped {
                    true => homes[&id],
                    false => heap,
                };
                homes.insert(id, home);
                let data = model.get(&id).map_or(step, |old| old.2);
                let old = model.insert(id, (home, when.clamp(1, NEVER), data));
                assert_eq!(armed.was_armed, old.is_some(), "was armed");
            }
            3 => assert_eq!(node.disarm(), model.remove(&id).is_some(), "stop"),
            4 => {
                let when = now + input.number();
                let moved = node.rearm_armed(when).is_some();
                let armed = model.get_mut(&id);
                assert_eq!(moved, armed.is_some(), "move");
                if let Some((_, time, _)) = armed {
                    *time = when;
                }
            }
            5 => {
                let [from, to] = [id & 1, 1 - (id & 1)];
                world.heaps[from].take_all_into(world.heaps[to]);
                model.values_mut().for_each(|armed| armed.0 = to);
                homes.values_mut().for_each(|home| *home = to);
            }
            6 => world.heaps[id & 1].tidy(),
            _ => {
                now += input.number() >> (id >> 2);
                fire(&world, &mut model, id & 1, now, id & 2 != 0);
            }
        }
        check(&world, &model);
    }
    for heap in 0..2 {
        fire(&world, &mut model, heap, NEVER, true);
        let heap = world.heaps[heap];
        assert!(
            heap.is_idle() && heap.wake_time().is_none(),
            "empty at the end"
        );
    }
    assert!(model.is_empty(), "all have fired");
}

/// All that are due, and no others, in the order of their times.
fn fire(world: &World, model: &mut Model, heap: usize, now: Nanos, local: bool) {
    let (mut out, mut last) = (ExpiredTimers::new(), 0);
    loop {
        world.heaps[heap].run_expired(now, local, &mut out);
        if out.is_empty() {
            break;
        }
        for expired in out.drain() {
            let armed = model.remove(&expired.who.id).expect("it is armed");
            assert_eq!((armed.0, armed.2), (heap, expired.data), "what was armed");
            assert!(armed.1 <= now && last <= armed.1, "early, or out of order");
            last = armed.1;
        }
    }
    let due = |armed: &&(usize, Nanos, u64)| armed.0 == heap && armed.1 <= now;
    assert_eq!(model.values().find(due), None, "late");
}

/// The heaps are sorted, and nobody looks at them too late.
fn check(world: &World, model: &Model) {
    for (i, heap) in world.heaps.iter().enumerate() {
        let here = || model.values().filter(|armed| armed.0 == i);
        assert!(heap.len() as usize >= here().count(), "the length");
        if let Some(first) = here().map(|armed| armed.1).min() {
            assert!(
                heap.wake_time().is_some_and(|wake| wake <= first),
                "wake time"
            );
        }
        assert!(heap.is_sorted());
    }
}

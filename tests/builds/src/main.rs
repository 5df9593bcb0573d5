//! A small program for builds that the tests cannot have themselves: see `tests/builds.rs`.

use std::cell::Cell;

thread_local!(static HELD: Cell<u64> = const { Cell::new(0) });

fn main() {
    let what = std::env::args().nth(1).unwrap_or_default();
    // SAFETY: but for a reference to a thread-local that the guard sees, nothing is tied to a thread.
    unsafe {
        gosched::Builder::new().procs(2).run(|| match &*what {
            "work" => work(),
            #[cfg(fuzzing)]
            "fuzz" => fuzz(),
            #[cfg(fuzzing)]
            "past the end" => past_the_end(),
            "goexit" => gosched::thread::spawn(|| gosched::goexit()).join().unwrap(),
            _ => panic!("work or goexit?"),
        })
    }
}

/// Threads with windows, goroutines that move, and some that must not.
fn work() {
    let handles: Vec<_> = (0..16)
        .map(|i| {
            gosched::thread::spawn(move || {
                for round in 0..200 {
                    if i % 4 == 0 {
                        HELD.with(|held| {
                            let held = std::hint::black_box(held);
                            held.set(i);
                            let before = std::ptr::from_ref(held).addr();
                            gosched::thread::yield_now();
                            HELD.with(|now| {
                                let now = std::ptr::from_ref(std::hint::black_box(now)).addr();
                                assert_eq!(now, before, "on another thread");
                            });
                        });
                    } else {
                        gosched::thread::sleep(std::time::Duration::from_micros(round % 50));
                    }
                }
                i
            })
        })
        .collect();
    let sum: u64 = handles.into_iter().map(|h| h.join().unwrap()).sum();
    println!("sum {sum}, {:?}", gosched::metrics());
}

/// The kept inputs of the fuzz targets.
#[cfg(fuzzing)]
fn fuzz() {
    let targets: [(&str, fn(&[u8])); 3] = [
        ("ring", gosched::fuzz::ring),
        ("tree", gosched::fuzz::tree),
        ("timers", gosched::fuzz::timers),
    ];
    for (name, target) in targets {
        let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/");
        for input in std::fs::read_dir(format!("{kept}{name}")).unwrap() {
            target(&std::fs::read(input.unwrap().path()).unwrap());
        }
    }
    println!("fuzzed");
}

/// What a sanitizer must notice, on a goroutine's stack.
#[cfg(fuzzing)]
fn past_the_end() {
    let array = [1, 2, 3];
    let end = std::hint::black_box(&array)
        .as_ptr()
        .wrapping_add(std::hint::black_box(3));
    // SAFETY: none: there is no fourth.
    println!("{}", unsafe { end.read_volatile() });
}

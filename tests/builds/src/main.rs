//! A small program for builds that the tests cannot have themselves: see `tests/builds.rs`.

use std::cell::Cell;

thread_local!(static HELD: Cell<u64> = const { Cell::new(0) });

fn main() {
    let what = std::env::args().nth(1).unwrap_or_default();
    // SAFETY: but for a reference to a thread-local that the guard sees, nothing is tied to a thread.
    unsafe {
        gosched::Builder::new().procs(2).run(|| match &*what {
            "work" => work(),
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

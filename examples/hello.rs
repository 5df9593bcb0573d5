#![allow(unsafe_code, reason = "the door")]
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
fn main() {
    unsafe {
        gosched::run(|| {
            let n = Arc::new(AtomicUsize::new(0));
            let order = Arc::new(Mutex::new(vec![]));
            let hs: Vec<_> = (0..10)
                .map(|i| {
                    let n = n.clone();
                    let o = order.clone();
                    gosched::thread::spawn(move || {
                        n.fetch_add(1, Relaxed);
                        o.lock().unwrap().push(i);
                        i
                    })
                })
                .collect();
            for h in hs {
                h.join().unwrap();
            }
            println!("{} {:?}", n.load(Relaxed), order.lock().unwrap());
            for round in 0..3 {
                let t = std::time::Instant::now();
                let done = Arc::new(AtomicUsize::new(0));
                const N: usize = 1_000_000;
                for _ in 0..N {
                    let d = done.clone();
                    gosched::go(move || {
                        d.fetch_add(1, Relaxed);
                    });
                }
                while done.load(Relaxed) < N {
                    gosched::thread::yield_now();
                }
                println!("{round}: {} ns per go", t.elapsed().as_nanos() / N as u128);
                let t = std::time::Instant::now();
                let hs: Vec<_> = (0..1000)
                    .map(|_| {
                        gosched::thread::spawn(|| {
                            for _ in 0..1000 {
                                gosched::thread::yield_now()
                            }
                        })
                    })
                    .collect();
                for h in hs {
                    h.join().unwrap();
                }
                println!("{} ns per yield", t.elapsed().as_nanos() / 1_000_000);
            }
            println!("{:?}", gosched::metrics());
        });
    }
}

#![allow(unsafe_code, reason = "the door")]
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
fn main() {
    let procs: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    unsafe {
        gosched::Builder::new().procs(procs).run(move || {
            let stop = Arc::new(AtomicBool::new(false));
            let counts: Vec<_> = (0..4).map(|_| Arc::new(AtomicU64::new(0))).collect();
            for c in &counts {
                let c = c.clone();
                let s = stop.clone();
                gosched::go(move || {
                    while !s.load(Relaxed) {
                        c.fetch_add(1, Relaxed);
                    }
                });
            }
            let t = Instant::now();
            let mut yields = 0;
            let mut worst = Duration::ZERO;
            let mut last = t;
            while t.elapsed() < Duration::from_secs(3) {
                gosched::thread::yield_now();
                yields += 1;
                worst = worst.max(last.elapsed());
                last = Instant::now();
            }
            println!(
                "{:?} yields {yields} worst {worst:?}",
                counts
                    .iter()
                    .map(|c| c.load(Relaxed) / 1_000_000)
                    .collect::<Vec<_>>()
            );
            stop.store(true, Relaxed);
            // blocking
            let n = Arc::new(AtomicU64::new(0));
            let hs: Vec<_> = (0..100)
                .map(|_| {
                    let n = n.clone();
                    gosched::thread::spawn(move || {
                        std::thread::sleep(Duration::from_millis(100));
                        n.fetch_add(1, Relaxed);
                    })
                })
                .collect();
            let t = Instant::now();
            let mut y = 0u64;
            while n.load(Relaxed) < 100 {
                gosched::thread::yield_now();
                y += 1;
            }
            println!("blocking: {:?} yields {y}", t.elapsed());
            for h in hs {
                h.join().unwrap();
            }
            let t = Instant::now();
            println!("resize from {}", gosched::gomaxprocs(3));
            println!("resize {:?} {:?}", t.elapsed(), gosched::metrics());
            let t = Instant::now();
            let h = gosched::thread::spawn(|| {
                gosched::lock_os_thread();
                for _ in 0..1000 {
                    gosched::thread::yield_now();
                }
                gosched::unlock_os_thread();
            });
            h.join().unwrap();
            println!("locked yields {:?}", t.elapsed());
        });
    }
}

//! A program to record.

use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use gosched::os::unix::net::UnixStream;
use gosched::{channel, thread, trace};

const MS: Duration = Duration::from_millis(1);

/// What a program does that uses all of the scheduler, for a while.
pub(crate) fn everything(time: Duration) {
    let stop = AtomicBool::new(false);
    thread::scope(|s| {
        let stop = &stop;
        for _ in 0..3 {
            s.spawn(|| {
                while !stop.load(SeqCst) {
                    thread::yield_now();
                }
            });
            // Computes, so that it is preempted.
            s.spawn(|| {
                while !stop.load(SeqCst) {
                    std::hint::spin_loop();
                }
            });
            // The P is taken from it.
            s.spawn(|| {
                while !stop.load(SeqCst) {
                    std::thread::sleep(MS / 4);
                }
            });
            s.spawn(|| {
                while !stop.load(SeqCst) {
                    thread::sleep(MS / 10);
                }
            });
            s.spawn(|| {
                while !stop.load(SeqCst) {
                    thread::spawn(|| {
                        gosched::lock_os_thread();
                        thread::yield_now();
                    })
                    .join()
                    .unwrap();
                }
            });
            let (tx, rx) = channel::bounded::<u32>(0);
            s.spawn(move || {
                while !stop.load(SeqCst) {
                    tx.send(1).unwrap();
                }
            });
            s.spawn(move || for _ in rx {});
            // Waits for sockets, now and then with a time limit.
            let (mut near, mut far) = UnixStream::pair().unwrap();
            far.set_read_timeout(Some(MS / 10)).unwrap();
            s.spawn(move || {
                while !stop.load(SeqCst) {
                    near.write_all(&[1]).unwrap();
                    near.read_exact(&mut [0]).unwrap();
                    thread::sleep(MS / 5);
                }
            });
            s.spawn(move || {
                loop {
                    match far.read(&mut [0]) {
                        Ok(0) => return,
                        Ok(_) => far.write_all(&[2]).unwrap(),
                        Err(e) => assert_eq!(e.kind(), ErrorKind::WouldBlock),
                    }
                }
            });
        }
        // A plain thread wakes, starts, and is woken.
        let (tx, rx) = channel::bounded::<u32>(1);
        std::thread::scope(|plain| {
            plain.spawn(move || {
                while !stop.load(SeqCst) {
                    let tx = tx.clone();
                    gosched::go(move || tx.send(1).unwrap());
                    rx.recv().unwrap();
                }
            });
            let begin = Instant::now();
            while begin.elapsed() < time {
                let ps = gosched::gomaxprocs(0);
                gosched::gomaxprocs(ps + 1);
                thread::sleep(MS * 5);
                gosched::gomaxprocs(ps);
                let _region = trace::region("between");
                trace::log("turn", "another");
            }
            stop.store(true, SeqCst);
        });
    });
}

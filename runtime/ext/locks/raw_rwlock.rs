//! Go's readers-writer lock: readers count themselves; a writer that comes makes the count
//! negative, waits for the readers that are inside, and lets those that came meanwhile in when
//! it leaves. So readers and writers take turns, and neither starves.
//!
//! core/wait/README.md#rwlock-counts. Go: sync/rwmutex.go.
#![forbid(unsafe_code)]

#[cfg(not(loom))]
use std::mem::offset_of;

use crate::core::base::atomic::AtomicU32;
use crate::core::base::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::core::g::wait_reason::WaitReason;
use crate::core::sys::fatal::fatal;
#[cfg(not(loom))]
use crate::core::wait::owner::Owner;
use crate::core::wait::raw_mutex::RawMutex;
use crate::core::wait::sema;

/// More readers than there can be: a writer subtracts it. Go: rwmutexMaxReaders.
const WRITER: u32 = 1 << 30;
/// Readers that may be inside at once, forgotten guards among them. Far enough below `WRITER`: those
/// that wait behind a writer, or are about to hear that they are too many, are counted as well.
const MOST: u32 = WRITER / 2;

/// A readers-writer lock without data or poison.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct RawRwLock {
    /// Held by the writer, from before it comes until after it has gone.
    writers: RawMutex,
    write_sema: AtomicU32,
    read_sema: AtomicU32,
    /// Readers inside or waiting; less `WRITER` while a writer waits or is inside (signed).
    readers: AtomicU32,
    /// How many of the readers that the writer found have yet to leave (signed).
    leaving: AtomicU32,
}

/// How far from what a reader waits for the number of the writer is (wrapping), if it is noted.
#[cfg(not(loom))]
pub(crate) const WRITER_OF_READER: Option<usize> = if Owner::KNOWN {
    let writer = offset_of!(RawRwLock, writers) + offset_of!(RawMutex, owner);
    Some(writer.wrapping_sub(offset_of!(RawRwLock, read_sema)))
} else {
    None
};

fn is_negative(n: u32) -> bool {
    (n as i32) < 0
}

impl RawRwLock {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> RawRwLock {
        RawRwLock {
            writers: RawMutex::new(),
            write_sema: AtomicU32::new(0),
            read_sema: AtomicU32::new(0),
            readers: AtomicU32::new(0),
            leaving: AtomicU32::new(0),
        }
    }

    #[cfg(loom)]
    pub(crate) fn new() -> RawRwLock {
        RawRwLock {
            writers: RawMutex::new(),
            write_sema: AtomicU32::new(0),
            read_sema: AtomicU32::new(0),
            readers: AtomicU32::new(0),
            leaving: AtomicU32::new(0),
        }
    }

    /// # Panics
    /// With std's words, when too many are inside.
    #[inline]
    #[track_caller]
    pub(crate) fn read(&self) {
        // Acquire pairs(rwlock-write): write_unlock's Release.
        let before = self.readers.fetch_add(1, Acquire);
        if before >= MOST {
            self.read_slow(before);
        }
    }

    /// A writer has come before us, or too many readers are inside.
    #[cold]
    #[track_caller]
    fn read_slow(&self, before: u32) {
        if !is_negative(before) {
            self.read_unlock();
            panic!("too many active read locks on RwLock");
        }
        sema::acquire(&self.read_sema, false, WaitReason::RwLockRead);
    }

    /// False while a writer waits or is inside, and when too many readers are.
    #[inline]
    pub(crate) fn try_read(&self) -> bool {
        let mut n = self.readers.load(Relaxed);
        while n < MOST {
            // Acquire pairs(rwlock-write): write_unlock's Release.
            match self
                .readers
                .compare_exchange_weak(n, n + 1, Acquire, Relaxed)
            {
                Ok(_) => return true,
                Err(seen) => n = seen,
            }
        }
        false
    }

    #[inline]
    pub(crate) fn read_unlock(&self) {
        // Release pairs(rwlock-read): the Acquires of write and try_write.
        let before = self.readers.fetch_sub(1, Release);
        if is_negative(before.wrapping_sub(1)) {
            self.read_unlock_slow(before);
        }
    }

    #[cold]
    fn read_unlock_slow(&self, before: u32) {
        if before == 0 || before == WRITER.wrapping_neg() {
            fatal!("sync: RUnlock of unlocked RWMutex");
        }
        // AcqRel pairs(rwlock-leaving): with itself and with write: the last one to leave
        // wakes the writer, after all the others have left.
        if self.leaving.fetch_sub(1, AcqRel) == 1 {
            sema::release(&self.write_sema, false);
        }
    }

    #[inline]
    pub(crate) fn write(&self) {
        self.writers.lock();
        // From here on new readers wait. Acquire pairs(rwlock-read): read_unlock's Release.
        let inside = self.readers.fetch_sub(WRITER, Acquire);
        if inside != 0 {
            self.wait_for_readers(inside);
        }
    }

    #[cold]
    fn wait_for_readers(&self, inside: u32) {
        // Some may have left already: they have counted below zero.
        // AcqRel pairs(rwlock-leaving): read_unlock_slow.
        if self.leaving.fetch_add(inside, AcqRel).wrapping_add(inside) != 0 {
            sema::acquire(&self.write_sema, false, WaitReason::RwLockWrite);
        }
    }

    /// False while a reader or a writer is inside or about to be.
    #[inline]
    pub(crate) fn try_write(&self) -> bool {
        if !self.writers.try_lock() {
            return false;
        }
        // Acquire pairs(rwlock-read): read_unlock's Release.
        let alone = self
            .readers
            .compare_exchange(0, WRITER.wrapping_neg(), Acquire, Relaxed)
            .is_ok();
        if !alone {
            self.writers.unlock();
        }
        alone
    }

    #[inline]
    pub(crate) fn write_unlock(&self) {
        self.let_readers_in(0);
    }

    /// The writer becomes a reader; the readers that wait come in too, other writers wait.
    pub(crate) fn downgrade(&self) {
        self.let_readers_in(1);
    }

    #[inline]
    fn let_readers_in(&self, and_me: u32) {
        // Release pairs(rwlock-write): the Acquires of read and try_read.
        let before = self.readers.fetch_add(WRITER + and_me, Release);
        if !is_negative(before) {
            fatal!("sync: Unlock of unlocked RWMutex");
        }
        for _ in 0..before.wrapping_add(WRITER) {
            sema::release(&self.read_sema, false);
        }
        self.writers.unlock();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32 as Plain;
    use std::thread;

    #[test]
    fn try_truth_table() {
        let l = RawRwLock::new();
        assert!(l.try_read() && l.try_read() && !l.try_write());
        l.read_unlock();
        l.read_unlock();
        assert!(l.try_write() && !l.try_write() && !l.try_read());
        l.downgrade();
        assert!(!l.try_write() && l.try_read());
        l.read_unlock();
        l.read_unlock();
        assert!(l.try_write());
        l.write_unlock();
    }

    #[test]
    fn one_more_than_the_most_is_refused_with_words() {
        let l = RawRwLock::new();
        l.readers.store(MOST - 1, Relaxed); // forgotten guards
        l.read();
        assert!(!l.try_read());
        for _ in 0..3 {
            let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| l.read()));
            let words = refused.unwrap_err().downcast::<&str>().unwrap();
            assert_eq!(*words, "too many active read locks on RwLock");
        }
        assert_eq!(l.readers.load(Relaxed), MOST);
        l.read_unlock();
        l.read();
    }

    /// Go: TestRWMutex: a writer counts 10,000, a reader 1.
    #[test]
    fn readers_meet_readers_and_writers_meet_nobody() {
        let (l, inside) = (RawRwLock::new(), Plain::new(0));
        thread::scope(|s| {
            for t in 0..8 {
                let (l, inside) = (&l, &inside);
                s.spawn(move || {
                    for i in 0..500 {
                        if (i + t) % 5 != 0 {
                            l.read();
                            assert!(inside.fetch_add(1, Relaxed) < 10_000);
                            inside.fetch_sub(1, Relaxed);
                            l.read_unlock();
                            continue;
                        }
                        l.write();
                        assert_eq!(inside.fetch_add(10_000, Relaxed), 0);
                        if i % 2 == 0 {
                            inside.fetch_sub(10_000, Relaxed);
                            l.write_unlock();
                        } else {
                            inside.fetch_sub(9_999, Relaxed);
                            l.downgrade();
                            assert!(inside.fetch_sub(1, Relaxed) < 10_000);
                            l.read_unlock();
                        }
                    }
                });
            }
        });
        assert_eq!((l.readers.load(Relaxed), l.leaving.load(Relaxed)), (0, 0));
    }

    /// A waiting writer keeps new readers out, and they come in before the next writer.
    #[test]
    fn a_writer_that_waits_goes_before_new_readers() {
        let (l, order) = (RawRwLock::new(), std::sync::Mutex::new(vec![]));
        let until = |done: &dyn Fn() -> bool| {
            while !done() {
                thread::yield_now();
            }
        };
        l.read();
        thread::scope(|s| {
            s.spawn(|| {
                l.write();
                order.lock().unwrap().push('w');
                l.write_unlock();
            });
            until(&|| is_negative(l.readers.load(Relaxed)));
            assert!(!l.try_read());
            s.spawn(|| {
                l.read();
                order.lock().unwrap().push('r');
                l.read_unlock();
            });
            until(&|| l.readers.load(Relaxed) == 2u32.wrapping_sub(WRITER));
            assert!(order.lock().unwrap().is_empty());
            l.read_unlock();
        });
        assert_eq!(order.into_inner().unwrap(), ['w', 'r']);
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;

    struct Shared(RawRwLock, UnsafeCell<u32>);

    impl Shared {
        fn read(&self) {
            self.0.read();
            self.1.with(|_| ()); // loom reports a writer beside a reader
            self.0.read_unlock();
        }

        fn write(&self) {
            self.0.write();
            self.1.with_mut(|_| ());
            self.0.write_unlock();
        }

        fn write_then_read(&self) {
            self.0.write();
            self.1.with_mut(|_| ());
            self.0.downgrade();
            self.1.with(|_| ());
            self.0.read_unlock();
        }
    }

    fn together(visits: [fn(&Shared); 3], preemptions: usize) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(preemptions);
        model.check(move || {
            let shared = Arc::new(Shared(RawRwLock::new(), UnsafeCell::new(0)));
            let handles = [0, 1].map(|i| {
                let shared = Arc::clone(&shared);
                loom::thread::spawn(move || visits[i](&shared))
            });
            visits[2](&shared);
            handles.into_iter().for_each(|h| h.join().unwrap());
            assert_eq!(shared.0.readers.load(Relaxed), 0);
            assert_eq!(shared.0.leaving.load(Relaxed), 0);
        });
    }

    #[test]
    fn two_readers_and_a_writer() {
        together([Shared::read, Shared::read, Shared::write], 3);
    }

    #[test]
    fn two_writers_and_a_reader() {
        together([Shared::write, Shared::read, Shared::write], 2);
    }

    #[test]
    fn one_who_downgrades() {
        together([Shared::write_then_read, Shared::read, Shared::write], 2);
    }
}

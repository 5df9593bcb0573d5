//! Calls a function when a thread ends, after the destructors of its thread-locals.
//!
//! A thread-local with a destructor is not enough: when it is first used in the destructor of a C
//! library's key, glibc does not run its destructor, and leaks the record of it. So this file
//! uses a key of its own. Its destructor runs as often as those of the C libraries' keys: up to
//! four times (`PTHREAD_DESTRUCTOR_ITERATIONS`), again each time that the key was set meanwhile.
#![allow(unsafe_code, reason = "pthread_key_create, pthread_setspecific")]

use std::ffi::c_void;
use std::sync::OnceLock;

/// What is to be done at the end of each thread that has asked for it.
pub(crate) struct ThreadEnd {
    /// `None`: the process has no key left.
    key: OnceLock<Option<libc::pthread_key_t>>,
    at_end: fn(),
}

impl ThreadEnd {
    pub(crate) const fn new(at_end: fn()) -> ThreadEnd {
        ThreadEnd {
            key: OnceLock::new(),
            at_end,
        }
    }

    /// Asks for the call when the calling thread ends: one call, however often it asks before. A
    /// thread that asks after that is called once more.
    ///
    /// The call is not guaranteed: there may be no key, no memory for its value, or this may be
    /// the last round of destructors. So the caller must also find out by other means that the
    /// thread is gone.
    pub(crate) fn ask(&'static self) {
        let Some(key) = *self.key.get_or_init(new_key) else {
            return;
        };
        let this: *const ThreadEnd = self;
        // SAFETY: the key is ours, and is never deleted.
        unsafe { libc::pthread_setspecific(key, this.cast()) };
    }
}

fn new_key() -> Option<libc::pthread_key_t> {
    let mut key = 0;
    // SAFETY: the place is ours; the function takes what `ask` has set.
    let made = unsafe { libc::pthread_key_create(&raw mut key, Some(thread_ends)) };
    (made == 0).then_some(key)
}

/// The C library has taken the value out before it calls this.
extern "C" fn thread_ends(this: *mut c_void) {
    // SAFETY: `ask` has set a `&'static ThreadEnd`.
    let this: &'static ThreadEnd = unsafe { &*this.cast_const().cast() };
    (this.at_end)();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn once_a_thread_and_after_the_thread_locals() {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        static END: ThreadEnd = ThreadEnd::new(|| {
            CALLS.fetch_add(1, Relaxed);
        });
        struct Local(u32);
        impl Drop for Local {
            fn drop(&mut self) {
                // A panic here would end the process.
                assert_eq!(CALLS.load(Relaxed), self.0);
                END.ask();
            }
        }
        thread_local! {
            static LOCAL: Cell<Option<Local>> = const { Cell::new(None) };
        }
        // The last one asks in the destructor of its thread-local alone.
        for (before, asks) in [3, 1, 0].into_iter().enumerate() {
            let thread = std::thread::spawn(move || {
                LOCAL.set(Some(Local(before as u32)));
                (0..asks).for_each(|_| END.ask());
            });
            thread.join().unwrap();
        }
        assert_eq!(CALLS.load(Relaxed), 3);
    }

    #[test]
    fn who_asks_again_is_called_again() {
        thread_local! {
            static CALLS: Cell<u32> = const { Cell::new(0) };
        }
        static MOST: AtomicU32 = AtomicU32::new(0);
        static END: ThreadEnd = ThreadEnd::new(|| {
            CALLS.set(CALLS.get() + 1);
            MOST.fetch_max(CALLS.get(), Relaxed);
            if CALLS.get() < 3 {
                END.ask();
            }
        });
        std::thread::spawn(|| END.ask()).join().unwrap();
        assert_eq!(MOST.load(Relaxed), 3);
    }
}

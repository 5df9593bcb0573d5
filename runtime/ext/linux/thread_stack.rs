//! Thread stacks: the memory for the stacks and thread-locals of Ms, at addresses that the
//! runtime chooses.
//!
//! ```text
//! arena, 4 GiB, aligned to 4 GiB, ours alone
//! | 256 MiB: nothing | thread stack | thread stack | ...                           | 256 MiB: nothing |
//!
//! thread stack, 16 MiB
//! | nothing | stack of the M's loop | free: addresses below thread-locals | thread-locals | nothing |
//! 0         1 MiB                   2 MiB                                 10 MiB          16 MiB
//! ```
//!
//! The C library puts a thread's static thread-locals and its control block at the top of the
//! stack that it is given. So the runtime chooses the addresses of thread-locals
//! (`ext/linux/tls_ranges.rs`), and with them which words look like such an address. If
//! thread-locals take more space (`ext/linux/tls_size.rs`), the thread stack is larger by as
//! much. Nothing else has its address in an arena. A stale word may combine the upper half of an
//! old pointer with a number: it looks like such an address only if the old pointer pointed into
//! an arena. Small numbers, of either sign, point at the ends of an arena, where there is no
//! thread stack.
//!
//! Invariant: a thread stack belongs to one thread until that thread was joined. Only the spawner
//! uses this file.
#![allow(unsafe_code, reason = "makes threads on memory of its own")]

use std::ffi::{CStr, c_void};
use std::mem::MaybeUninit;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use crate::ext::linux::limits::address_space;
use crate::ext::linux::memory::{self as mem, Advice, Errno, Span};
use crate::ext::linux::tls_size::taken_by_libc;

const MIB: usize = 1 << 20;
const ARENA: usize = 4096 * MIB;
const SIZE: usize = 16 * MIB;
/// So much at each end of an arena stays free.
const EDGE: usize = 256 * MIB;
/// Where in a thread stack its memory begins.
const BOTTOM: usize = MIB;
const LOOP_STACK: usize = MIB;
/// From the loop's frames to the end of the thread-locals.
pub(crate) const BELOW: usize = 8 * MIB;
/// Above the thread-locals there is nothing for so long.
pub(crate) const ABOVE: usize = SIZE - (BOTTOM + LOOP_STACK + BELOW);

/// Thread-locals of more than so much are no longer at an address that we choose.
const MOST: usize = 512 * MIB;

/// By how much a thread stack is larger, if the C library takes `tls`.
fn more(tls: usize) -> usize {
    let little = tls <= 64 << 10;
    if little { 0 } else { tls.next_multiple_of(MIB) }
}

/// Thread stacks that exist, and those that threads have.
struct Counts {
    /// How many there are in all arenas, and how many have a thread, or had one that nobody has
    /// joined yet: for statistics.
    made: AtomicUsize,
    taken: AtomicUsize,
}

static COUNTS: Counts = Counts {
    made: AtomicUsize::new(0),
    taken: AtomicUsize::new(0),
};

pub(crate) fn counts() -> (usize, usize) {
    (COUNTS.made.load(Relaxed), COUNTS.taken.load(Relaxed))
}

/// One that is in use.
struct ThreadStack {
    at: usize,
    thread: libc::pthread_t,
}

/// All thread stacks there are.
pub(crate) struct ThreadStacks {
    /// What thread-locals take beyond a page or two: every thread stack is larger by that.
    more: usize,
    taken: Vec<ThreadStack>,
    free: Vec<usize>,
    collected: u32,
    /// The kernel has refused an arena: there will be no more.
    no_more: bool,
}

impl ThreadStacks {
    pub(crate) fn new() -> ThreadStacks {
        let more = more(taken_by_libc());
        ThreadStacks {
            more,
            taken: Vec::new(),
            free: Vec::new(),
            collected: 0,
            no_more: more > MOST,
        }
    }

    /// Starts a thread that calls `entry(arg)`, in a thread stack. `None`: there is none to be had.
    pub(crate) fn start<T: Sync + 'static>(
        &mut self,
        name: &CStr,
        entry: fn(&'static T),
        arg: &'static T,
    ) -> Option<Result<(), Errno>> {
        let at = self.find()?;
        let memory = Span {
            addr: at + BOTTOM,
            len: LOOP_STACK + BELOW + self.more,
        };
        // SAFETY: a free thread stack is ours, and nothing in it is in use.
        if unsafe { mem::commit(memory) }.is_err() {
            self.free.push(at);
            return None; // a limit for memory that can be written to
        }
        let first = First::new(name, entry, arg);
        // SAFETY: the memory is the new thread's until it was joined.
        match first.and_then(|first| unsafe { spawn_on(StackOf::At(memory), first) }) {
            Ok(thread) => {
                self.taken.push(ThreadStack { at, thread });
                COUNTS.taken.fetch_add(1, Relaxed);
                Some(Ok(()))
            }
            Err(errno) => {
                self.free.push(at);
                Some(Err(errno))
            }
        }
    }

    /// Looks which threads have ended: their thread stacks are free again.
    pub(crate) fn collect(&mut self) {
        let (free, collected, more) = (&mut self.free, &mut self.collected, self.more);
        self.taken.retain(|stack| {
            // SAFETY: it was not joined yet.
            let ended = unsafe { libc::pthread_tryjoin_np(stack.thread, std::ptr::null_mut()) };
            if ended != 0 {
                return true;
            }
            let span = Span {
                addr: stack.at + BOTTOM,
                len: LOOP_STACK + BELOW + more,
            };
            // SAFETY: its thread has ended, so it is ours. Refused: it keeps some pages.
            let _ = unsafe { mem::advise(span, Advice::Drop) };
            free.push(stack.at);
            COUNTS.taken.fetch_sub(1, Relaxed);
            *collected += 1;
            false
        });
    }

    /// How many threads have been found to have ended.
    pub(crate) fn collected(&self) -> u32 {
        self.collected
    }

    fn find(&mut self) -> Option<usize> {
        if self.free.is_empty() && !self.no_more {
            match arena() {
                Ok(arena) => {
                    let size = SIZE + self.more;
                    let places = (EDGE..ARENA - EDGE - size + 1).step_by(size).rev();
                    let before = self.free.len();
                    self.free.extend(places.map(|at| arena + at));
                    COUNTS.made.fetch_add(self.free.len() - before, Relaxed);
                }
                Err(_) => self.no_more = true,
            }
        }
        self.free.pop()
    }
}

/// Reserves one: twice as much, and gives back what is not aligned.
fn arena() -> Result<usize, Errno> {
    if address_space().is_some_and(|allowance| allowance.share() < 2 * ARENA) {
        return Err(libc::ENOMEM); // stacks and the program want some too
    }
    let got = mem::reserve(2 * ARENA)?;
    let start = got.next_multiple_of(ARENA);
    for rest in [
        Span::between(got, start),
        Span::between(start + ARENA, got + 2 * ARENA),
    ] {
        if rest.len > 0 {
            // SAFETY: reserved above, and nobody's.
            unsafe { mem::release(rest) };
        }
    }
    let span = Span {
        addr: start,
        len: ARENA,
    };
    // Each M touches a few pages far from each other. Without huge pages in the kernel it fails.
    // SAFETY: reserved above, and nobody's yet.
    let _ = unsafe { mem::advise(span, Advice::NoHugePages) };
    Ok(start)
}

/// What a new thread is to do.
struct First<T: 'static> {
    entry: fn(&'static T),
    arg: &'static T,
    /// As much of it as the kernel keeps, and a 0 behind it.
    name: [u8; 16],
}

impl<T> First<T> {
    /// Without memory for it there is no thread, but an error: whoever tells of a deadlock starts one, too.
    fn new(
        name: &CStr,
        entry: fn(&'static T),
        arg: &'static T,
    ) -> Result<Box<First<T>>, Errno> {
        let mut kept = [0; 16];
        for (to, from) in kept[..15].iter_mut().zip(name.to_bytes()) {
            *to = *from;
        }
        let mut one = Vec::new();
        one.try_reserve_exact(1).map_err(|_| libc::ENOMEM)?;
        one.push(First {
            entry,
            arg,
            name: kept,
        });
        let one = Box::into_raw(one.into_boxed_slice());
        // SAFETY: a slice of one is laid out as the one.
        Ok(unsafe { Box::from_raw(one.cast()) })
    }
}

extern "C" fn begin<T: Sync + 'static>(first: *mut c_void) -> *mut c_void {
    // SAFETY: `spawn_on` made it, for this call alone.
    let first = unsafe { Box::from_raw(first.cast::<First<T>>()) };
    // SAFETY: names the calling thread; a string of its own.
    unsafe { libc::prctl(libc::PR_SET_NAME, first.name.as_ptr()) };
    let (entry, arg) = (first.entry, first.arg);
    drop(first);
    entry(arg);
    std::ptr::null_mut()
}

/// A thread that calls `entry(arg)`, with a stack of `size` bytes, and room for the
/// thread-locals, wherever the C library puts it. It is never joined. It is not a thread of
/// std's, because those panic where no signal stack is available.
pub(crate) fn start_anywhere<T: Sync + 'static>(
    name: &CStr,
    size: usize,
    entry: fn(&'static T),
    arg: &'static T,
) -> Result<(), Errno> {
    let first = First::new(name, entry, arg)?;
    // SAFETY: no memory of ours is involved.
    let thread = unsafe { spawn_on(StackOf::Size(size + taken_by_libc()), first) }?;
    // SAFETY: just made, and not joined by anybody.
    unsafe { libc::pthread_detach(thread) };
    Ok(())
}

/// Where a thread has its stack.
enum StackOf {
    At(Span),
    Size(usize),
}

/// # Safety
/// The memory, if any, can be written to and belongs to the thread until it was joined.
unsafe fn spawn_on<T: Sync + 'static>(
    stack: StackOf,
    first: Box<First<T>>,
) -> Result<libc::pthread_t, Errno> {
    let checked = |errno: Errno| if errno == 0 { Ok(()) } else { Err(errno) };
    let mut attr = MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: the place is ours.
    checked(unsafe { libc::pthread_attr_init(attr.as_mut_ptr()) })?;
    let set = match stack {
        StackOf::At(memory) => {
            let stack = memory.addr as *mut c_void;
            // SAFETY: initialised; the memory is the caller's promise.
            unsafe { libc::pthread_attr_setstack(attr.as_mut_ptr(), stack, memory.len) }
        }
        // SAFETY: initialised.
        StackOf::Size(size) => unsafe {
            libc::pthread_attr_setstacksize(attr.as_mut_ptr(), size)
        },
    };
    let mut thread = MaybeUninit::<libc::pthread_t>::uninit();
    let first = Box::into_raw(first);
    let made = checked(set).and_then(|()| {
        // SAFETY: initialised above; `begin` takes what it is passed.
        checked(unsafe {
            libc::pthread_create(thread.as_mut_ptr(), attr.as_ptr(), begin::<T>, first.cast())
        })
    });
    // SAFETY: initialised above, destroyed once.
    unsafe { libc::pthread_attr_destroy(attr.as_mut_ptr()) };
    if let Err(errno) = made {
        // SAFETY: there is no thread that took it.
        drop(unsafe { Box::from_raw(first) });
        return Err(errno);
    }
    // SAFETY: written, as there was no error.
    Ok(unsafe { thread.assume_init() })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::ext::linux::arch::thread_pointer;
    use std::sync::Mutex;
    use std::sync::atomic::Ordering::SeqCst;
    use std::time::{Duration, Instant};

    static SEEN: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());
    static GO_ON: AtomicUsize = AtomicUsize::new(0);

    fn note(wait_for: &'static usize) {
        let here = 0u8;
        let here = std::ptr::from_ref(&here).addr();
        SEEN.lock().unwrap().push((here, thread_pointer()));
        while GO_ON.load(SeqCst) < *wait_for {
            std::thread::yield_now();
        }
    }

    fn wait(what: &str, mut condition: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !condition() {
            assert!(Instant::now() < end, "{what}");
            std::thread::yield_now();
        }
    }

    #[test]
    fn thread_locals_are_where_no_number_points() {
        let mut stacks = ThreadStacks::new();
        for _ in 0..300 {
            stacks.start(c"a", note, &1).unwrap().unwrap();
        }
        wait("300 threads", || SEEN.lock().unwrap().len() == 300);
        let seen = std::mem::take(&mut *SEEN.lock().unwrap());
        let mut all: Vec<usize> = seen.iter().map(|s| s.1).collect();
        all.sort_unstable();
        assert!(
            all.windows(2).all(|w| w[1] - w[0] >= SIZE),
            "each has its own"
        );
        for (here, pointer) in seen {
            assert_eq!(here & !(ARENA - 1), pointer & !(ARENA - 1));
            let low = pointer & (ARENA - 1);
            assert!(low > 256 * MIB && low < ARENA - 256 * MIB, "{pointer:x}");
        }
        // All are at work: nothing comes free. Then all do, and the same places are used again.
        stacks.collect();
        assert_eq!(stacks.taken.len(), 300);
        GO_ON.store(1, SeqCst);
        wait("all have ended", || {
            stacks.collect();
            stacks.taken.is_empty()
        });
        stacks.start(c"b", note, &2).unwrap().unwrap();
        wait("one more", || !SEEN.lock().unwrap().is_empty());
        assert!(all.contains(&SEEN.lock().unwrap()[0].1));
        GO_ON.store(2, SeqCst);
        wait("it has ended", || {
            stacks.collect();
            stacks.taken.is_empty()
        });
    }
}

//! Where a thread's thread-locals are: its thread pointer, and the blocks of every module.
//!
//! A [`Window`] is filled in by the thread itself, and read by those who ask whether a word
//! could be an address of one of its thread-locals. The main range is the upper part of the
//! thread's own mapping, and what is free above it: around the static TLS and the control block,
//! which hold errno, the C library's state and what the linker laid out, there is nothing else
//! (an M's frames stay away: `call_at_distance`; `sys/berth.rs`), so that an address minus a
//! constant, as compilers keep in loops, is inside as well. Modules that were loaded later have
//! blocks on the heap: the other ranges.
//!
//! Invariant: a window covers every block that the thread has, as long as its `is_stale` is
//! false. New modules show in the word in front of the thread's table of blocks (its dtv),
//! which changes before the thread can get an address in one.
#![allow(
    unsafe_code,
    reason = "reads the thread pointer, asks the dynamic linker"
)]

use std::arch::asm;
use std::ffi::c_void;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

/// Blocks of late modules that a window has room for. With more of them it answers that every
/// word is an address: its goroutines stay.
const OTHERS: usize = 8;
/// Modules with thread-locals that we look at.
const MODULES: usize = 64;
/// The control block is smaller than this on every C library.
const CONTROL_BLOCK: usize = 4096;

/// See the file's header. Written by its thread; a goroutine that goes to another thread takes
/// what was written along, through the run queue.
#[derive(Debug)]
pub(crate) struct Window {
    start: AtomicUsize,
    len: AtomicUsize,
    others: [(AtomicUsize, AtomicUsize); OTHERS],
    other_count: AtomicUsize,
    /// What stood in front of the dtv when the window was taken; `UNCHECKED`: not to be had.
    generation: AtomicUsize,
    /// So many bytes above the thread's mapping are nobody's. Before the thread starts.
    pub(crate) above: AtomicUsize,
}

/// The dtv is not laid out as we know it: late modules are not noticed.
const UNCHECKED: usize = usize::MAX;

/// A thread-local block of the calling thread, or all of its own mapping.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    start: usize,
    len: usize,
}

/// The modules with thread-locals, as the dynamic linker told them.
struct Modules {
    ids: [usize; MODULES],
    sizes: [usize; MODULES],
    count: usize,
}

impl Window {
    /// Of a thread that has not told yet: every word counts as an address.
    pub(crate) fn unknown() -> Window {
        Window {
            start: AtomicUsize::new(0),
            len: AtomicUsize::new(usize::MAX),
            others: [const { (AtomicUsize::new(0), AtomicUsize::new(0)) }; OTHERS],
            other_count: AtomicUsize::new(0),
            generation: AtomicUsize::new(0),
            above: AtomicUsize::new(0),
        }
    }

    /// Of another thread from now on, which has not told yet.
    pub(crate) fn forget(&self) {
        self.start.store(0, Relaxed);
        self.len.store(usize::MAX, Relaxed);
        self.other_count.store(0, Relaxed);
        self.generation.store(0, Relaxed);
        self.above.store(0, Relaxed);
    }

    /// Finds the calling thread's blocks. Takes the dynamic linker's lock and may allocate:
    /// not inside the runtime with a P. `below`: what is free of frames under the thread-locals.
    #[cold]
    pub(crate) fn take(&self, below: usize) {
        let main = own_mapping(below);
        let modules = modules();
        let pointer = thread_pointer();
        let mut lo = main.start.min(pointer);
        // Not further: the next mapping may be anybody's, our stacks' table for example, whose
        // addresses stand in every frame of ours.
        let end = main.start + main.len;
        let inside = (main.start..end).contains(&pointer);
        let mut hi = if inside {
            end + self.above.load(Relaxed)
        } else {
            pointer + CONTROL_BLOCK
        };
        let mut others = 0;
        for (id, size) in modules.ids.iter().zip(modules.sizes).take(modules.count) {
            let start = block_of(*id);
            let end = start + size;
            if start >= lo && end <= hi {
                continue;
            }
            // The static block of a thread whose stack is not beside it (the first of the
            // process), or one on the heap.
            if start.abs_diff(pointer) < 1 << 16 {
                lo = lo.min(start);
                hi = hi.max(end);
            } else if let Some((s, l)) = self.others.get(others) {
                s.store(start, Relaxed);
                l.store(size, Relaxed);
                others += 1;
            } else {
                (lo, hi) = (0, usize::MAX);
            }
        }
        self.other_count.store(others, Relaxed);
        self.start.store(lo, Relaxed);
        self.len.store(hi - lo, Relaxed);
        self.generation.store(checked_generation(&modules), Relaxed);
    }

    /// On its own thread: has a module been loaded since, whose thread-locals it may hold?
    #[inline]
    pub(crate) fn is_stale(&self) -> bool {
        let taken = self.generation.load(Relaxed);
        taken != UNCHECKED && taken != generation()
    }

    /// The main range: start and length.
    #[inline]
    pub(crate) fn main(&self) -> (usize, usize) {
        (self.start.load(Relaxed), self.len.load(Relaxed))
    }

    /// The blocks on the heap.
    pub(crate) fn others(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.others
            .iter()
            .take(self.other_count.load(Relaxed))
            .map(|(start, len)| (start.load(Relaxed), len.load(Relaxed)))
    }
}

/// The thread pointer: the register that thread-locals are addressed by.
#[inline]
pub(crate) fn thread_pointer() -> usize {
    let pointer: usize;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the first word of the control block is its own address (psABI).
    unsafe {
        asm!("mov {}, fs:[0]", out(reg) pointer, options(nostack, preserves_flags, readonly));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: reads a register.
    unsafe {
        asm!("mrs {}, tpidr_el0", out(reg) pointer, options(nostack, preserves_flags));
    }
    pointer
}

/// The thread's table of blocks: the second word of the control block on x86-64, the first
/// one on aarch64 (psABI: both are fixed).
#[inline]
fn dtv() -> *const usize {
    let dtv: usize;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: within the control block.
    unsafe {
        asm!("mov {}, fs:[8]", out(reg) dtv, options(nostack, preserves_flags, readonly));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: within the control block.
    unsafe {
        asm!("mrs {0}, tpidr_el0", "ldr {0}, [{0}]", out(reg) dtv,
            options(nostack, preserves_flags, readonly));
    }
    dtv as *const usize
}

/// The table's first word: glibc's generation, musl's number of entries. Both grow when a
/// block is added.
#[inline]
fn generation() -> usize {
    // SAFETY: every thread has a table, and its first word is read by nobody but its thread.
    unsafe { dtv().read_volatile() }
}

/// The generation, if the table is what we take it for: entry `id`, of one word (musl) or two
/// (glibc), is the address of module `id`'s block.
fn checked_generation(modules: &Modules) -> usize {
    let Some(&id) = modules.ids[..modules.count].first() else {
        return UNCHECKED;
    };
    let wanted = block_of(id);
    let holds = |index: usize| {
        let entry = dtv().wrapping_add(index);
        // SAFETY: the table has an entry of at least a word for each module that has a block.
        unsafe { entry.read() == wanted }
    };
    if holds(id) || holds(2 * id) {
        generation()
    } else {
        UNCHECKED
    }
}

unsafe extern "C" {
    /// The psABI's: the address of the calling thread's block, which it makes if need be.
    fn __tls_get_addr(index: *const [usize; 2]) -> *mut c_void;
}

/// What the address of offset 0 is short of: aarch64 and x86-64 have no bias.
fn block_of(id: usize) -> usize {
    let index = [id, 0];
    // SAFETY: the id is of a loaded module with thread-locals.
    unsafe { __tls_get_addr(&raw const index) }.addr()
}

/// Asks the dynamic linker.
fn modules() -> Modules {
    let mut modules = Modules {
        ids: [0; MODULES],
        sizes: [0; MODULES],
        count: 0,
    };
    // SAFETY: the callback gets our `modules`, which outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut modules).cast()) };
    modules
}

/// Notes one module.
///
/// # Safety
/// As `dl_iterate_phdr` calls it, with `data` a `Modules`.
unsafe extern "C" fn visit(
    info: *mut libc::dl_phdr_info,
    _size: usize,
    data: *mut c_void,
) -> i32 {
    // SAFETY: the dynamic linker's promise.
    let info = unsafe { &*info };
    // SAFETY: the caller's promise.
    let modules = unsafe { &mut *data.cast::<Modules>() };
    if info.dlpi_tls_modid == 0 {
        return 0;
    }
    // SAFETY: the dynamic linker's promise.
    let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
    let size = headers
        .iter()
        .find(|h| h.p_type == libc::PT_TLS)
        .map_or(0, |h| h.p_memsz as usize);
    if let Some(place) = modules.ids.get_mut(modules.count) {
        *place = info.dlpi_tls_modid;
        modules.sizes[modules.count] = size;
        modules.count += 1;
    }
    0
}

/// The last `bytes` of the mapping that the C library made for the calling thread: stack,
/// static thread-locals and control block.
fn own_mapping(bytes: usize) -> Block {
    // SAFETY: all zeros is a valid value to be overwritten.
    let mut attr: libc::pthread_attr_t = unsafe { std::mem::zeroed() };
    // SAFETY: no preconditions.
    let me = unsafe { libc::pthread_self() };
    // SAFETY: the thread is alive: it is us.
    if unsafe { libc::pthread_getattr_np(me, &raw mut attr) } != 0 {
        return Block {
            start: thread_pointer(),
            len: 0,
        };
    }
    let mut start = std::ptr::null_mut();
    let mut whole = 0;
    // SAFETY: initialised by the call above.
    unsafe { libc::pthread_attr_getstack(&raw const attr, &raw mut start, &raw mut whole) };
    // SAFETY: initialised above, not used again.
    unsafe { libc::pthread_attr_destroy(&raw mut attr) };
    let len = whole.min(bytes);
    Block {
        start: start.addr() + (whole - len),
        len,
    }
}

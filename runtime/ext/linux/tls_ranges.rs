//! Where a thread's thread-locals are: its thread pointer, and the blocks of every module.
//!
//! The thread itself fills in its [`TlsRanges`]; other threads read it to decide whether a word
//! could be an address of one of its thread-locals. The main range is the upper part of the
//! thread's own mapping, and the free addresses above it. The range contains the static TLS and
//! the control block (with errno and the C library's state), and nothing else: an M's frames are
//! kept away (`call_at_distance`; `ext/linux/thread_stack.rs`). So an address minus a constant,
//! which compilers keep in loops, is inside the range as well. Modules that were loaded later
//! have blocks on the heap: the other ranges.
//!
//! Invariant: a window covers every block that the thread has, as long as its `is_stale` is
//! false. New modules show in the word in front of the thread's table of blocks (its dtv),
//! which changes before the thread can get an address in one.
#![allow(
    unsafe_code,
    reason = "reads the thread pointer, asks the dynamic linker"
)]

use std::ffi::c_void;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicUsize, fence};

use crate::ext::linux::arch::{dtv, thread_pointer};
use crate::ext::linux::tls_block::make_block;

/// Blocks of late modules that a window has room for. With more of them it answers that every
/// word is an address: its goroutines stay.
const OTHERS: usize = 8;
/// Modules with thread-locals that we look at.
const MODULES: usize = 64;
/// How often they are asked for, while others are loaded: then every word is an address.
const TRIES: u32 = 16;
/// The control block is smaller than this on every C library.
const CONTROL_BLOCK: usize = 4096;

/// See the file's header. Written by its thread; a goroutine that goes to another thread takes
/// what was written along, through the run queue.
#[derive(Debug)]
pub(crate) struct TlsRanges {
    start: AtomicUsize,
    len: AtomicUsize,
    others: [(AtomicUsize, AtomicUsize); OTHERS],
    other_count: AtomicUsize,
    /// What stood in front of the dtv when the window was taken; `UNCHECKED`: not to be had.
    generation: AtomicUsize,
    /// How many bytes above the thread's mapping are unused. Set before the thread starts.
    pub(crate) above: AtomicUsize,
    /// Odd while it is written to.
    version: AtomicUsize,
}

/// The dtv is not laid out as we know it: late modules are not noticed.
const UNCHECKED: usize = usize::MAX;

/// A thread-local block of the calling thread, or all of its own mapping.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    start: usize,
    len: usize,
}

/// The modules with thread-locals, and the calling thread's blocks of them.
struct Modules {
    ids: [usize; MODULES],
    blocks: [Block; MODULES],
    count: usize,
    /// These are all.
    complete: bool,
}

impl Modules {
    /// The calling thread's block of each.
    fn blocks(&self) -> impl Iterator<Item = Block> + '_ {
        self.blocks.iter().take(self.count).copied()
    }
}

impl TlsRanges {
    /// Of a thread that has not told yet: every word counts as an address.
    pub(crate) fn unknown() -> TlsRanges {
        TlsRanges {
            start: AtomicUsize::new(0),
            len: AtomicUsize::new(usize::MAX),
            others: [const { (AtomicUsize::new(0), AtomicUsize::new(0)) }; OTHERS],
            other_count: AtomicUsize::new(0),
            generation: AtomicUsize::new(0),
            above: AtomicUsize::new(0),
            version: AtomicUsize::new(0),
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
        let main = own_mapping();
        let modules = modules();
        let pointer = thread_pointer();
        let end = main.start + main.len;
        let mapping = main.start..end;
        // Not further: the next mapping may be anybody's, our stacks' table for example, whose
        // addresses stand in every frame of ours.
        let (mut lo, mut hi) = if mapping.contains(&pointer) {
            // The static blocks may take more than `below` themselves.
            let blocks = modules.blocks().map(|block| block.start);
            let lowest = blocks.filter(|start| mapping.contains(start)).min();
            let lowest = lowest.map_or(pointer, |start| start.min(pointer));
            let lo = lowest.saturating_sub(below).max(main.start);
            (lo, end + self.above.load(Relaxed))
        } else {
            (pointer, pointer + CONTROL_BLOCK)
        };
        if !modules.complete {
            (lo, hi) = (0, usize::MAX);
        }
        let mut blocks = [Block::default(); OTHERS];
        let mut others = 0;
        for block in modules.blocks() {
            let (start, size) = (block.start, block.len);
            let end = start + size;
            if start == 0 {
                (lo, hi) = (0, usize::MAX);
                break;
            }
            if start >= lo && end <= hi {
                continue;
            }
            // The static block of a thread whose stack is not beside it (the first of the
            // process), or one on the heap.
            if start.abs_diff(pointer) < 1 << 16 {
                lo = lo.min(start);
                hi = hi.max(end);
            } else if let Some(place) = blocks.get_mut(others) {
                *place = block;
                others += 1;
            } else {
                (lo, hi) = (0, usize::MAX);
            }
        }
        let version = self.version.load(Relaxed);
        self.version.store(version + 1, Relaxed);
        fence(Release); // pairs(window): unchanged_since
        self.other_count.store(others, Relaxed);
        for ((start, len), block) in self.others.iter().zip(blocks) {
            start.store(block.start, Relaxed);
            len.store(block.len, Relaxed);
        }
        self.start.store(lo, Relaxed);
        self.len.store(hi - lo, Relaxed);
        self.version.store(version + 2, Release); // pairs(window): version
        self.generation.store(checked_generation(&modules), Relaxed);
    }

    /// For [`TlsRanges::unchanged_since`].
    #[inline]
    pub(crate) fn version(&self) -> usize {
        self.version.load(Acquire) // pairs(window): take
    }

    /// Since then nobody has written to it, so what was read of it belongs together. Its thread
    /// may take it again at any time, and be stopped in the middle.
    #[inline]
    pub(crate) fn unchanged_since(&self, version: usize) -> bool {
        fence(Acquire); // pairs(window): take's Release fence
        version.is_multiple_of(2) && self.version.load(Relaxed) == version
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
    let wanted = modules.blocks[0].start;
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

/// Asks the dynamic linker, until every module has a block that this thread's generation can have
/// told it of: to ask for one brings the generation up to date, and with it come modules that were
/// loaded meanwhile, whose blocks would be made later without a change of it.
fn modules() -> Modules {
    for _ in 0..TRIES {
        let mut modules = Modules {
            ids: [0; MODULES],
            blocks: [Block { start: 0, len: 0 }; MODULES],
            count: 0,
            complete: false,
        };
        let before = generation();
        // SAFETY: the callback gets our `modules`, which outlives the call.
        unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut modules).cast()) };
        let all = modules.ids.iter().zip(&modules.blocks).take(modules.count);
        let missing = all.filter(|(_, block)| block.start == 0);
        let asked = missing.map(|(id, _)| make_block(*id)).count();
        if asked == 0 && generation() == before {
            modules.complete = modules.count < MODULES;
            return modules;
        }
    }
    Modules {
        ids: [0; MODULES],
        blocks: [Block { start: 0, len: 0 }; MODULES],
        count: 0,
        complete: false,
    }
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
    if size == 0 {
        return 0;
    }
    if let Some(place) = modules.ids.get_mut(modules.count) {
        *place = info.dlpi_tls_modid;
        modules.blocks[modules.count] = Block {
            start: info.dlpi_tls_data.addr(),
            len: size,
        };
        modules.count += 1;
    }
    0
}

/// The mapping that the C library has for the calling thread: stack, static thread-locals and
/// control block.
fn own_mapping() -> Block {
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
    let mut len = 0;
    // SAFETY: initialised by the call above.
    unsafe { libc::pthread_attr_getstack(&raw const attr, &raw mut start, &raw mut len) };
    // SAFETY: initialised above, not used again.
    unsafe { libc::pthread_attr_destroy(&raw mut attr) };
    Block {
        start: start.addr(),
        len,
    }
}

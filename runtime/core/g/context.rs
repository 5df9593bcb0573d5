//! The context switch: the only file of the core that knows corosensei.
//!
//! A stack has one coroutine for as long as it is in use. The coroutine's body runs one goroutine
//! after the other, so a spawn on a recycled stack costs one switch and creates nothing. The
//! coroutine's control block is at the top of its stack.
//!
//! A body is entered through a shim in assembler (`core/g/shim_*.rs`), so that no value of the M
//! that starts it gets into its frames.
//!
//! Invariants: only the M that holds a G resumes its coroutine (the status word gives that
//! right); every suspension goes through [`suspend`], which is never inlined, so that no
//! thread-local address of the runtime is cached across it.
//!
//! Go: asm_amd64.s gogo, mcall; proc.go goexit0.
#![allow(unsafe_code, reason = "switches stacks")]

use std::convert::Infallible;
use std::hint::black_box;
use std::mem::{offset_of, size_of};
use std::num::NonZeroUsize;

use corosensei::stack::{Stack, StackPointer};
use corosensei::{Coroutine, CoroutineResult, Yielder};

use crate::core::g::goroutine::GRef;
use crate::core::g::shim;
use crate::core::hooks::{self, Slot, SlotRef};
use crate::core::sys::cpu::prefetch_at;
use crate::core::sys::fatal::fatal;

/// All that a goroutine can ask of the M it runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    /// Runnable again, at the global tail. Go: Gosched.
    Yield,
    /// Runnable again, at the tail of this P's queue. Go: goyield.
    YieldLocal,
    /// Preempted at its way out of the runtime: at the global tail. Go: gopreempt_m.
    Preempted,
    /// Announced a park.
    Park,
    /// The body has ended.
    Done,
    /// Woke up without its P, which sysmon has taken. Go: exitsyscall.
    LostP,
}

type Co = Coroutine<GRef, Switch, Infallible, SlotStack>;

/// The part of a slot that the coroutine may use: below its own control block.
struct SlotStack(SlotRef);

/// A coroutine, and the yielder that its goroutines leave it by.
#[repr(C)]
struct Block {
    co: Co,
    way_out: usize,
}

/// How many words corosensei has in a control block, before ours.
pub(crate) const CO_WORDS: usize = size_of::<Co>() / size_of::<usize>();

const BLOCK: usize = size_of::<Block>().next_multiple_of(64);

/// Where a slot's coroutine has its control block: right below the top, which is aligned to 64.
#[inline]
pub(crate) fn block_of(slot: &Slot) -> usize {
    slot.top() - BLOCK
}

// SAFETY: a slot's memory is writable from limit to top, guarded below, 16-aligned, never
// unmapped, and belongs to one coroutine (the arena's promise).
unsafe impl Stack for SlotStack {
    fn base(&self) -> StackPointer {
        NonZeroUsize::new(self.0.top() - BLOCK).expect("a slot is not at address 0")
    }

    fn limit(&self) -> StackPointer {
        NonZeroUsize::new(self.0.limit()).expect("a slot is not at address 0")
    }
}

/// The second part of the control block at `block`.
#[inline]
fn way_out_of(block: usize) -> *mut usize {
    (block + offset_of!(Block, way_out)) as *mut usize
}

/// Gives `slot` a coroutine, if it has none, that runs each goroutine's `body`.
pub(crate) fn prepare(slot: SlotRef, body: extern "C" fn(GRef)) {
    if slot.has_coroutine() {
        return;
    }
    hooks::begin_stack(slot);
    let co: Co = Coroutine::with_stack(SlotStack(slot), move |yielder, first: GRef| {
        let way_out = std::ptr::from_ref(yielder).addr();
        // SAFETY: in the block, which was written before the first resume; this part of it is for
        // this side of the switch.
        unsafe { way_out_of(block_of(slot)).write(way_out) };
        let mut g = first;
        loop {
            // SAFETY: the shim calls `body` with `g`, as we would.
            unsafe { shim::call(g, body, slot.body_sp().as_ptr()) };
            note_stack(slot);
            g = yielder.suspend(Switch::Done);
        }
    });
    let block = Block { co, way_out: 0 };
    // SAFETY: it lies between the coroutine's base and the slot's top: ours, aligned.
    unsafe { (block_of(slot) as *mut Block).write(block) };
    slot.set_has_coroutine(true);
}

/// Runs `g` on its stack until it asks for something. Called by the M that holds `g`.
#[inline]
pub(crate) fn resume(g: GRef) -> Switch {
    let block = g.block.get() as *mut Block;
    // SAFETY: `prepare` made the block; only the M that holds the G uses this part of it.
    let co = unsafe { &mut (*block).co };
    match co.resume(g) {
        CoroutineResult::Yield(switch) => switch,
        CoroutineResult::Return(never) => match never {},
    }
}

/// Cache lines from a control block down in which a goroutine that waits has its frames: 768 bytes
/// are enough for a receive. With one line, waking 100,000 takes a third more time (measured).
const WAITING_LINES: usize = 12;

/// `g` will run soon: starts to load its control block and the frames below, so that the misses (of
/// the page's address, above all) pass while others still run. For one that has no stack yet it
/// does nothing.
#[inline]
pub(crate) fn prefetch(g: GRef) {
    let block = g.block.get();
    if block != 0 {
        (0..WAITING_LINES).for_each(|line| prefetch_at(block - line * 64));
    }
}

/// Leaves the calling goroutine's stack; returns when an M resumes it, maybe another thread.
#[inline(never)]
pub(crate) fn suspend(g: GRef, switch: Switch) {
    let Some(slot) = g.stack.get() else {
        fatal!("suspend on a thread that is not a goroutine");
    };
    // Whatever the frames below do with them (without optimisation corosensei's are large), what
    // the caller kept in registers is above the stack pointer that is noted, and nothing else of
    // the caller's, nor of its past, is below.
    let registers = shim::callee_saved();
    note_stack(slot);
    let way_out = way_out_of(g.block.get());
    // SAFETY: a goroutine that runs has a block; this part is for this side of the switch.
    let yielder = unsafe { way_out.read() } as *const Yielder<GRef, Switch>;
    // SAFETY: set when the coroutine started; the yielder lives at the root of the running stack.
    let resumed = unsafe { (*yielder).suspend(switch) };
    debug_assert!(resumed.same(g), "resumed for another goroutine");
    black_box(&registers); // alive until here
}

/// Notes how deep the calling frame is: after the switch nothing below it is alive, except what
/// the switch itself pushes (less than `ext/scavenge/trim.rs` spares).
#[inline(always)]
fn note_stack(slot: &Slot) {
    slot.note_sp(shim::stack_pointer());
}

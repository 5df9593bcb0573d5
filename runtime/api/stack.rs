//! Deep recursion: how much stack is left, and a larger one for a call that needs it.
//!
//! A goroutine's stack grows by itself, up to its limit (256 KiB, or the size given to
//! [`Builder::stack_size`](crate::thread::Builder::stack_size)). Code that recurses as deep as
//! its input calls [`grow`] at each level, as it would call the `stacker` crate on a thread.
//!
//! Go: stack.go newstack; there every stack grows up to 1 GB.
#![forbid(unsafe_code)]

use crate::core::g::shim::stack_pointer;
use crate::core::m::current::this_m;
use crate::ext::growth::segment::Segment;
use crate::ext::plain_threads::foreign;
use crate::ext::scavenge::residency;
use crate::ext::stackalloc::SlotRef;

/// Calls `f`: where it is if at least `red_zone` bytes of stack are left, else on a new stack
/// with room for `size` bytes, which lives as long as the call.
///
/// Works in goroutines and on plain threads; calls nest. `f` may do whatever a goroutine may: it
/// can block, be moved to another thread, panic (the panic passes through). A new stack takes
/// address space; of memory only what is touched, and some hundred nanoseconds if it was used
/// before. So a `red_zone` should be what the code needs until it asks again, and `size` many
/// times that.
///
/// # Panics
/// If `size` is above 1 GiB less a few KiB, or the system has no stack of that size: see
/// [`StackError`](crate::StackError).
///
/// # Examples
/// ```
/// /// As deep as the list is long.
/// fn length(list: Option<&List>) -> usize {
///     gosched::stack::grow(32 << 10, 1 << 20, || match list {
///         Some(list) => 1 + length(list.next.as_deref()),
///         None => 0,
///     })
/// }
///
/// struct List {
///     next: Option<Box<List>>,
/// }
///
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
/// let mut list = None;
/// for _ in 0..20_000 {
///     list = Some(List { next: list.map(Box::new) });
/// }
/// assert_eq!(length(list.as_ref()), 20_000);
/// # // Dropping it recurses as well.
/// # std::mem::forget(list);
/// }) };
/// ```
///
/// Go: stack.go newstack
#[inline]
#[track_caller]
#[doc(alias = "morestack")]
pub fn grow<R>(red_zone: usize, size: usize, f: impl FnOnce() -> R) -> R {
    match remaining() {
        Some(left) if left >= red_zone => f(),
        _ => call_grown(size, f),
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn call_grown<R>(size: usize, f: impl FnOnce() -> R) -> R {
    let segment = match Segment::push(size) {
        Ok(segment) => segment,
        Err(e) => panic!("stack::grow: {e}"),
    };
    let mut f = Some(f);
    let mut result = None;
    segment.call(&mut || result = f.take().map(|f| f()));
    drop(segment);
    result.expect("a call returns or unwinds")
}

/// Bytes of stack that are left to the caller, above the guard; `None` where that is not known
/// (on a stack that some other library has made).
///
/// # Examples
/// ```
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     let left = gosched::thread::spawn(gosched::stack::remaining).join().unwrap().unwrap();
///     assert!(left > 128 << 10 && left < 256 << 10);
/// }) };
/// ```
#[inline]
#[must_use]
pub fn remaining() -> Option<usize> {
    let here = stack_pointer();
    match my_stack() {
        Some(slot) if slot.holds(here) => Some(here - slot.limit()),
        Some(first) => elsewhere(first, here),
        None => {
            let stack = foreign::own_stack()?;
            stack.contains(&here).then(|| here - stack.start)
        }
    }
}

/// Some other library has switched: to an earlier one of the caller's stacks, or to one of its own.
#[cold]
fn elsewhere(first: SlotRef, here: usize) -> Option<usize> {
    let slot = first.chain().find(|slot| slot.holds(here))?;
    Some(here - slot.limit())
}

/// Bytes of stack that the calling goroutine has in memory, from the deepest page that it has
/// touched: how deep it has been. `None` on a plain thread.
///
/// It counts in pages, and what an earlier goroutine on the same stack has touched counts too.
/// Takes a microsecond.
///
/// # Examples
/// ```
/// # // SAFETY: nothing here is tied to an OS thread.
/// unsafe { gosched::run(|| {
///     assert!(gosched::stack::high_water().unwrap() >= 4096);
/// }) };
/// ```
#[must_use]
pub fn high_water() -> Option<usize> {
    this_m()?;
    my_stack().map(residency::chain_high_water)
}

/// The stack or segment that the caller runs on, if it is one of ours.
#[inline]
fn my_stack() -> Option<SlotRef> {
    match this_m() {
        Some(m) => m.curg()?.stack.get(),
        None => foreign::g_if_any()?.stack.get(),
    }
}

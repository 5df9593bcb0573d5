//! Shows std's unwinder a place in the program as if it were our caller.
//!
//! std has a symbolizer, but tells only the names of the frames that it finds on the stack of its
//! caller. So `as_called_by` is a function whose unwind table sends the unwinder to any place that we
//! name. What lies beyond it is a stack of zeros, so there the unwinder is at its end.
#![allow(unsafe_code, reason = "calls assembler")]

use std::ffi::c_void;

use crate::ext::unwind::arch::{FP, RETURN, SP, as_called_by};
use crate::ext::unwind::objects::Object;
use crate::ext::unwind::rules::{Frame, Rule};
use crate::ext::unwind::table::find;

/// The part of the symbol's name that tells where our own frames end.
pub(crate) const NAME: &str = "::as_called_by";

/// Frames larger than this are not shown to std.
const LARGEST: usize = 4 << 20;

/// A stack on which there is nothing.
pub(crate) struct Empty(Vec<usize>);

impl Empty {
    pub(crate) fn new() -> Empty {
        Empty(vec![0; 3 * LARGEST / size_of::<usize>()]) // never written: it takes no memory
    }

    fn middle(&self) -> usize {
        (self.0.as_ptr().addr() + LARGEST) & !63
    }
}

/// Runs `f` as if the function with the instruction `at` had called it. Returns `false` if that
/// function finds its own caller in a way that needs more than a stack of zeros.
pub(crate) fn as_if_from(
    objects: &[Object],
    at: usize,
    empty: &Empty,
    f: &mut dyn FnMut(),
) -> bool {
    let Some(found) = find(objects, at) else {
        return false;
    };
    let near = |offset: i64| offset.unsigned_abs() < LARGEST as u64;
    let returns = match found.row.rules[RETURN] {
        Rule::At(offset) => near(offset),
        // On aarch64, before a function saves x30; there is an address of the stack of zeros.
        Rule::Same => true,
        _ => false,
    };
    let plain =
        returns && matches!(found.row.frame, Frame::From(SP | FP, offset) if near(offset));
    if plain {
        let middle = empty.middle();
        let caller = [at + 1, middle, middle]; // as if it were the instruction behind a call
        let mut f = f;
        // SAFETY: `call` gets what it expects, and `caller` and the stack live until it returns.
        unsafe { as_called_by(&raw const caller, call, (&raw mut f).cast()) };
    }
    plain
}

unsafe extern "C" fn call(f: *mut c_void) {
    // SAFETY: `as_if_from` passes its `f`, which nobody else uses meanwhile.
    let f = unsafe { &mut *f.cast::<&mut dyn FnMut()>() };
    f();
}

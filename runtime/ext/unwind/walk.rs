//! From a place on a stack to its callers.
#![forbid(unsafe_code)]

use crate::ext::unwind::arch::SP;
use crate::ext::unwind::expression::evaluate;
use crate::ext::unwind::objects::Object;
use crate::ext::unwind::registers::{COUNT, Place, Registers};
use crate::ext::unwind::rules::{Frame, Row, Rule};
use crate::ext::unwind::table::find;

/// A stack to walk: what of it can be read, and where it ends.
pub(crate) struct Stack<'a> {
    /// The word at an address; `None`: it is not on the stack.
    pub(crate) read: &'a dyn Fn(usize) -> Option<usize>,
    /// No frame of the goroutine's begins here.
    pub(crate) is_root: &'a dyn Fn(usize) -> bool,
}

/// Calls `frame` with an address of each function from the innermost to the outermost: inside of
/// the call that it makes, or of the instruction that was interrupted. Until `frame` says no.
pub(crate) fn walk(
    objects: &[Object],
    from: Place,
    stack: &Stack<'_>,
    mut frame: impl FnMut(usize) -> bool,
) {
    let mut registers = Registers::at(from);
    let (mut pc, mut exact) = (from.pc, from.interrupted);
    while pc != 0 {
        let at = if exact { pc } else { pc - 1 };
        let Some(found) = find(objects, at) else {
            break;
        };
        if !frame(at) {
            break;
        }
        let sp = registers.get(SP);
        let Some(caller) = caller_of(&found.row, &registers, stack.read) else {
            break;
        };
        let next = caller.get(found.returns_in);
        let same = sp == caller.get(SP) && next == Some(pc);
        let ends = caller.get(SP).is_none_or(|sp| (stack.is_root)(sp));
        match next {
            Some(next) if !same && !ends => pc = next,
            _ => break,
        }
        exact = found.is_signal;
        registers = caller;
    }
}

/// The registers as they were in the caller.
fn caller_of(
    row: &Row,
    now: &Registers,
    read: &dyn Fn(usize) -> Option<usize>,
) -> Option<Registers> {
    let begins = match row.frame {
        Frame::Unknown => return None,
        Frame::From(register, offset) => {
            now.get(register)?.wrapping_add_signed(offset as isize)
        }
        Frame::Computed(code) => evaluate(code, None, now, read)?,
    };
    let mut caller = *now;
    caller.set(SP, Some(begins));
    for number in 0..COUNT {
        let value = match row.rules[number] {
            Rule::Same => continue,
            Rule::Lost => None,
            Rule::At(offset) => read(begins.wrapping_add_signed(offset as isize)),
            Rule::Is(offset) => Some(begins.wrapping_add_signed(offset as isize)),
            Rule::In(other) => now.get(other),
            Rule::AtComputed(code) => evaluate(code, Some(begins), now, read).and_then(read),
            Rule::Computed(code) => evaluate(code, Some(begins), now, read),
        };
        caller.set(number, value);
    }
    Some(caller)
}

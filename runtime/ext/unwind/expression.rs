//! Addresses that unwind tables describe by a small program (DWARF expressions). Few functions have
//! one: the frames of signals, the linker's stubs, where corosensei changes stacks.
#![forbid(unsafe_code)]

use crate::ext::unwind::bytes::Bytes;
use crate::ext::unwind::registers::Registers;

const DEEPEST: usize = 16;

struct Stack {
    values: [usize; DEEPEST],
    len: usize,
}

impl Stack {
    fn push(&mut self, value: usize) -> Option<()> {
        *self.values.get_mut(self.len)? = value;
        self.len += 1;
        Some(())
    }

    fn pop(&mut self) -> Option<usize> {
        self.len = self.len.checked_sub(1)?;
        self.values.get(self.len).copied()
    }
}

/// What `code` computes; `first` is on its stack at the beginning. `None`: it reads what cannot be
/// read, or does what this does not know.
pub(crate) fn evaluate(
    mut code: Bytes,
    first: Option<usize>,
    registers: &Registers,
    read: &dyn Fn(usize) -> Option<usize>,
) -> Option<usize> {
    let mut stack = Stack {
        values: [0; DEEPEST],
        len: 0,
    };
    if let Some(first) = first {
        stack.push(first)?;
    }
    while let Some(op) = code.u8() {
        let value = match op {
            0x03 => code.u64()? as usize,
            0x06 => {
                let at = stack.pop()?;
                read(at)?
            }
            0x08 => code.u8()? as usize,
            0x09 => code.u8()? as i8 as usize,
            0x0a => code.u16()? as usize,
            0x0b => code.u16()? as i16 as usize,
            0x0c => code.u32()? as usize,
            0x0d => code.u32()? as i32 as usize,
            0x10 => code.unsigned()? as usize,
            0x11 => code.signed()? as usize,
            0x12 => *stack.values.get(stack.len.checked_sub(1)?)?,
            0x13 => {
                stack.pop()?;
                continue;
            }
            0x1a | 0x1c | 0x22 | 0x24 | 0x2a => {
                let (b, a) = (stack.pop()?, stack.pop()?);
                match op {
                    0x1a => a & b,
                    0x1c => a.wrapping_sub(b),
                    0x22 => a.wrapping_add(b),
                    0x24 => a.checked_shl(b as u32)?,
                    _ => usize::from(a as isize >= b as isize),
                }
            }
            0x23 => {
                let more = code.unsigned()? as usize;
                stack.pop()?.wrapping_add(more)
            }
            0x30..=0x4f => usize::from(op - 0x30),
            0x70..=0x8f => {
                let offset = code.signed()? as isize;
                let register = registers.get(usize::from(op - 0x70))?;
                register.wrapping_add_signed(offset)
            }
            0x92 => {
                let register = registers.get(code.unsigned()? as usize)?;
                register.wrapping_add_signed(code.signed()? as isize)
            }
            0x96 => continue,
            _ => return None,
        };
        stack.push(value)?;
    }
    stack.pop()
}

//! How to find a function's caller, at one of its instructions: a row of the unwind tables.
#![forbid(unsafe_code)]

use crate::ext::unwind::bytes::Bytes;
use crate::ext::unwind::registers::COUNT;

/// Where the frame of a function begins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Frame {
    Unknown,
    /// So far from what a register holds.
    From(usize, i64),
    Computed(Bytes),
}

/// Where the value is that a register had in the caller.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    /// Not changed.
    Same,
    Lost,
    /// In memory, so far from where the frame begins.
    At(i64),
    /// So far from where the frame begins.
    Is(i64),
    /// In another register.
    In(usize),
    /// In memory, at an address to compute.
    AtComputed(Bytes),
    Computed(Bytes),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) frame: Frame,
    pub(crate) rules: [Rule; COUNT],
}

/// How far the compiler's remember and restore may nest.
const NESTED: usize = 8;

/// What a run of the instructions needs to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factors {
    pub(crate) code: u64,
    pub(crate) data: i64,
    pub(crate) pointers: u8,
}

impl Row {
    pub(crate) fn new() -> Row {
        Row {
            frame: Frame::Unknown,
            rules: [Rule::Same; COUNT],
        }
    }

    fn set(&mut self, register: u64, rule: Rule) {
        if let Some(place) = self.rules.get_mut(register as usize) {
            *place = rule;
        }
    }

    /// Runs `code` for a function that begins at `at`, up to the instruction `pc`. `first`: the row
    /// to go back to where an instruction says so.
    pub(crate) fn run(
        &mut self,
        mut code: Bytes,
        factors: Factors,
        mut at: usize,
        pc: usize,
        first: Option<Row>,
    ) -> Option<()> {
        let mut remembered = [None; NESTED];
        let mut depth = 0;
        while let Some(op) = code.u8() {
            let low = u64::from(op & 0x3f);
            let step = match op {
                0x40..=0x7f => low,
                0x01 => {
                    at = code.pointer(factors.pointers, 0)?;
                    0
                }
                0x02 => u64::from(code.u8()?),
                0x03 => u64::from(code.u16()?),
                0x04 => u64::from(code.u32()?),
                0x0a => {
                    *remembered.get_mut(depth)? = Some(*self);
                    depth += 1;
                    0
                }
                0x0b => {
                    depth = depth.checked_sub(1)?;
                    *self = (*remembered.get(depth)?)?;
                    0
                }
                _ => {
                    self.note(op, &mut code, factors.data, first)?;
                    0
                }
            };
            at = at.wrapping_add((step * factors.code) as usize);
            if at > pc {
                break;
            }
        }
        Some(())
    }

    /// An instruction that changes the row.
    fn note(&mut self, op: u8, code: &mut Bytes, data: i64, first: Option<Row>) -> Option<()> {
        let low = u64::from(op & 0x3f);
        let restore = |register: u64, row: &mut Row| {
            let rule = first?.rules.get(register as usize).copied();
            row.set(register, rule.unwrap_or(Rule::Same));
            Some(())
        };
        match op {
            0x80..=0xbf => self.set(low, Rule::At(code.unsigned()? as i64 * data)),
            0xc0..=0xff => restore(low, self)?,
            0x00 => (),
            0x05 => {
                let register = code.unsigned()?;
                self.set(register, Rule::At(code.unsigned()? as i64 * data));
            }
            0x06 => {
                let register = code.unsigned()?;
                restore(register, self)?;
            }
            0x07 => self.set(code.unsigned()?, Rule::Lost),
            0x08 => self.set(code.unsigned()?, Rule::Same),
            0x09 => {
                let register = code.unsigned()?;
                self.set(register, Rule::In(code.unsigned()? as usize));
            }
            0x0c => {
                let register = code.unsigned()? as usize;
                self.frame = Frame::From(register, code.unsigned()? as i64);
            }
            0x0d => {
                let Frame::From(_, offset) = self.frame else {
                    return None;
                };
                self.frame = Frame::From(code.unsigned()? as usize, offset);
            }
            0x0e | 0x13 => {
                let Frame::From(register, _) = self.frame else {
                    return None;
                };
                let offset = match op {
                    0x0e => code.unsigned()? as i64,
                    _ => code.signed()? * data,
                };
                self.frame = Frame::From(register, offset);
            }
            0x0f => self.frame = Frame::Computed(block(code)?),
            0x10 => {
                let register = code.unsigned()?;
                self.set(register, Rule::AtComputed(block(code)?));
            }
            0x11 => {
                let register = code.unsigned()?;
                self.set(register, Rule::At(code.signed()? * data));
            }
            0x12 => {
                let register = code.unsigned()? as usize;
                self.frame = Frame::From(register, code.signed()? * data);
            }
            0x14 => {
                let register = code.unsigned()?;
                self.set(register, Rule::Is(code.unsigned()? as i64 * data));
            }
            0x15 => {
                let register = code.unsigned()?;
                self.set(register, Rule::Is(code.signed()? * data));
            }
            0x16 => {
                let register = code.unsigned()?;
                self.set(register, Rule::Computed(block(code)?));
            }
            0x2d => (), // return addresses are signed from here on; nobody does that on Linux by default
            0x2e => drop(code.unsigned()?),
            _ => return None,
        }
        Some(())
    }
}

fn block(code: &mut Bytes) -> Option<Bytes> {
    let len = code.unsigned()? as usize;
    code.take(len)
}

//! The registers that a walk knows, by the numbers that DWARF gives them.
#![forbid(unsafe_code)]

use crate::core::base::owner_cell::OwnerCell;
use crate::ext::unwind::arch::{FP, SP, pc_sp_fp};

/// Numbers from here on (vector registers) are not of interest.
pub(crate) const COUNT: usize = 33;

/// Where a goroutine goes on: enough to find its callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) pc: usize,
    pub(crate) sp: usize,
    pub(crate) fp: usize,
    /// The instruction was interrupted; else it is the one behind a call.
    pub(crate) interrupted: bool,
}

/// The place of the calling function, which must not return while it is of use.
#[inline(always)]
pub(crate) fn here() -> Place {
    let (pc, sp, fp) = pc_sp_fp();
    Place {
        pc,
        sp,
        fp,
        interrupted: true,
    }
}

/// A place that its owner notes, for others to look at.
#[derive(Debug)]
pub(crate) struct PlaceCell {
    pc: OwnerCell<usize>,
    sp: OwnerCell<usize>,
    fp: OwnerCell<usize>,
}

impl PlaceCell {
    pub(crate) const fn nowhere() -> PlaceCell {
        PlaceCell {
            pc: OwnerCell::zero(),
            sp: OwnerCell::zero(),
            fp: OwnerCell::zero(),
        }
    }

    pub(crate) fn set(&self, place: Place) {
        self.pc.set(place.pc);
        self.sp.set(place.sp);
        self.fp.set(place.fp);
    }

    /// What was noted last, at an instruction that was interrupted.
    pub(crate) fn peek(&self) -> Place {
        Place {
            pc: self.pc.peek(),
            sp: self.sp.peek(),
            fp: self.fp.peek(),
            interrupted: true,
        }
    }
}

/// What each register held, if that is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registers([Option<usize>; COUNT]);

impl Registers {
    pub(crate) fn at(place: Place) -> Registers {
        let mut registers = Registers([None; COUNT]);
        registers.set(SP, Some(place.sp));
        registers.set(FP, Some(place.fp));
        registers
    }

    pub(crate) fn get(&self, number: usize) -> Option<usize> {
        self.0.get(number).copied().flatten()
    }

    pub(crate) fn set(&mut self, number: usize, value: Option<usize>) {
        if let Some(place) = self.0.get_mut(number) {
            *place = value;
        }
    }
}

//! Finds the row for an instruction: in an object's index, then in the description of a function.
//!
//! `.eh_frame_hdr` has the functions in the order of their addresses, each with a pointer to its
//! description (FDE), which has a pointer to what several have in common (CIE).
#![forbid(unsafe_code)]

use crate::ext::unwind::arch::RETURN;
use crate::ext::unwind::bytes::{Bytes, OMITTED};
use crate::ext::unwind::objects::Object;
use crate::ext::unwind::rules::{Factors, Row};

/// How the index's table must be written: what all linkers write.
const FROM_INDEX_I32: u8 = 0x3b;

/// A row, and what is said of the whole function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) row: Row,
    /// A signal interrupted its caller.
    pub(crate) is_signal: bool,
    /// The register for the return address.
    pub(crate) returns_in: usize,
}

/// What several functions have in common.
struct Common {
    factors: Factors,
    returns_in: usize,
    is_signal: bool,
    augmented: bool,
    code: Bytes,
}

/// The row for the instruction `pc`.
pub(crate) fn find(objects: &[Object], pc: usize) -> Option<Found> {
    let object = objects.iter().find(|o| o.has_code_at(pc))?;
    let entry = entry_for(object, pc)?;
    let mut description = record(object.bytes_at(entry)?)?;
    let here = description.at;
    let common = description.u32()? as usize;
    let common = common_at(object, here.checked_sub(common)?)?;
    let how = common.factors.pointers;
    let begins = description.pointer(how, 0)?;
    let len = description.pointer(how & 0x0f, 0)?;
    if !(begins..begins.wrapping_add(len)).contains(&pc) {
        return None;
    }
    if common.augmented {
        let len = description.unsigned()? as usize;
        description.take(len)?;
    }
    let mut row = Row::new();
    row.run(common.code, common.factors, 0, usize::MAX, None)?;
    let first = row;
    row.run(description, common.factors, begins, pc, Some(first))?;
    Some(Found {
        row,
        is_signal: common.is_signal,
        returns_in: common.returns_in,
    })
}

/// The address of the last description whose function begins at `pc` or before.
fn entry_for(object: &Object, pc: usize) -> Option<usize> {
    let base = object.index;
    let mut index = object.bytes_at(base).filter(|_| base != 0)?;
    let (version, frames, count, table) = (index.u8()?, index.u8()?, index.u8()?, index.u8()?);
    if version != 1 || count == OMITTED || table != FROM_INDEX_I32 {
        return None;
    }
    index.pointer(frames, base)?;
    let count = index.pointer(count, base)?;
    let (entries, _) = index.rest.as_chunks::<8>();
    let entries = entries.get(..count)?;
    let field = |entry: &[u8; 8], at: usize| {
        let bytes = [entry[at], entry[at + 1], entry[at + 2], entry[at + 3]];
        base.wrapping_add_signed(i32::from_le_bytes(bytes) as isize)
    };
    let after = entries.partition_point(|entry| field(entry, 0) <= pc);
    Some(field(entries.get(after.checked_sub(1)?)?, 4))
}

/// The bytes of a record behind its length.
fn record(mut bytes: Bytes) -> Option<Bytes> {
    let len = match bytes.u32()? {
        0 => return None,
        u32::MAX => bytes.u64()? as usize,
        short => short as usize,
    };
    bytes.take(len)
}

fn common_at(object: &Object, at: usize) -> Option<Common> {
    let mut bytes = record(object.bytes_at(at)?)?;
    let (id, version, words) = (bytes.u32()?, bytes.u8()?, bytes.text()?);
    if id != 0 || !matches!(version, 1 | 3) {
        return None;
    }
    let (code, data) = (bytes.unsigned()?, bytes.signed()?);
    let returns_in = match version {
        1 => bytes.u8()? as usize,
        _ => bytes.unsigned()? as usize,
    };
    let mut common = Common {
        factors: Factors {
            code,
            data,
            pointers: 0,
        },
        returns_in,
        is_signal: false,
        augmented: false,
        code: bytes,
    };
    if let Some(words) = words.strip_prefix(b"z") {
        common.augmented = true;
        let len = bytes.unsigned()? as usize;
        let mut more = bytes.take(len)?;
        for word in words {
            match word {
                b'R' => common.factors.pointers = more.u8()?,
                b'P' => {
                    let how = more.u8()?;
                    more.pointer(how, 0)?;
                }
                b'L' => drop(more.u8()?),
                b'S' => common.is_signal = true,
                b'B' => (),
                _ => return None,
            }
        }
    }
    common.code = bytes;
    // `replay::through` has one of its own on aarch64, and is no way to anywhere.
    (common.returns_in == RETURN).then_some(common)
}

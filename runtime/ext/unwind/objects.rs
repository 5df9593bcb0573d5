//! The program and its libraries as they are in memory: where their code is, and their tables.
//!
//! The list is made anew for each report, as libraries come and go. A library that is closed while
//! a report reads its tables would end the process; a goroutine's frame that is in it would anyhow.
#![allow(unsafe_code, reason = "reads the dynamic linker's list")]

use std::ffi::{CStr, c_int, c_void};

use crate::ext::unwind::bytes::Bytes;

/// One of them.
#[derive(Debug)]
pub(crate) struct Object {
    /// The last part of its path; empty for the program.
    pub(crate) name: String,
    /// What the file's addresses are moved by.
    pub(crate) base: usize,
    /// What is mapped of it, from and to, and whether as code.
    parts: Vec<(usize, usize, bool)>,
    /// Where `.eh_frame_hdr` is.
    pub(crate) index: usize,
}

impl Object {
    pub(crate) fn has_code_at(&self, pc: usize) -> bool {
        let holds =
            |(from, to, is_code): &(usize, usize, bool)| *is_code && (*from..*to).contains(&pc);
        self.parts.iter().any(holds)
    }

    /// The bytes from an address to the end of what is mapped there.
    pub(crate) fn bytes_at(&self, at: usize) -> Option<Bytes> {
        let holds = |(from, to, _): &&(usize, usize, bool)| (*from..*to).contains(&at);
        let (_, to, _) = self.parts.iter().find(holds)?;
        // SAFETY: mapped by the dynamic linker, readable as the segment's flags said, and constant:
        // segments that can be written are not in the list.
        let rest = unsafe { std::slice::from_raw_parts(at as *const u8, to - at) };
        Some(Bytes { rest, at })
    }
}

/// All of them. Takes the dynamic linker's lock, and allocates.
pub(crate) fn objects() -> Vec<Object> {
    let mut found: Vec<Object> = Vec::new();
    // SAFETY: `note` is called with what is passed here, and only during the call.
    unsafe { libc::dl_iterate_phdr(Some(note), (&raw mut found).cast()) };
    found
}

unsafe extern "C" fn note(
    info: *mut libc::dl_phdr_info,
    _size: usize,
    found: *mut c_void,
) -> c_int {
    // SAFETY: the dynamic linker's own argument, for the time of this call.
    let info = unsafe { &*info };
    // SAFETY: what `objects` passed; nobody else uses it meanwhile.
    let found = unsafe { &mut *found.cast::<Vec<Object>>() };
    let base = info.dlpi_addr as usize;
    let mut object = Object {
        name: last_part(info.dlpi_name),
        base,
        parts: Vec::new(),
        index: 0,
    };
    if info.dlpi_phdr.is_null() {
        return 0;
    }
    // SAFETY: as many headers as it says.
    let headers =
        unsafe { std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum as usize) };
    for header in headers {
        let from = base.wrapping_add(header.p_vaddr as usize);
        let may = |flag| header.p_flags & flag != 0;
        match header.p_type {
            libc::PT_LOAD if may(libc::PF_R) && !may(libc::PF_W) => {
                let to = from.wrapping_add(header.p_memsz as usize);
                object.parts.push((from, to, may(libc::PF_X)));
            }
            libc::PT_GNU_EH_FRAME => object.index = from,
            _ => (),
        }
    }
    found.push(object);
    0
}

fn last_part(path: *const libc::c_char) -> String {
    if path.is_null() {
        return String::new();
    }
    // SAFETY: a path, ended by 0, as the dynamic linker promises.
    let path = unsafe { CStr::from_ptr(path) }.to_string_lossy();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_and_the_c_library_are_found() {
        let all = objects();
        let own = objects as fn() -> Vec<Object> as usize;
        let program = all.iter().find(|o| o.has_code_at(own)).unwrap();
        assert!(program.index != 0);
        assert_eq!(program.bytes_at(program.index).unwrap().u8(), Some(1));
        let of_libc = libc::getpid as unsafe extern "C" fn() -> libc::pid_t as usize;
        assert!(
            all.iter().any(|o| o.has_code_at(of_libc)) || cfg!(target_feature = "crt-static")
        );
    }
}
